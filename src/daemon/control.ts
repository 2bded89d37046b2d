import { type Clock, type Milliseconds, momentOf } from "../base/index.ts";
import type { BfdMonitor } from "../bfd/index.ts";
import type { PolicyBook } from "../bgp/policy/index.ts";
import type { Speaker } from "../bgp/speaker/index.ts";
import type { DataplaneDriver } from "../dataplane/index.ts";
import { DirectoryError, draining, type Registrar } from "../directory/index.ts";
import type { Compiler } from "../forwarding/index.ts";
import {
  type AgentCommandResult,
  type AlarmBook,
  alarmRows,
  type ControlHandlers,
  ControlRefusal,
  type CountersReset,
  checkConfiguration,
  type EventLog,
  eventRows,
  type FlowRecordRow,
  type NeighborSettingsConfiguration,
  type RouterConfiguration,
} from "../management/index.ts";
import type { UnicastFamily, UnicastRow } from "../rib/index.ts";
import type { BmpStations } from "./bmp.ts";
import type { Brownfield } from "./brownfield.ts";
import type { CounterBook } from "./counter-book.ts";
import type { EventCounters } from "./event-counters.ts";
import { advertisedRows, receivedRows } from "./exchanged-rows.ts";
import { packetReport } from "./explain-packet.ts";
import { explainReport } from "./explain-report.ts";
import { countersReport, fibRows } from "./forwarding-rows.ts";
import type { FlowRecordsSlot } from "./live/index.ts";
import type { LivenessParts } from "./liveness.ts";
import type { MrtFiles } from "./mrt.ts";
import { peerRow } from "./peer-rows.ts";
import { policyRows } from "./policy-rows.ts";
import { refusalOf } from "./refusals.ts";
import { routeRows } from "./route-rows.ts";
import type { RouterDrain } from "./router-drain.ts";
import { agentRow, capabilityRows, type RowSources } from "./rows.ts";
import type { OriginWatch } from "./rpki.ts";
import { dateAndTime } from "./state/place.ts";
import { bfdStatus, statusReport } from "./status-report.ts";
import { unicastRows } from "./unicast-rows.ts";

/** Taxonomy, names, configuration and policies are asked for each time, as they change while the router runs. */
export interface ControlParts extends RowSources {
  /** In use. */
  readonly configuration: RouterConfiguration;
  readonly management: ControlHandlers["management"];
  readonly schema: ControlHandlers["schema"];
  readonly driver: DataplaneDriver;
  /** Of the data plane, since they were last reset. */
  readonly counters: CounterBook;
  /** Of sessions and policies, since they were last reset. */
  readonly eventCounters: EventCounters;
  readonly compiler: Pick<Compiler, "refusals" | "sizes" | "pending">;
  readonly registrar: Registrar;
  /** Absent: this router speaks no BGP. */
  readonly speaker: Speaker | undefined;
  readonly policies: PolicyBook;
  readonly drain: RouterDrain;
  readonly bfd: BfdMonitor | undefined;
  readonly brownfield: Brownfield | undefined;
  readonly mrt: MrtFiles;
  /** Absent: there are no stations. */
  readonly bmp: BmpStations | undefined;
  readonly alarms: AlarmBook;
  readonly events: EventLog;
  readonly heartbeats: LivenessParts["heartbeats"];
  /** Absent: origins are not validated. */
  readonly rpki: OriginWatch | undefined;
  readonly flows: Pick<FlowRecordsSlot, "records">;
  readonly clock: Clock;
  readonly version: string;
  /** "starting", "running" or "stopping", and the generation of the plan in force. */
  state(): { readonly phase: string; readonly generation: number };
}

