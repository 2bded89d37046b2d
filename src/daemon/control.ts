import { ANY_SITE, type CapabilityName, type Clock, formatIpv4, formatIpv6 } from "../base/index.ts";
import type { BfdMonitor } from "../bfd/index.ts";
import type { PolicyBook } from "../bgp/policy/index.ts";
import type { Speaker } from "../bgp/speaker/index.ts";
import { type DataplaneDriver, type ExecutorReport, tableSizes } from "../dataplane/index.ts";
import { DirectoryError, draining, type Registrar } from "../directory/index.ts";
import type { Compiler } from "../forwarding/index.ts";
import {
  type AgentCommandResult,
  type AlarmBook,
  alarmRows,
  type ControlHandlers,
  ControlRefusal,
  checkConfiguration,
  type EventLog,
  type ExecutorStatus,
  type ExplainQuestion,
  type ExplainReport,
  eventRows,
  type FlowRecordRow,
  type RouterConfiguration,
  type StatusReport,
} from "../management/index.ts";
import type { UnicastFamily, UnicastRow } from "../rib/index.ts";
import type { BmpStations } from "./bmp.ts";
import type { Brownfield } from "./brownfield.ts";
import type { CounterBook } from "./counter-book.ts";
import { advertisedRows, receivedRows } from "./exchanged-rows.ts";
import { packetReport } from "./explain-packet.ts";
import { countersReport, fibRows } from "./forwarding-rows.ts";
import type { FlowRecordsSlot } from "./live/index.ts";
import { type LivenessParts, livenessReport } from "./liveness.ts";
import type { MrtFiles } from "./mrt.ts";
import { peerRow } from "./peer-rows.ts";
import { policyRows } from "./policy-rows.ts";
import { refusalOf } from "./refusals.ts";
import { routeRows } from "./route-rows.ts";
import type { RouterDrain } from "./router-drain.ts";
import { agentRow, capabilityRows, explainCandidate, explainInstance, type RowSources, tenantOf } from "./rows.ts";
import type { OriginWatch } from "./rpki.ts";
import { dateAndTime } from "./state/place.ts";
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
  const now = () => clock.wall();
  const rpki = parts.rpki;
  const rpkiState = rpki && ((family: UnicastFamily, row: UnicastRow) => rpki.stateOf(family, row));
  const peers = () => speaker?.peers() ?? [];
  return {
    status: () => statusReport(parts),
    *agents() {
      for (const instance of directory.instances()) yield agentRow(instance, now());
    },
    alarms: () => alarmRows(parts.alarms, now()),
    events: () => eventRows(parts.events),
    capabilities: () => capabilityRows(parts),
    routes: () => routeRows(parts, now),
    unicastRoutes: (family) =>
      hasFamily(parts.configuration, family) ? unicastRows(parts.rib, family, now, rpkiState) : [],
    received: (peer, family) => receivedRows(parts, peer, family),
    advertised: (peer, family) => advertisedRows(parts, peer, family),
    *peers() {
      for (const peer of peers())
        yield peerRow(peer, clock, bfdStatus(parts, peer.address), parts.brownfield?.status(peer.address));
    },
    policies: () => policyRows(parts.configuration, parts.policies.hits()),
    fib: () => fibRows(driver, parts),
    mrt: () => parts.mrt.rows(),
    bmp: () => parts.bmp?.rows() ?? [],
    flows: () => flowRows(parts),
    rpki: () => parts.rpki?.caches() ?? [],
    vrps: () => parts.rpki?.vrps() ?? [],
    mrtTable: (question) => parts.mrt.table(question),
    counters: () => countersReport(parts.counters, parts),
    resetCounters: (what) => ({ "discontinuity-time": dateAndTime(parts.counters.reset(what)) }),
    explain: (question) => explainReport(parts, question),
    explainPacket: (inquiry) => packetReport(parts, inquiry),
    management,
    schema: (of) => parts.schema(of),
    isConfigured: (agent) => directory.agent(agent)?.source === "configuration",
    agentInstances: (agent) => done(agent, directory.instancesOf(agent)),
    drainAgent: async (agent, { on = true, instances } = {}) => {
      const hold = on ? draining("operator", now(), undefined) : undefined;
      return done(agent, await answered(registrar.hold(agent, hold, instances && new Set(instances))));
    },
    async removeAgent(agent) {
      const instances = directory.instancesOf(agent);
      await answered(registrar.remove(agent, "command"));
      return done(agent, instances);
    },
    clearPeer: (address, how, message) => clearPeer(speaker, formatIpv6(address), how, message),
    drainRouter(on) {
      parts.drain.on = on;
      return { draining: on };
    },
    checkConfig: async (text, folder) => {
      const { valid, faults } = await checkConfiguration({ text, folder });
      return { valid, faults };
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
  return bgp?.neighbors.some(({ families }) => families.some(({ family }) => family === wanted)) === true;
}

function statusReport(parts: ControlParts): StatusReport {
  const { configuration, driver, directory, taxonomy, rib, names } = parts;
  const { phase, generation } = parts.state();
  const peers = parts.speaker?.peers() ?? [];
  let agents = 0;
  for (const _ of directory.agents()) agents++;
  return {
    name: configuration.name,
    version: parts.version,
    routerId: formatIpv4(configuration.routerId),
    locator: formatIpv6(configuration.site.locator),
    dnsZone: configuration.domain.dnsZone,
    domainPrefix: `${formatIpv6(configuration.domain.prefix.address)}/${configuration.domain.prefix.length}`,
    siteSelector: configuration.site.selector,
    processId: process.pid,
    uptimeSeconds: Math.round(process.uptime()),
    state: phase,
    dataplane: {
      driver: driver.name,
      adopted: driver.adopted,
      generation,
      ports: driver.ports.map((port) => {
        const tenant = names.tenant(port.tenantIndex === 0 ? undefined : port.tenantIndex);
        return {
          interface: port.interface,
          role: port.role,
          ...(tenant === undefined ? {} : { tenant }),
          hook: port.hook,
          adopted: port.adopted,
          edge: port.edge ?? [],
          ...(port.reason === undefined ? {} : { reason: port.reason }),
        };
      }),
      limits: driver.limits,
      tables: tableRows(parts),
      ...(driver.executor === undefined ? {} : { executor: executorStatus(driver.executor, parts.clock.wall()) }),
    },
    counts: {
      agents,
      instances: directory.size,
      capabilities: taxonomy.capabilities.length * taxonomy.tenants.size,
      routes: rib.capability.routes,
      peers: peers.length,
      peersEstablished: peers.filter(({ state }) => state === "Established").length,
    },
    liveness: livenessReport(parts),
    alarms: parts.alarms.counts.toReversed().filter(({ count }) => count > 0),
    warnings: warnings(parts),
  };
}

/** Room in the tables of the plan. */
function tableRows({ configuration, compiler }: ControlParts): StatusReport["dataplane"]["tables"] {
  const { maxCapabilities } = configuration.dataplane;
  // Index 0 of groups and next hops means none.
  const { groups, nextHops } = tableSizes(maxCapabilities);
  const { sizes } = compiler;
  return [
    { table: "capabilities", used: sizes.capabilities, size: maxCapabilities },
    { table: "groups", used: sizes.groups, size: groups - 1 },
    { table: "next hops", used: sizes.nextHops, size: nextHops - 1 },
  ];
}

function executorStatus({ unreachable: _, since, refused, ...report }: ExecutorReport, now: number): ExecutorStatus {
  const ago = (then: number): number => Math.round((now - then) / 1000);
  return {
    ...report,
    sinceSeconds: ago(since),
    refused: refused.map(({ since: then, ...each }) => ({ ...each, sinceSeconds: ago(then) })),
  };
}

export function bfdStatus({ bfd, configuration }: ControlParts, peer: string) {
  const status = bfd?.status(peer);
  const neighbor = configuration.bgp?.neighbors.find(({ address }) => formatIpv6(address) === peer);
  return status && { ...status, multihop: neighbor?.bfd?.multihop === true };
}

export function warnings({ driver, configuration, speaker, drain, compiler, brownfield }: ControlParts): string[] {
  const found: string[] = [...(brownfield?.warnings() ?? [])];
  for (const { reason, times, advice } of compiler.refusals) {
    found.push(`Something had no place in the forwarding plan (${reason}, ${times} times since the start): ${advice}.`);
  }
  if (drain.on) found.push("This router is draining: it serves only what no other router can.");
  if (driver.name === "memory") found.push("No packet of this host is forwarded: the memory data plane is in use.");
  for (const port of driver.ports) {
    if (port.hook === "none") found.push(`Interface ${port.interface} has no program: ${port.reason ?? "unknown"}.`);
    else if (port.hook === "xdp generic")
      found.push(`Interface ${port.interface} runs XDP in generic mode, which is slow.`);
  }
  if (configuration.bgp !== undefined && speaker !== undefined) {
    for (const { address, state, enabled } of speaker.peers()) {
      if (!enabled) found.push(`BGP session with ${address} is shut down by configuration.`);
      else if (state !== "Established") found.push(`BGP session with ${address} is ${state}.`);
    }
    for (const { name, neighbors, limit, refused } of speaker.ranges()) {
      if (neighbors < limit) continue;
      found.push(`The range ${name} has its ${limit} neighbours: ${refused} connections were turned away so far.`);
    }
  }
  return found;
}

function explainReport(parts: ControlParts, question: ExplainQuestion): ExplainReport {
  const { taxonomy, rib, names, directory, clock } = parts;
  const tenant = tenantOf(parts, question.tenant);
  const { capability } = question;
  const majorVersion = question.majorVersion ?? taxonomy.versions(capability).at(-1)?.majorVersion ?? 1;
  const selection = rib.capability.select(tenant.index, names.capabilityId(capability, majorVersion));
  const won = selection.candidates.find(({ judgement }) => judgement === "winner");
  return {
    capability,
    tenant: tenant.name,
    majorVersion,
    known: taxonomy.find(capability, majorVersion) !== undefined || selection.candidates.length > 0,
    address: formatIpv6(taxonomy.address(tenant.name, capability, majorVersion, ANY_SITE)!),
    dnsName: taxonomy.dnsName(tenant.name, capability),
    ...(won === undefined ? {} : { winner: formatIpv4(won.candidate.originId), step: won.step, reason: won.reason }),
    candidates: selection.candidates.map((judged) => explainCandidate(judged, parts, clock.wall())),
    ...(won === undefined ? resolverOf(parts, tenant.index, capability) : {}),
    instances: directory.instancesFor({ tenant: tenant.name, capability, majorVersion }).map(explainInstance),
  };
}

/** Who answers for the longest prefix of a name that no site serves. */
function resolverOf(
  { rib, names }: ControlParts,
  tenantIndex: number,
  capability: CapabilityName,
): Pick<ExplainReport, "resolver"> {
  const selection = rib.capability.selectPrefix(tenantIndex, capability);
  if (selection?.winner === undefined) return {};
  const { originId, nextHop } = selection.winner;
  const originName = names.router(nextHop);
  const origin = formatIpv4(originId);
  return { resolver: { prefix: selection.prefix, origin, ...(originName === undefined ? {} : { originName }) } };
}
