import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { type LinuxDataplane, startLinuxDataplane } from "../../../src/dataplane/index.ts";
import { isolated } from "../kernel/isolated.ts";
import { whyNoRoutes } from "../linux/why-not.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { LINKS_SETUP, Wire } from "./links.ts";
import { dataplaneSuite } from "./run.ts";
import type { World } from "./world.ts";

await isolated(
  import.meta.filename,
  LINKS_SETUP,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "semr-linux-"));
    after(() => rmSync(folder, { recursive: true }));
    dataplaneSuite("linux", async (options = {}) => {
      const starting = (): Promise<LinuxDataplane> =>
        startLinuxDataplane({ ...OPTIONS, ...options }, { planFile: join(folder, "plan") }, { log: SILENT });
      let dataplane = await starting();
      const wire = await Wire.start();
      let generation = 0;
      const world: World = {
        get dataplane() {
          return dataplane;
        },
        async apply(operations) {
          dataplane.apply(operations, ++generation);
          await dataplane.settled();
        },
        async setHealth(nextHop, state) {
          dataplane.setHealth(nextHop, state);
          await dataplane.settled();
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
    });
  },
  whyNoRoutes,
);
