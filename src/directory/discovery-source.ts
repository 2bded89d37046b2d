import type { CapabilityName, Milliseconds } from "../base/index.ts";
import type { Directory } from "./directory.ts";
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

/** Where candidates come from: this directory alone, or the RIB, which also knows the other routers' sites. */
export interface DiscoverySource {
  /** Candidates for one capability, the best first; empty when there are none. Answers from what is here; asks nobody. */
  candidates(tenant: string, capability: CapabilityName, majorVersion: number): readonly DiscoveryCandidate[];
}

/** Candidates of this router only. */
export function localDiscovery(directory: Directory, origin: string): DiscoverySource {
  return {
    candidates(tenant, capability, majorVersion) {
      const site = directory.localSite(tenant, capability, majorVersion);
      if (site === undefined) return [];
      const eligible = site.state === "up" || site.state === "degraded";
      const reason = eligible ? {} : { reason: `no instance takes new flows: the site is ${site.state}` };
      const { state, score, weight, labels } = site;
      return [{ origin, local: true, eligible, ...reason, state, score, weight, labels }];
    },
  };
}
