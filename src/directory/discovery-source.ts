import type { CapabilityName, Milliseconds } from "../base/index.ts";
import type { TaxonomyCapability } from "./taxonomy.ts";
import type { LocalSite } from "./types.ts";

/** A site that offers a capability, as whoever asks for one sees it. Instances and their addresses stay hidden. */
export interface DiscoveryCandidate {
  /** Name or identifier of the originating router. */
  readonly origin: string;
  readonly local: boolean;
  /** Whether new flows may go there. */
  readonly eligible: boolean;
  /** Why it is not eligible, or why it was chosen, in one sentence. */
  readonly reason?: string;
  readonly state: LocalSite["state"];
  readonly score: number;
  readonly weight: number;
  readonly labels: readonly string[];
  /** Wall clock; how long the origin vouches for it. */
  readonly validUntil?: Milliseconds;
}

/** A router that says that an agent is behind it, as whoever asks for the agent sees it. */
export interface AgentPlace {
  readonly origin: string;
  readonly local: boolean;
  /** It is there; at most one place of an agent is. */
  readonly current: boolean;
  /** Why it is the one, or why it is not. */
  readonly reason: string;
  readonly state: LocalSite["state"];
  /** Of its moves: the highest is the latest. */
  readonly sequence: bigint;
  /** Wall clock; how long the origin vouches for it. */
  readonly validUntil?: Milliseconds;
}

/** Routers that can resolve names below a prefix. */
export interface PrefixResolvers {
  readonly prefix: string;
  /** The best first. */
  readonly candidates: readonly DiscoveryCandidate[];
}

/** Where candidates come from: this directory alone, or the RIB, which also knows the other routers' sites. */
export interface DiscoverySource {
  /** Candidates for one capability, the best first; empty when there are none. Answers from what is here; asks nobody. */
  candidates(tenant: string, capability: CapabilityName, majorVersion: number): readonly DiscoveryCandidate[];
  /** Capabilities of other tenants that a tenant may call, with whose they are. Absent: there are none. */
  opened?(tenant: string): Iterable<{ readonly tenant: string; readonly capability: TaxonomyCapability }>;
  /** Where an agent is, the current place first; empty when nobody says. */
  places(tenant: string, agent: string): readonly AgentPlace[];
  /** Who can resolve a name that nobody here serves: by its longest prefix that somebody answers for. */
  resolvers(tenant: string, name: CapabilityName): PrefixResolvers | undefined;
}
