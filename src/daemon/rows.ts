import { formatIpv4, formatIpv6, type Milliseconds, toHex } from "../base/index.ts";
import { type Directory, type Instance, instanceState, type Taxonomy } from "../directory/index.ts";
import type { AgentRow, CapabilityRow, ExplainCandidate, ExplainInstance, RouteRow } from "../management/index.ts";
import type { AttributeSet, CapabilitySelection, JudgedCandidate, Rib, RouteRow as RibRow } from "../rib/index.ts";
import { asPathText, communitiesText } from "./community-text.ts";
import type { Names } from "./names.ts";

/** What the rows are made from. */
export interface RowSources {
  readonly rib: Rib;
  readonly directory: Directory;
  readonly taxonomy: Taxonomy;
  readonly names: Names;
}

/** Whole seconds between two instants of one clock, never negative. */
function ageSeconds(since: Milliseconds, now: Milliseconds): number {
  return Math.max(0, Math.round((now - since) / 1000));
}

/** Only the members that have a value: a row leaves out what does not apply. */
function present<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

export function agentRow(instance: Instance, now: Milliseconds): AgentRow {
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
    healthAgeSeconds: ageSeconds(health.since, now),
    state: instanceState(instance),
    ...(lease === undefined ? {} : { leaseRemainingSeconds: Math.round((lease.validUntil - now) / 1000) }),
    ageSeconds: ageSeconds(instance.registeredAt, now),
  };
}

export function* capabilityRows(sources: RowSources): Generator<CapabilityRow> {
  const { taxonomy, directory, rib, names } = sources;
  for (const [tenant, tenantIndex] of taxonomy.tenants) {
    for (const { name, majorVersion, servicePort, protocol } of taxonomy.capabilities) {
      const selection = rib.capability.select(tenantIndex, names.capabilityId(name, majorVersion));
      const site = directory.localSite(tenant, name, majorVersion);
      yield {
        capability: name,
        majorVersion,
        tenant,
        address: formatIpv6(taxonomy.address(tenant, name, majorVersion)!),
        dnsName: taxonomy.dnsName(tenant, name),
        servicePort,
        protocol,
        sites: selection.group.length,
        sitesKnown: selection.candidates.length,
        localInstances: site?.usable ?? 0,
        localInstancesKnown: site?.total ?? 0,
        ...(selection.winner === undefined ? {} : { bestOrigin: formatIpv4(selection.winner.originId) }),
      };
    }
  }
}

/** What of a route depends on its attributes alone. */
function attributeMembers(attributes: AttributeSet, now: Milliseconds) {
  const { semantic, localPref, multiExitDisc, originatorId, clusterList } = attributes;
  return {
    ...present({
      score: semantic?.score,
      siteState: semantic?.state,
      version: semantic?.version && `${semantic.version.major}.${semantic.version.minor}`,
      lease: semantic && {
        sequence: String(semantic.lease.sequence),
        remainingSeconds: Math.round(semantic.lease.validUntil - now / 1000),
        renewSeconds: semantic.lease.renew,
      },
      localPref,
      multiExitDisc,
      originatorId: originatorId === undefined ? undefined : formatIpv4(originatorId),
      clusterList: clusterList?.map(formatIpv4),
    }),
    labels: semantic?.labels.map(({ text, critical }) => (critical ? `${text}!` : text)) ?? [],
    asPath: asPathText(attributes.asPath),
    communities: communitiesText(attributes),
  };
}

/** One row per path, with the role its net has in the selection of its capability. */
export function* routeRows(sources: RowSources, now: () => Milliseconds): Generator<RouteRow> {
  const { rib, names } = sources;
  let judged: { readonly destination: string; readonly selection: CapabilitySelection } | undefined;
  for (const row of rib.capability.routesOf({})) {
    const destination = `${row.tenantIndex} ${toHex(row.capabilityId)}`;
    if (row.tenantIndex !== undefined && judged?.destination !== destination) {
      judged = { destination, selection: rib.capability.select(row.tenantIndex, row.capabilityId) };
    }
    const verdict = row.tenantIndex === undefined ? undefined : judgementOf(row, judged!.selection);
    yield {
      capability: names.capability(row.capabilityId) ?? toHex(row.capabilityId),
      capabilityId: toHex(row.capabilityId),
      tenant: names.tenant(row.tenantIndex) ?? toHex(row.key.subarray(2, 10)),
      origin: formatIpv4(row.originId),
      nextHop: formatIpv6(row.nextHop),
      peer: row.peer === 0 ? "local" : (rib.peer(row.peer)?.name ?? `peer ${row.peer}`),
      local: row.peer === 0,
      status: verdict?.judgement === "winner" ? "best" : (verdict?.judgement ?? "excluded"),
      stale: row.stale,
      step: verdict?.step ?? (row.tenantIndex === undefined ? "import-target" : "best-path"),
      weight: verdict?.candidate.weight ?? 0,
      ...attributeMembers(row.attributes, now()),
      ageSeconds: ageSeconds(row.since, now()),
    };
  }
}

/** A path that its own net did not choose has no part in the capability's selection. */
function judgementOf(row: RibRow, selection: CapabilitySelection): JudgedCandidate | undefined {
  if (!row.best) return undefined;
  return selection.candidates.find(({ candidate }) => candidate.originId === row.originId);
}

export function explainCandidate(judged: JudgedCandidate, sources: RowSources, now: Milliseconds): ExplainCandidate {
  const { candidate, judgement, step, reason } = judged;
  const attributes = sources.rib.attributes.get(candidate.attributes);
  const { semantic } = attributes;
  return {
    origin: formatIpv4(candidate.originId),
    ...present({
      originName: sources.names.router(candidate.nextHop),
      score: semantic?.score,
      siteState: semantic?.state,
      leaseRemainingSeconds: semantic && Math.round(semantic.lease.validUntil - now / 1000),
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
    ageSeconds: ageSeconds(candidate.since, now),
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
