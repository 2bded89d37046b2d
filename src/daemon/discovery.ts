import { formatIpv4, milliseconds } from "../base/index.ts";
import type { DiscoveryCandidate, DiscoverySource } from "../directory/index.ts";
import type { JudgedCandidate } from "../rib/index.ts";
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
  return {
    candidates(tenant, capability, majorVersion) {
      const { taxonomy, names } = sources;
      const index = taxonomy.tenants.get(tenant);
      if (index === undefined) return [];
      const { candidates } = rib.capability.select(index, names.capabilityId(capability, majorVersion));
      return candidates.toSorted((a, b) => RANK[a.judgement] - RANK[b.judgement]).map(candidate);
    },
  };
}
