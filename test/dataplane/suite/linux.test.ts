import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { startLinuxDataplane } from "../../../src/dataplane/index.ts";
import { isolated } from "../kernel/isolated.ts";
import { whyNoRoutes } from "../linux/why-not.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { drivenWorld } from "./driven-world.ts";
import { LINKS_SETUP, Wire } from "./links.ts";
import { dataplaneSuite } from "./run.ts";

await isolated(
  import.meta.filename,
  LINKS_SETUP,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "semr-linux-"));
    after(() => rmSync(folder, { recursive: true }));
    dataplaneSuite("linux", async (options = {}) => {
      const wire = await Wire.start();
      return drivenWorld({
        starting: () =>
          startLinuxDataplane({ ...OPTIONS, ...options }, { planFile: join(folder, "plan") }, { log: SILENT }),
        inEffect: (dataplane) => dataplane.settled(),
        send: (from, packets) => wire.send(from, packets),
        end: () => wire[Symbol.asyncDispose](),
      });
    });
  },
  whyNoRoutes,
);
