import { type Clock, type Metrics, milliseconds, Slices } from "../base/index.ts";
import type { Directory } from "../directory/index.ts";
import type { Compiler } from "../forwarding/index.ts";
import type { AgentSelection, CapabilitySelection, CapabilityView, LookAhead } from "../rib/index.ts";
import type { ExecutorHealth } from "./executor-health.ts";
import { feedInstances, type InstanceSink } from "./instance-feed.ts";
import type { SelectionFan } from "./selection-fan.ts";

/**
 * Destinations that are judged before the event loop gets a turn: so many at once, for so long. What is compiled of them in the same
 * turn takes as long again.
 */
export const JUDGED = { atOnce: 32, span: milliseconds(2) } as const;
/** There are hundreds of them in all. */
const PREFIXES_PER_TURN = 32;

export interface CompilerFeed extends Disposable {
  /** Resolves when the compiler has heard of all that the RIB has decided, or when this is disposed. */
  settled(): Promise<void>;
}

/**
 * Hands what changed to the compiler: instances, and capabilities in slices.
 */
export function feedCompiler(
  compiler: InstanceSink & Pick<Compiler, "capabilityChanged" | "prefixChanged" | "lookAhead">,
  parts: {
    readonly directory: Directory;
    readonly capability: Pick<
      CapabilityView,
      "onDestinationsChanged" | "drainDestinations" | "drainPrefixes" | "destinations" | "select"
    >;
    readonly clock: Clock;
    readonly metrics: Metrics;
    readonly selections: SelectionFan;
    readonly health: Pick<ExecutorHealth, "eligible" | "onChange">;
  },
): CompilerFeed {
  const { directory, capability, clock, metrics, selections, health } = parts;
  const judged = metrics.counter("semrd_rib_destinations_judged_total", "Capability destinations decided anew");
  let stopped = false;
  const waiting: (() => void)[] = [];
  const tellSettled = (): void => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  const site = (selection: CapabilitySelection): void => {
    judged.add();
    compiler.capabilityChanged(health.eligible(selection));
    selections.site(selection);
  };
  const agent = (selection: AgentSelection): void => selections.agent(selection);

  const lookAhead: LookAhead = (destinations, count) => compiler.lookAhead(destinations, count);

  let scheduled = false;
  const drainLater = (): void => {
    if (scheduled) return;
    scheduled = true;
    clock.soon(drain);
  };
  const drain = (): void => {
    scheduled = false;
    if (stopped) return;
    const until = clock.monotonic() + JUDGED.span;
    let left: number;
    do left = capability.drainDestinations(site, JUDGED.atOnce, agent, lookAhead);
    while (left > 0 && clock.monotonic() < until);
    const prefixes = capability.drainPrefixes((selection) => compiler.prefixChanged(selection), PREFIXES_PER_TURN);
    if (left + prefixes > 0) drainLater();
    else tellSettled();
  };
  const instances = feedInstances(compiler, directory);
  capability.onDestinationsChanged = drain;
  drain();
  let sweeps = 0;
  /** Everything once more, in slices; a change meanwhile begins anew. */
  const sweep = async (): Promise<void> => {
    const own = ++sweeps;
    const slices = new Slices(clock, { stepsPerLook: 1 });
    for (const { tenantIndex, capabilityId } of capability.destinations()) {
      if (stopped || own !== sweeps) return;
      compiler.capabilityChanged(health.eligible(capability.select(tenantIndex, capabilityId)));
      if (slices.isOver) await slices.next();
    }
  };
  health.onChange = () => void sweep();

  return {
    settled() {
      if (stopped) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      drainLater();
      return promise;
    },
    [Symbol.dispose]() {
      stopped = true;
      tellSettled();
      capability.onDestinationsChanged = undefined;
      instances[Symbol.dispose]();
    },
  };
}
