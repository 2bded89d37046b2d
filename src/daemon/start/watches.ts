import { tableSizes } from "../../dataplane/index.ts";
import type { Compiler } from "../../forwarding/index.ts";
import { systemClock, systemRandom } from "../../host/index.ts";
import { alarmOperations, alarmState, EventLog, logConfigurationEvents } from "../../management/index.ts";
import { Alarms, UnservedCapabilities } from "../alarms/index.ts";
import {
  agentEvents,
  CapabilityEvents,
  CapacityEvents,
  PolicyViolations,
  type Publish,
  publisher,
  SessionEvents,
} from "../events/index.ts";
import { FlowRecordsSlot } from "../live/index.ts";
import type { PlanSink } from "../plan-sink.ts";
import type { HeardRefused } from "../refused-watch.ts";
import { type Beginning, MAX_ROUTES } from "./beginning.ts";
import type { Decisions } from "./decisions.ts";
import type { Neighbors } from "./neighbors.ts";
import type { Offers } from "./offers.ts";
import type { Tables } from "./tables.ts";

/** What tells of the other parts: flow records, events and alarms. */
export interface Watches {
  readonly flows: FlowRecordsSlot;
  readonly events: EventLog;
  readonly capabilityEvents: CapabilityEvents;
}

export function startWatches(
  begun: Beginning,
  { driver, sink }: Tables,
  { directory, compiler }: Decisions,
  { speaker }: Neighbors,
  { sources }: Offers,
): Watches {
  const { current, management, scope, shared, sessions, metrics } = begun;
  const refused: HeardRefused = (event, packets) => violations.sampled(event, packets);
  const flows = scope.own(new FlowRecordsSlot({ ...shared, driver, sources, refused }));
  const events = new EventLog(systemClock);
  scope.own(logConfigurationEvents(management.engine, events));
  const publish = publisher(events);
  const names = () => current.names;
  const violations = scope.own(
    new PolicyViolations(driver, { names, clock: systemClock, told: () => flows.round() }, publish),
  );
  const unserved = new UnservedCapabilities(sources, systemRandom);
  const capabilityEvents = scope.own(
    new CapabilityEvents(begun.selections, names, publish, systemRandom, (selection, isReachable) =>
      unserved.changed(selection, isReachable),
    ),
  );
  scope.own(agentEvents(directory, publish));
  const lastError = (peer: string) => speaker.peer(peer)?.lastError?.text;
  scope.own(new SessionEvents(sessions, { clock: systemClock, lastError }, publish));
  watchCapacity(begun, { compiler, sink }, publish);
  const alarms = scope.own(
    new Alarms({
      ...{ ...shared, book: begun.alarms, events, driver, compiler, speaker, sources, unserved },
      ...{ sessions, configuration: () => current.configuration, maxRoutes: MAX_ROUTES },
    }),
  );
  // What criteria select may be another thing now.
  scope.own(
    management.engine.subscribe((event) => {
      if (event.type === "configuration-changed" && event.datastore === "running") begun.alarms.dataChanged();
    }),
  );
  metrics.beforeExpose(() => alarms.refreshMetrics());
  scope.own(management.state.add(...alarmState(begun.alarms)));
  scope.own(management.operations.add(alarmOperations(begun.alarms, systemClock)));
  return { flows, events, capabilityEvents };
}

/** Tables are looked at whenever they have changed. */
function watchCapacity(
  { configuration }: Beginning,
  { compiler, sink }: { readonly compiler: Compiler; readonly sink: PlanSink },
  publish: Publish,
): void {
  const { maxCapabilities } = configuration.dataplane;
  const room = tableSizes(maxCapabilities);
  const sizes = { capabilities: maxCapabilities, groups: room.groups - 1, "next-hops": room.nextHops - 1 };
  const events = new CapacityEvents(sizes, publish);
  sink.changed = () => {
    const { capabilities, groups, nextHops } = compiler.sizes;
    events.used("capabilities", capabilities);
    events.used("groups", groups);
    events.used("next-hops", nextHops);
  };
  sink.changed();
}
