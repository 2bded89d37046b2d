import { type Clock, type Metrics, Slices } from "../base/index.ts";
import type { Directory } from "../directory/index.ts";
import type { Compiler } from "../forwarding/index.ts";
import type { CapabilityView } from "../rib/index.ts";
import type { ExecutorHealth } from "./executor-health.ts";
import { feedInstances } from "./instance-feed.ts";
import type { SelectionFan } from "./selection-fan.ts";

/** Destinations that are judged before the event loop gets a turn: well below 5 ms of work. */
const PER_TURN = 256;
/** There are hundreds of them in all. */
const PREFIXES_PER_TURN = 32;

/**
 * Hands what changed to the compiler: instances, and capabilities in slices.
 */
export function feedCompiler(
  compiler: Compiler,
  parts: {
    readonly directory: Directory;
    readonly capability: CapabilityView;
    readonly clock: Clock;
    readonly metrics: Metrics;
    readonly selections: SelectionFan;
    readonly health: ExecutorHealth;
  },
): Disposable {
  const { directory, capability, clock, metrics, selections, health } = parts;
  const judged = metrics.counter("semrd_rib_destinations_judged_total", "Capability destinations decided anew");
  let stopped = false;

  const drain = (): void => {
    if (stopped) return;
    const left = capability.drainDestinations(
      (selection) => {
        judged.add();
        compiler.capabilityChanged(health.eligible(selection));
        selections.site(selection);
      },
      PER_TURN,
      (selection) => selections.agent(selection),
    );
    const prefixes = capability.drainPrefixes((selection) => compiler.prefixChanged(selection), PREFIXES_PER_TURN);
    if (left + prefixes > 0) clock.soon(drain);
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
    [Symbol.dispose]() {
      stopped = true;
      capability.onDestinationsChanged = undefined;
      instances[Symbol.dispose]();
    },
  };
}
