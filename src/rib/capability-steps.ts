import { formatIpv4, octetsEqual } from "../base/index.ts";
import type { AttributeSet } from "./attributes.ts";
import { hasHashMismatch } from "./brownfield-mark.ts";
import { asPathLength, LEADING_STEPS, localPreference } from "./net-decision.ts";
import type { AttributeId, NetId } from "./types.ts";
import type { AttestationState, CapabilityCandidate } from "./views.ts";

/** One site's route with what the rules look at. */
export interface Contender {
  readonly candidate: CapabilityCandidate;
  readonly set: AttributeSet;
  readonly net: NetId;
  /** It carries a route target that the tenant in question imports. */
  readonly imported: boolean;
}

export interface JudgingContext {
  readonly nowSeconds: number;
  /** Whether the lease of a set has ended. */
  readonly hasEnded: (attributes: AttributeId) => boolean;
  /** Critical labels that this router understands. */
  readonly labels: ReadonlySet<string>;
  /** What is known about the claim that a set carries. */
  readonly attestation: (set: AttributeSet) => AttestationState;
  /** Whether a site may be used whose claim nobody has verified. */
  readonly acceptUnattested: boolean;
  /** How many steps of the score a class of network cost outweighs. */
  readonly networkCostWeight: number;
  /** The extended community of this router's own site. */
  readonly siteOfOrigin: Uint8Array | undefined;
}

export interface EligibilityStep {
  readonly name: string;
  readonly see: string;
  /** Why the contender cannot be used; `undefined` when it can. */
  refuse(contender: Contender, context: JudgingContext): string | undefined;
}

export interface PreferenceStep {
  readonly name: string;
  readonly see: string;
  /** The smaller value is the better one. */
  value(contender: Contender, context: JudgingContext): number;
  describe(contender: Contender, context: JudgingContext): string;
}

/** Each contender alone. */
export const ELIGIBILITY_STEPS: readonly EligibilityStep[] = [
  {
    name: "import-target",
    see: "RFC 4364 §4.3.1; DESIGN 4.3",
    refuse: (contender) =>
      contender.imported ? undefined : "carries none of the route targets that the tenant imports",
  },
  {
    name: "semantic",
    see: "DESIGN 4.4",
    refuse: ({ set }) => (set.semantic === undefined ? "has no SEMANTIC attribute, so no lease" : undefined),
  },
  {
    name: "hash-check",
    see: "DESIGN 4.5: an address that stands for two capabilities",
    refuse: ({ set }) =>
      hasHashMismatch(set)
        ? "its check octets are those of another capability with the same address: give one of them another family code"
        : undefined,
  },
  {
    name: "critical-label",
    see: "DESIGN 4.2: refuse if not understood",
    refuse: ({ set }, { labels }) => {
      const unknown = set.semantic!.labels.find((label) => label.critical && !labels.has(label.text));
      return unknown === undefined ? undefined : `critical label "${unknown.text}" is not understood here`;
    },
  },
  {
    name: "lease",
    see: "DESIGN 4.3",
    // As was looked at last, when it ended or a minute ago at most, so that all who ask are told the same.
    refuse: ({ set, candidate }, { nowSeconds, hasEnded }) => {
      if (!hasEnded(candidate.attributes)) return undefined;
      const { validUntil } = set.semantic!.lease;
      return `lease ended ${Math.max(0, Math.floor(nowSeconds - validUntil))} s ago`;
    },
  },
  {
    name: "attestation",
    see: "DESIGN 4.3: invalid never, not-found by policy",
    refuse: ({ set }, { attestation, acceptUnattested }) => {
      const state = attestation(set);
      if (state === "invalid") return "the claim that the route carries is invalid";
      return state === "not-found" && !acceptUnattested ? "no claim of the route has been verified" : undefined;
    },
  },
  {
    name: "state-down",
    see: "DESIGN 4.3",
    refuse: ({ set }) => (set.semantic!.state === "down" ? "the site says that it is down" : undefined),
  },
];

/** Those that are equal after these rows share the traffic. */
export const GROUP_STEPS: readonly PreferenceStep[] = [
  {
    name: "llgr-stale",
    see: "RFC 9494 §4.3: least preferred, so that who drains, and is alive, comes before who may be gone",
    value: ({ set }) => (isLlgrStale(set) ? 1 : 0),
    describe: ({ set }) => (isLlgrStale(set) ? "LLGR_STALE" : "not LLGR_STALE"),
  },
  {
    name: "state-draining",
    see: "DESIGN 4.3: no new flows while another can take them",
    value: ({ set }) => (set.semantic!.state === "draining" ? 1 : 0),
    describe: ({ set }) => set.semantic!.state,
  },
  {
    name: "local-preference",
    see: "RFC 4271 §9.1.2",
    value: ({ set }) => -localPreference(set),
    describe: ({ set }) => `local preference ${localPreference(set)}`,
  },
  {
    name: "as-path-length",
    see: "RFC 4271 §9.1.2.2 a)",
    value: ({ set }) => asPathLength(set),
    describe: ({ set }) => `AS path length ${asPathLength(set)}`,
  },
];

