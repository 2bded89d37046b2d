/** A router's control plane that goes on from pinned tables, step by step as it is told, says so, and never ends by itself. */
import { createInterface } from "node:readline";
import { loadNative } from "../../../native/index.ts";
import { milliseconds } from "../../../src/base/index.ts";
import { startKernelDataplane } from "../../../src/dataplane/index.ts";
import { Compiler } from "../../../src/forwarding/index.ts";
import { systemClock, systemRandom } from "../../../src/host/index.ts";
import { TallyMetrics } from "../../sim/tally-metrics.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { OBJECT_PATH } from "./isolated.ts";

const dataplane = await startKernelDataplane(OPTIONS, { native: loadNative(), log: SILENT, objectPath: OBJECT_PATH });
const { domain, locator, hashSeed, maxCapabilities } = OPTIONS;
using compiler = new Compiler(
  {
    ...{ domain, locator, hashSeed, selector: 1, tenants: new Map(), familyCodes: new Map() },
    ...{ transitionHold: milliseconds(60_000), quarantine: milliseconds(60_000) },
    limits: { capabilities: maxCapabilities, groups: 60_000, nextHops: 60_000 },
  },
  { clock: systemClock, random: systemRandom, metrics: new TallyMetrics(), log: SILENT, sink: dataplane },
);
const steps = compiler.adopt(dataplane.held());
process.stdout.write(`started adopted=${dataplane.adopted}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  const { count } = JSON.parse(line) as { count: number };
  let made = 0;
  while (made < count && steps.next().done !== true) made++;
  process.stdout.write(`${made} steps, ${compiler.sizes.capabilities} capabilities\n`);
}
