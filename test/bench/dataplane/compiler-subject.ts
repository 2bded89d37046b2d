import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { milliseconds } from "../../../src/base/index.ts";
import { Compiler, type OperationSink } from "../../../src/forwarding/index.ts";
import { systemClock, systemRandom } from "../../../src/host/index.ts";
import { ListLog, TallyMetrics } from "../../sim/tally-metrics.ts";
import { DOMAIN, LOCATOR } from "./world.ts";

/** After the RIB is there. */
export const SECONDS_OF_A_MILLION = 3;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** As all have who work in slices: one that has no time in this round of the event loop is in the next. */
export const laterTurn = (): Promise<void> => new Promise((resolve) => systemClock.soon(resolve));
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
export const cpuMicroseconds = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};
const LIMITS = { groups: 65_535, nextHops: 65_535 };

export function compilerInto(sink: OperationSink, capabilities: number): Compiler {
  return new Compiler(
    {
      ...{ domain: DOMAIN, locator: LOCATOR, selector: 1, hashSeed: 1, tenants: new Map(), familyCodes: new Map() },
      ...{ transitionHold: milliseconds(100_000), quarantine: milliseconds(1) },
      limits: { ...LIMITS, capabilities },
    },
    { ...{ clock: systemClock, random: systemRandom, log: new ListLog(), metrics: new TallyMetrics() }, sink },
  );
}

/** What the parts before have mapped is given back by finalizers, which have turns of their own. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    collect();
    await turn();
  }
}