/** Which member of the group is the best. */
export const WINNER_STEPS: readonly PreferenceStep[] = [
  {
    name: "score",
    see: "DESIGN 4.3: score bucket combined with network cost; CATS Level 2 metric",
    value: ({ set }, { networkCostWeight }) => networkCostWeight * networkCost(set) - set.semantic!.score,
    describe: ({ set }, { networkCostWeight }) => {
      const { score } = set.semantic!;
      const cost = networkCostWeight * networkCost(set);
      return cost === 0 ? `score ${score}` : `score ${score} less network cost ${cost}`;
    },
  },
  {
    name: "cost-class",
    see: "DESIGN 4.3",
    value: ({ set }) => set.semantic!.costClass ?? 0,
    describe: ({ set }) => `cost class ${set.semantic!.costClass ?? 0}`,
  },
  {
    name: "local-site",
    see: "DESIGN 5: no tunnel where none is needed",
    value: ({ candidate }) => (candidate.local ? 0 : 1),
    describe: ({ candidate }) => (candidate.local ? "this router's own site" : "a remote site"),
  },
  {
    name: "stale",
    see: "RFC 4724 §4.2: stale routes stay in use, so this only breaks ties",
    value: ({ candidate }) => (candidate.stale ? 1 : 0),
    describe: ({ candidate }) => (candidate.stale ? "stale" : "confirmed"),
  },
  {
    name: "router-id",
    see: "RFC 4271 §9.1.2.2 f)",
    value: ({ candidate }) => candidate.originId,
    describe: ({ candidate }) => `router ID ${formatIpv4(candidate.originId)}`,
  },
];

function isLlgrStale(set: AttributeSet): boolean {
  const step = LEADING_STEPS.find(({ name }) => name === "llgr-stale")!;
  return step.value({ set, eligible: true, kind: "internal", stale: false, bgpIdentifier: 0, addressOrder: 0 }) === 1;
}

/** What the way to the site costs, in classes: where the origin or a policy says nothing it is free. */
function networkCost(set: AttributeSet): number {
  return set.semantic!.latencyClass ?? 0;
}

/** Which rows choose among the routes of one destination. */
export interface SelectionRules {
  readonly eligibility: readonly EligibilityStep[];
  readonly group: readonly PreferenceStep[];
  readonly winner: readonly PreferenceStep[];
  /** Of several routes of one origin one is enough. */
  readonly onePerOrigin: boolean;
}

const named = <S extends { readonly name: string }>(steps: readonly S[], name: string): S =>
  steps.find((step) => step.name === name)!;

/** Sites (CS), and origins that resolve names below a prefix (CP). */
export const SITE_RULES: SelectionRules = {
  eligibility: ELIGIBILITY_STEPS,
  group: GROUP_STEPS,
  winner: WINNER_STEPS,
  onePerOrigin: true,
};

/** Instances (CI) of this router's own site: all of them that can be used. */
export const INSTANCE_RULES: SelectionRules = {
  eligibility: [
    ...ELIGIBILITY_STEPS,
    {
      name: "site-of-origin",
      see: "DESIGN 4.1: an instance stays inside its site",
      refuse: ({ set, candidate }, { siteOfOrigin }) => {
        const isHere = set.extendedCommunities.some((carried) => siteOfOrigin && octetsEqual(carried, siteOfOrigin));
        return candidate.local || isHere ? undefined : "an instance of another site";
      },
    },
  ],
  group: [named(GROUP_STEPS, "state-draining")],
  winner: WINNER_STEPS,
  onePerOrigin: false,
};

/** Where an agent is (AI): whoever heard of its latest move. */
export const AGENT_RULES: SelectionRules = {
  eligibility: ELIGIBILITY_STEPS,
  group: [
    named(GROUP_STEPS, "llgr-stale"),
    {
      name: "mobility-sequence",
      see: "RFC 7432 §15: the higher sequence number is the later move",
      // A sequence has 64 bits: the halves are two steps.
      value: ({ set }) => -Number(set.semantic!.lease.sequence >> 32n),
      describe: ({ set }) => `sequence ${set.semantic!.lease.sequence}`,
    },
    {
      name: "mobility-sequence",
      see: "RFC 7432 §15",
      value: ({ set }) => -Number(set.semantic!.lease.sequence & 0xffffffffn),
      describe: ({ set }) => `sequence ${set.semantic!.lease.sequence}`,
    },
    {
      name: "router-id",
      see: "RFC 7432 §15: of equal sequence numbers the lower address; the agent is in one place",
      value: ({ candidate }) => candidate.originId,
      describe: ({ candidate }) => `router ID ${formatIpv4(candidate.originId)}`,
    },
  ],
  winner: [],
  onePerOrigin: true,
};
