import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { startLinuxDataplane } from "../../../src/dataplane/index.ts";
import { MOST_GROUPS } from "../../../src/dataplane/linux/commands.ts";
import { isolated } from "../../dataplane/kernel/isolated.ts";
import { whyNoRoutes } from "../../dataplane/linux/why-not.ts";
import { OPTIONS } from "../../dataplane/memory/story.ts";
import { LINKS_SETUP } from "../../dataplane/suite/links.ts";
import { complaining } from "./complaining.ts";
import { dataplaneContract } from "./suite.ts";

await isolated(
  import.meta.filename,
  LINKS_SETUP,
  () => {
    const folder = mkdtempSync(join(tmpdir(), "semr-linux-contract-"));
    after(() => rmSync(folder, { recursive: true }));
    dataplaneContract(
      "linux",
      async (options = {}) => {
        const { log, complaints } = complaining();
        const planFile = join(folder, "plan");
        const dataplane = await startLinuxDataplane({ ...OPTIONS, ...options }, { planFile }, { log });
        return {
          ...{ dataplane, complaints, settled: () => dataplane.settled() },
          [Symbol.asyncDispose]: () => dataplane.remove(),
        };
      },
      { runs: 6, packets: false, groups: MOST_GROUPS },
    );
  },
  whyNoRoutes,
);
