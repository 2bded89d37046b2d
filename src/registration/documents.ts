import { type CapabilityName, formatIpv6, type Ipv6Address, quicServerId, toSeconds } from "../base/index.ts";
import {
  type AgentPlace,
  type DiscoveryCandidate,
  type HealthCheck,
  type Instance,
  instanceState,
  type PrefixResolvers,
  type Taxonomy,
  type TaxonomyCapability,
} from "../directory/index.ts";

type Json = Readonly<Record<string, unknown>>;

/** An agent and what it offers, as the interface shows it to the agent itself. */
export function agentDocument(
  agent: { readonly agent: string; readonly tenant: string; readonly source: string },
  instances: readonly Instance[],
  taxonomy: Taxonomy,
  locator: Ipv6Address,
): Json {
  const lease = instances.find((instance) => instance.lease !== undefined)?.lease;
  return {
    agent: agent.agent,
    tenant: agent.tenant,
    source: agent.source,
    ...(lease === undefined
      ? {}
      : {
          lease: {
            sequence: String(lease.sequence),
            "valid-until": new Date(lease.validUntil).toISOString(),
            renew: toSeconds(lease.renew),
          },
        }),
    capabilities: instances.map((instance) => instanceDocument(instance, taxonomy, locator)),
  };
}

function instanceDocument(instance: Instance, taxonomy: Taxonomy, locator: Ipv6Address): Json {
  const { tenant, capability, version, endpoint, health, check, drainDeadline } = instance;
  return {
    instance: instance.id,
    name: capability,
    version: `${version.major}.${version.minor}`,
    ...namesOf(tenant, capability, version.major, taxonomy),
    endpoint: { address: formatIpv6(endpoint.address), port: endpoint.port, protocol: endpoint.protocol },
    "service-port": instance.servicePort,
    ...(taxonomy.find(capability, version.major)?.affinity === "connection"
      ? { "quic-server-id": quicServerId(locator, endpoint) }
      : {}),
    weight: instance.weight,
    labels: instance.labels,
    state: instanceState(instance),
    "admin-state": instance.adminState,
    ...(drainDeadline === undefined ? {} : { "drain-deadline": new Date(drainDeadline).toISOString() }),
    ...(instance.stale === true ? { stale: true } : {}),
    ...(check === undefined ? {} : { "health-check": checkDocument(check) }),
    health: {
      state: health.state,
      since: new Date(health.since.wall).toISOString(),
      ...(health.reason === undefined ? {} : { reason: health.reason }),
    },
  };
}

function checkDocument(check: HealthCheck): Json {
  const path = check.type === "http" ? { path: check.path } : {};
  const { interval, timeout, fall, rise } = check;
  return { type: check.type, ...path, "interval-ms": interval, "timeout-ms": timeout, fall, rise };
}

/** A name without an address of its own (a major version that is not the lowest) has no DNS name. */
function namesOf(tenant: string, name: CapabilityName, majorVersion: number, taxonomy: Taxonomy): Json {
  const address = taxonomy.address(tenant, name, majorVersion);
  const plain = taxonomy.plain(name)?.majorVersion === majorVersion;
  return {
    ...(plain ? { "dns-name": taxonomy.dnsName(tenant, name) } : {}),
    ...(address === undefined ? {} : { address: formatIpv6(address) }),
  };
}

/** A capability and who serves it, as the interface shows it to any agent of the tenant. */
export function capabilityDocument(
  capability: TaxonomyCapability,
  tenant: string,
  candidates: readonly DiscoveryCandidate[],
  taxonomy: Taxonomy,
): Json {
  const { name, majorVersion, description, servicePort, protocol } = capability;
  return {
    name,
    "major-version": majorVersion,
    ...(description === undefined ? {} : { description }),
    ...namesOf(tenant, name, majorVersion, taxonomy),
    "service-port": servicePort,
    protocol,
    served: candidates.some((candidate) => candidate.eligible),
    candidates: candidates.map(candidateDocument),
  };
}

function candidateDocument(candidate: DiscoveryCandidate): Json {
  return {
    origin: candidate.origin,
    local: candidate.local,
    eligible: candidate.eligible,
    ...(candidate.reason === undefined ? {} : { reason: candidate.reason }),
    state: candidate.state,
    score: candidate.score,
    weight: candidate.weight,
    labels: candidate.labels,
    ...(candidate.validUntil === undefined ? {} : { "valid-until": new Date(candidate.validUntil).toISOString() }),
  };
}

/** Who can resolve a name that nobody serves here. */
export function resolversDocument({ prefix, candidates }: PrefixResolvers): Json {
  return { prefix, candidates: candidates.map(candidateDocument) };
}

/** Where an agent is, and where else somebody says it is. */
export function placesDocument(agent: string, places: readonly AgentPlace[]): Json {
  return {
    agent,
    places: places.map(({ sequence, validUntil, ...place }) => ({
      ...place,
      sequence: String(sequence),
      ...(validUntil === undefined ? {} : { "valid-until": new Date(validUntil).toISOString() }),
    })),
  };
}
