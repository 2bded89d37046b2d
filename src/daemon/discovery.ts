import { agentIdHash, formatIpv4, milliseconds } from "../base/index.ts";
import type { AgentPlace, DiscoveryCandidate, DiscoverySource } from "../directory/index.ts";
import type { JudgedCandidate } from "../rib/index.ts";
import { opened } from "./opened.ts";
import type { RowSources } from "./rows.ts";

const RANK = { winner: 0, group: 1, excluded: 2 } as const;

/** Candidates of the whole domain, from the RIB of this router: nobody is asked. */
export function ribDiscovery(sources: RowSources): DiscoverySource {
  const { rib } = sources;
  const candidate = ({ candidate, judgement, reason }: JudgedCandidate): DiscoveryCandidate => {
    const { semantic } = rib.attributes.get(candidate.attributes);
    return {
      origin: sources.names.router(candidate.nextHop) ?? formatIpv4(candidate.originId),
      local: candidate.local,
      eligible: judgement !== "excluded",
      reason,
      state: semantic?.state ?? "down",
      score: semantic?.score ?? 0,
      weight: candidate.weight,
      labels: semantic?.labels.map(({ text }) => text) ?? [],
      ...(semantic === undefined ? {} : { validUntil: milliseconds(semantic.lease.validUntil * 1000) }),
    };
  };
  const ordered = (candidates: readonly JudgedCandidate[]): DiscoveryCandidate[] =>
    candidates.toSorted((a, b) => RANK[a.judgement] - RANK[b.judgement]).map(candidate);
  return {
    candidates(tenant, capability, majorVersion) {
      const { taxonomy, names } = sources;
      const index = taxonomy.tenants.get(tenant);
      if (index === undefined) return [];
      const { candidates } = rib.capability.select(index, names.capabilityId(capability, majorVersion));
      return ordered(candidates);
    },
    opened: (tenant) => opened(sources.tenantPolicies ?? [], sources.taxonomy, tenant),
    places(tenant, agent) {
      const index = sources.taxonomy.tenants.get(tenant);
      if (index === undefined) return [];
      const { candidates } = rib.capability.selectAgent(index, agentIdHash(agent));
      return candidates.map((judged): AgentPlace => {
        const { origin, local, reason = "", state, validUntil } = candidate(judged);
        const sequence = rib.attributes.get(judged.candidate.attributes).semantic?.lease.sequence ?? 0n;
        const current = judged.judgement === "winner";
        return { origin, local, current, reason, state, sequence, ...(validUntil === undefined ? {} : { validUntil }) };
      });
    },
    resolvers(tenant, name) {
      const index = sources.taxonomy.tenants.get(tenant);
      const selection = index === undefined ? undefined : rib.capability.selectPrefix(index, name);
      return selection && { prefix: selection.prefix, candidates: ordered(selection.candidates) };
    },
  };
}
