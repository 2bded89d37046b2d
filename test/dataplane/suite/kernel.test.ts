import { loadNative } from "../../../native/index.ts";
import { startKernelDataplane } from "../../../src/dataplane/index.ts";
import { isolated, OBJECT_PATH } from "../kernel/isolated.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { LINKS_SETUP, Wire } from "./links.ts";
import { dataplaneSuite } from "./run.ts";
import type { World } from "./world.ts";

await isolated(import.meta.filename, LINKS_SETUP, () =>
  dataplaneSuite("kernel", async (options = {}) => {
    const starting = () =>
      startKernelDataplane({ ...OPTIONS, ...options }, { native: loadNative(), log: SILENT, objectPath: OBJECT_PATH });
    let dataplane = await starting();
    const wire = await Wire.start();
    let generation = 0;
    const world: World = {
      get dataplane() {
        return dataplane;
      },
      async apply(operations) {
        dataplane.apply(operations, ++generation);
      },
      async setHealth(nextHop, state) {
        dataplane.setHealth(nextHop, state);
      },
      send: (from, packets) => wire.send(from, packets),
      async counters() {
        return dataplane.counters();
      },
      async stop() {
        await dataplane[Symbol.asyncDispose]();
      },
      async start() {
        dataplane = await starting();
      },
      async [Symbol.asyncDispose]() {
        await dataplane.remove();
        await wire[Symbol.asyncDispose]();
      },
    };
    return world;
  }),
);
