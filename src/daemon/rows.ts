import { formatIpv4, formatIpv6, type Milliseconds, type Moment } from "../base/index.ts";
import { type Directory, type Instance, instanceState, type Lease, type Taxonomy } from "../directory/index.ts";
import {
  type AgentRow,
  type CapabilityRow,
  ControlRefusal,
  type ExplainCandidate,
  type ExplainInstance,
  type RouterConfiguration,
} from "../management/index.ts";
import type { JudgedCandidate, Rib } from "../rib/index.ts";
import type { Names } from "./names.ts";

/** What the rows are made from. */
export interface RowSources {
  readonly rib: Rib;
  readonly directory: Directory;
  readonly taxonomy: Taxonomy;
  readonly names: Names;
  /** Absent: no tenant lets another one in. */
  readonly tenantPolicies?: RouterConfiguration["tenantPolicies"];
}

/** What is asked of an agent besides what it is. */
export interface AgentTimes {
  /** Monotonic. */
  readonly now: Milliseconds;
  leaseLeft(lease: Lease): Milliseconds;
}

/** Whole seconds between two instants of one clock, never negative. */
export function ageSeconds(since: Milliseconds, now: Milliseconds): number {
  return Math.max(0, Math.round((now - since) / 1000));
}

/**
 * The tenant that was asked for, or the only one.
 * @throws {ControlRefusal} `control.tenant-needed`, `control.no-such-tenant`
 */
export function tenantOf(
  parts: Pick<RowSources, "taxonomy">,
  asked: string | undefined,
): { readonly name: string; readonly index: number } {
  const tenants = [...parts.taxonomy.tenants];
  const chosen = asked === undefined && tenants.length === 1 ? tenants[0] : tenants.find(([name]) => name === asked);
  if (chosen !== undefined) return { name: chosen[0], index: chosen[1] };
  const known = tenants.map(([name]) => name).join(", ") || "none";
  throw new ControlRefusal(
    asked === undefined ? 400 : 404,
    asked === undefined ? "control.tenant-needed" : "control.no-such-tenant",
    asked === undefined ? "Which tenant?" : "No such tenant",
    `this router has the tenants ${known}: name one of them with --tenant`,
  );
}

/** Only the members that have a value: a row leaves out what does not apply. */
export function present<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

export function agentRow(instance: Instance, { now, leaseLeft }: AgentTimes): AgentRow {
  const { endpoint, version, lease, health } = instance;
  return {
    agent: instance.agent,
    instance: instance.id,
    tenant: instance.tenant,
    capability: instance.capability,
    version: `${version.major}.${version.minor}`,
    address: formatIpv6(endpoint.address),
    port: endpoint.port,
    protocol: endpoint.protocol,
    weight: instance.weight,
    labels: instance.labels,
    source: instance.source,
    adminState: instance.adminState,
    health: health.state,
    ...(health.reason === undefined ? {} : { healthReason: health.reason }),
    healthAgeSeconds: ageSeconds(health.since.monotonic, now),
    state: instanceState(instance),
    ...(lease === undefined ? {} : { leaseRemainingSeconds: Math.round(leaseLeft(lease) / 1000) }),
    ageSeconds: ageSeconds(instance.learntAt, now),
  };
}

export function* capabilityRows(sources: RowSources): Generator<CapabilityRow> {
  const { taxonomy } = sources;
  for (const tenant of taxonomy.tenants)
    for (const capability of taxonomy.capabilities) yield capabilityRow(sources, tenant, capability);
}

export function capabilityRow(
  sources: RowSources,
  [tenant, tenantIndex]: readonly [name: string, index: number],
  { name, majorVersion, servicePort, protocol, affinity }: Taxonomy["capabilities"][number],
): CapabilityRow {
  const { taxonomy, directory, rib, names } = sources;
  const selection = rib.capability.select(tenantIndex, names.capabilityId(name, majorVersion));
  const site = directory.localSite(tenant, name, majorVersion);
  const ipv4 = taxonomy.ipv4Address(tenant, name, majorVersion);
  return {
    capability: name,
    majorVersion,
    tenant,
    address: formatIpv6(taxonomy.address(tenant, name, majorVersion)!),
    ...(ipv4 === undefined ? {} : { ipv4Address: formatIpv4(ipv4) }),
    dnsName: taxonomy.dnsName(tenant, name),
    servicePort,
    protocol,
    ...(affinity && { affinity }),
    sites: selection.group.length,
    sitesKnown: selection.candidates.length,
    localInstances: site?.usable ?? 0,
    localInstancesKnown: site?.total ?? 0,
    ...(selection.winner === undefined ? {} : { bestOrigin: formatIpv4(selection.winner.originId) }),
  };
}

export function explainCandidate(judged: JudgedCandidate, sources: RowSources, now: Moment): ExplainCandidate {
  const { candidate, judgement, step, reason } = judged;
  const attributes = sources.rib.attributes.get(candidate.attributes);
  const { semantic } = attributes;
  return {
    origin: formatIpv4(candidate.originId),
    ...present({
      originName: sources.names.router(candidate.nextHop),
      score: semantic?.score,
      siteState: semantic?.state,
      leaseRemainingSeconds: semantic && Math.round(semantic.lease.validUntil - now.wall / 1000),
      localPref: attributes.localPref,
    }),
    nextHop: formatIpv6(candidate.nextHop),
    peer: candidate.local ? "local" : (sources.rib.peer(candidate.peer)?.name ?? `peer ${candidate.peer}`),
    local: candidate.local,
    judgement,
    step,
    reason,
    weight: candidate.weight,
    stale: candidate.stale,
    ageSeconds: ageSeconds(candidate.learntAt, now.monotonic),
  };
}

export function explainInstance(instance: Instance): ExplainInstance {
  const state = instanceState(instance);
  const { health, adminState, check } = instance;
  let reason: string | undefined;
  if (adminState !== "up") reason = `taken out of service (${adminState})`;
  else if (health.state === "down") reason = health.reason ?? "its health check fails";
  else if (health.state === "unknown" && check !== undefined) reason = "its health check has not answered yet";
  return {
    agent: instance.agent,
    address: formatIpv6(instance.endpoint.address),
    port: instance.endpoint.port,
    state,
    weight: instance.weight,
    ...(reason === undefined ? {} : { reason }),
  };
}
