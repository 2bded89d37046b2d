import { systemClock } from "../../host/index.ts";
import { type RestartControl, startControlServer } from "../../management/index.ts";
import { type ControlParts, controlHandlers } from "../control.ts";
import { EventCounters } from "../event-counters.ts";
import { liveProviders, Operators } from "../live/index.ts";
import { remoteOperations } from "../operations.ts";
import { PolicyMetrics } from "../policy-counters.ts";
import { stateSources } from "../state/index.ts";
import { type Beginning, VERSION } from "./beginning.ts";
import type { Decisions } from "./decisions.ts";
import type { Neighbors } from "./neighbors.ts";
import type { Offers } from "./offers.ts";
import type { Tables } from "./tables.ts";
import type { Watches } from "./watches.ts";

/** Every part that runs. */
export type Parts = Tables & Decisions & Neighbors & Offers & Watches;

export interface DoorOptions {
  /** The command line has set the level of the log. */
  readonly fixedLevel: boolean;
  readonly restart: RestartControl;
}

/**
 * Lets in who changes the configuration, who asks and who registers, in this order: nobody can ask for what is not there yet.
 *
 * @throws as the servers do
 */
export async function openDoors(begun: Beginning, parts: Parts, { fixedLevel, restart }: DoorOptions): Promise<void> {
  const { configuration, current, management, alarms, metrics, scope, shared, life } = begun;
  const { engine, state, access } = management;
  const { stateDirectory } = configuration;
  const control = controlParts(begun, parts);
  const handlers = controlHandlers(control);
  const operators = scope.own(
    new Operators({
      ...{ ...shared, management: engine, access, events: parts.events, stateDirectory, state, restart },
      control: { version: VERSION, handlers: () => handlers },
    }),
  );
  engine.attach(
    liveProviders({
      ...{ ...parts, current, operators, alarms, bfd: life.bfd, clock: systemClock },
      log: fixedLevel ? undefined : begun.log,
    }),
  );
  const policyMetrics = new PolicyMetrics(metrics, systemClock);
  metrics.beforeExpose(() => policyMetrics.refresh(parts.driver, { taxonomy: current.taxonomy }));
  scope.own(state.add(...stateSources(control, begun)));
  scope.own(management.operations.add(remoteOperations(control, handlers)));
  const { controlSocket } = configuration.management;
  const own = { ...shared, access, connectGrpc: operators.connectLocal };
  scope.own(await startControlServer({ path: controlSocket }, handlers, own, scope.signal));
  parts.flows.start(configuration);
  await parts.servers.start(configuration);
  await operators.start(configuration);
}

/** What the control socket, and the state and operations of the model, answer from. */
function controlParts({ current, management, alarms, life }: Beginning, parts: Parts): ControlParts {
  return {
    ...parts,
    get taxonomy() {
      return current.taxonomy;
    },
    get names() {
      return current.names;
    },
    get configuration() {
      return current.configuration;
    },
    get policies() {
      return current.policies;
    },
    management: management.engine,
    schema: (of) => management.schema(of),
    ...{ alarms, bfd: life.bfd, heartbeats: () => parts.paths.heartbeats, clock: systemClock, version: VERSION },
    eventCounters: new EventCounters({ ...parts, bfd: life.bfd, policies: () => current.policies }, systemClock),
    state: () => ({ phase: life.phase, generation: parts.sink.generation }),
  };
}