/** What the control socket asks of the router, answered from the parts' own state. */
export function controlHandlers(parts: ControlParts): ControlHandlers {
  const { directory, registrar, speaker, clock, driver, management } = parts;
  const now = () => momentOf(clock);
  const leaseLeft = directory.leaseLeft.bind(directory);
  const rpki = parts.rpki;
  const rpkiState = rpki && ((family: UnicastFamily, row: UnicastRow) => rpki.stateOf(family, row));
  return {
    status: () => statusReport(parts),
    *agents() {
      for (const instance of directory.instances()) yield agentRow(instance, { now: clock.monotonic(), leaseLeft });
    },
    alarms: () => alarmRows(parts.alarms, clock.wall()),
    events: () => eventRows(parts.events),
    capabilities: () => capabilityRows(parts),
    routes: () => routeRows(parts, now),
    unicastRoutes: (family) =>
      hasFamily(parts.configuration, family) ? unicastRows(parts.rib, family, now, rpkiState) : [],
    received: (peer, family) => receivedRows(parts, peer, family),
    advertised: (peer, family) => advertisedRows(parts, peer, family),
    *peers() {
      for (const { peer, bfd } of parts.eventCounters.peers())
        yield peerRow(peer, clock, bfdStatus(parts, peer.address, bfd), parts.brownfield?.status(peer.address));
    },
    policies: () => policyRows(parts.configuration, parts.eventCounters.hits()),
    fib: () => fibRows(driver, parts),
    mrt: () => parts.mrt.rows(),
    bmp: () => parts.bmp?.rows() ?? [],
    flows: () => flowRows(parts),
    rpki: () => parts.rpki?.caches() ?? [],
    vrps: () => parts.rpki?.vrps() ?? [],
    mrtTable: (question) => parts.mrt.table(question),
    counters: () => countersReport(parts.counters, parts),
    resetCounters: (what) => ({ "discontinuity-time": dateAndTime(parts.counters.reset(what)) }),
    resetPeerCounters: (address) => begunAnew(resetPeers(parts, address)),
    resetPolicyCounters: (policy) => begunAnew(resetPolicies(parts, policy)),
    explain: (question) => explainReport(parts, question),
    explainPacket: (inquiry) => packetReport(parts, inquiry),
    management,
    schema: (of) => parts.schema(of),
    isConfigured: (agent) => directory.agent(agent)?.source === "configuration",
    agentInstances: (agent) => done(agent, directory.instancesOf(agent)),
    drainAgent: async (agent, { on = true, instances } = {}) => {
      const hold = on ? draining("operator", clock.wall(), undefined) : undefined;
      return done(agent, await answered(registrar.hold(agent, hold, instances && new Set(instances))));
    },
    async removeAgent(agent) {
      const instances = directory.instancesOf(agent);
      await answered(registrar.remove(agent, "command"));
      return done(agent, instances);
    },
    clearPeer: (address, how, message) => clearPeer(speaker, address, how, message),
    drainRouter(on) {
      parts.drain.on = on;
      return { draining: on };
    },
    checkConfig: async (text, folder) => {
      const { valid, faults, warnings } = await checkConfiguration({ text, folder });
      return { valid, faults, warnings };
    },
  };
}

function flowRows({ flows }: ControlParts): Iterable<FlowRecordRow> {
  if (flows.records !== undefined) return flows.records.rows();
  throw new ControlRefusal(
    409,
    "control.no-flow-records",
    "Flows are not recorded",
    "flows are not recorded here: configure /router/telemetry/flow-records (semrctl config set), with the kernel data plane",
  );
}

const begunAnew = (since: Milliseconds): CountersReset => ({ "discontinuity-time": dateAndTime(since) });

function resetPeers({ eventCounters }: ControlParts, address: string | undefined): Milliseconds {
  const since = eventCounters.resetPeers(address);
  if (since !== undefined) return since;
  throw new ControlRefusal(
    404,
    "control.no-such-peer",
    "No such peer",
    `there is no peer ${address}: see semrctl show peers`,
  );
}

function resetPolicies({ eventCounters, configuration }: ControlParts, policy: string | undefined): Milliseconds {
  if (policy === undefined || configuration.routingPolicy.policies.some(({ name }) => name === policy))
    return eventCounters.resetPolicies(policy);
  throw new ControlRefusal(
    404,
    "control.no-such-policy",
    "No such policy",
    `there is no policy ${policy}: see semrctl show policies`,
  );
}

function clearPeer(
  speaker: Speaker | undefined,
  address: string,
  how: "hard" | "soft-in" | "soft-out",
  message: string | undefined,
): void {
  const result =
    how !== "hard"
      ? speaker?.clearSoft(address, how === "soft-in" ? "in" : "out")
      : speaker?.clear(address, message) === true
        ? "done"
        : "unknown-peer";
  switch (result) {
    case "done":
      return;
    case "no-session":
    case "no-route-refresh":
      throw new ControlRefusal(
        409,
        `control.${result}`,
        result === "no-session" ? "No session" : "No route refresh",
        result === "no-session"
          ? `there is no session with ${address} now: see semrctl show peers`
          : `${address} cannot send its routes again (no route refresh, RFC 2918): clear the session with --hard`,
      );
    default:
      throw new ControlRefusal(
        404,
        "control.no-such-peer",
        "No such peer",
        `${address} is no neighbour of this router: see semrctl show peers`,
      );
  }
}

/** What the directory refuses is said as this interface says it. */
async function answered<T>(change: Promise<T>): Promise<T> {
  try {
    return await change;
  } catch (cause) {
    throw cause instanceof DirectoryError ? refusalOf(cause) : cause;
  }
}

function done(agent: string, instances: readonly { readonly id: string }[]): AgentCommandResult {
  return { agent, instances: instances.map(({ id }) => id) };
}

/** Nobody could have told us a route of another family. */
export function hasFamily({ bgp }: RouterConfiguration, wanted: UnicastFamily): boolean {
  const has = ({ families }: Pick<NeighborSettingsConfiguration, "families">): boolean =>
    families.some(({ family }) => family === wanted);
  return bgp !== undefined && (bgp.neighbors.some(has) || bgp.ranges.some(has));
}
