import { loadNative } from "../../../native/index.ts";
import { startKernelDataplane } from "../../../src/dataplane/index.ts";
import { isolated, OBJECT_PATH } from "../kernel/isolated.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { drivenWorld } from "./driven-world.ts";
import { LINKS_SETUP, Wire } from "./links.ts";
import { dataplaneSuite } from "./run.ts";

await isolated(import.meta.filename, LINKS_SETUP, () =>
  dataplaneSuite("kernel", async (options = {}) => {
    const parts = { native: loadNative(), log: SILENT, objectPath: OBJECT_PATH };
    const wire = await Wire.start();
    return drivenWorld({
      starting: () => startKernelDataplane({ ...OPTIONS, ...options }, parts),
      send: (from, packets) => wire.send(from, packets),
      end: () => wire[Symbol.asyncDispose](),
    });
  }),
);
