import { formatIpv4 } from "../base/index.ts";
import type { AttributeSet } from "./attributes.ts";
import { hasHashMismatch, isBrownfield } from "./brownfield-mark.ts";
import { asPathLength, LEADING_STEPS, localPreference } from "./net-decision.ts";
import type { CapabilityCandidate, JudgedCandidate, Judgement, NetId } from "./types.ts";

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
  /** Critical labels that this router understands. */
  readonly labels: ReadonlySet<string>;
}

interface EligibilityStep {
  readonly name: string;
  readonly see: string;
  /** Why the contender cannot be used; `undefined` when it can. */
  refuse(contender: Contender, context: JudgingContext): string | undefined;
}

interface PreferenceStep {
  readonly name: string;
  readonly see: string;
  /** The smaller value is the better one. */
  value(contender: Contender): number;
  describe(contender: Contender): string;
}

/** Each contender alone. Attestation will be one more row: today every claim counts as "not found", which policy accepts. */
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
    refuse: ({ set }, { nowSeconds }) => {
      const { validUntil } = set.semantic!.lease;
      return validUntil > nowSeconds ? undefined : `lease ended ${Math.floor(nowSeconds - validUntil)} s ago`;
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
    name: "state-draining",
    see: "DESIGN 4.3: no new flows while another can take them",
    value: ({ set }) => (set.semantic!.state === "draining" ? 1 : 0),
    describe: ({ set }) => set.semantic!.state,
  },
  {
    name: "llgr-stale",
    see: "RFC 9494 §4.3: least preferred",
    value: ({ set }) => (isLlgrStale(set) ? 1 : 0),
    describe: ({ set }) => (isLlgrStale(set) ? "LLGR_STALE" : "not LLGR_STALE"),
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
    see: "DESIGN 4.3; CATS Level 2 metric",
    value: ({ set }) => -set.semantic!.score,
    describe: ({ set }) => `score ${set.semantic!.score}`,
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

export interface Verdict {
  readonly group: readonly CapabilityCandidate[];
  readonly winner: CapabilityCandidate | undefined;
  readonly candidates: readonly JudgedCandidate[];
}

/** The texts of reasons are made when they are read: most decisions are never explained. */
export function judged(
  candidate: CapabilityCandidate,
  judgement: Judgement,
  usable: boolean,
  step: string,
  say: () => string,
): JudgedCandidate {
  return {
    candidate,
    judgement,
    usable,
    step,
    get reason() {
      return say();
    },
  };
}

/** Decides for one capability. The result does not depend on the order of `contenders`; `byKey` orders routes of one origin. */
export function judge(
  contenders: readonly Contender[],
  context: JudgingContext,
  byKey: (a: NetId, b: NetId) => number,
): Verdict {
  const candidates: JudgedCandidate[] = [];
  const racing: Contender[] = [];
  for (const contender of contenders) {
    const step = ELIGIBILITY_STEPS.find(({ refuse }) => refuse(contender, context) !== undefined);
    if (step === undefined) racing.push(contender);
    else {
      const reason = step.refuse(contender, context)!;
      candidates.push(judged(contender.candidate, "excluded", false, step.name, () => reason));
    }
  }
  if (racing.length > 1) racing.sort((a, b) => a.candidate.originId - b.candidate.originId || byKey(a.net, b.net));
  const native = new Set(racing.filter(({ set }) => !isBrownfield(set)).map(({ candidate }) => candidate.originId));
  const chain = new Elimination(
    racing.filter(({ set, candidate }) => {
      if (!native.has(candidate.originId) || !isBrownfield(set)) return true;
      // DESIGN 4.5: the capability family wins where both bring the same site, whatever their other attributes.
      const say = () => `the capability family brings the route of ${formatIpv4(candidate.originId)}, too`;
      candidates.push(judged(candidate, "excluded", true, "native-family", say));
      return false;
    }),
  );
  for (const step of GROUP_STEPS) {
    for (const loser of chain.apply(step)) {
      const best = chain.left[0]!;
      const say = () => `${step.describe(loser)} against ${step.describe(best)}`;
      candidates.push(judged(loser.candidate, "excluded", true, step.name, say));
    }
  }
  const group = chain.left.filter((member, i) => {
    const same = chain.left.findIndex((other) => other.candidate.originId === member.candidate.originId);
    if (same === i) return true;
    const say = () => `another route of ${formatIpv4(member.candidate.originId)} is used`;
    candidates.push(judged(member.candidate, "excluded", true, "same-origin", say));
    return false;
  });
  const final = new Elimination(group, chain.decisive);
  for (const step of WINNER_STEPS) {
    for (const loser of final.apply(step)) {
      const best = final.left[0]!;
      const say = () => `in the group; ${step.describe(loser)} against ${step.describe(best)}`;
      candidates.push(judged(loser.candidate, "group", true, step.name, say));
    }
  }
  const winner = final.left[0];
  if (winner !== undefined) {
    const { decisive } = final;
    const say = () =>
      decisive === undefined ? "no other candidate is eligible" : `best by ${decisive.describe(winner)}`;
    candidates.push(judged(winner.candidate, "winner", true, decisive?.name ?? "only-candidate", say));
  }
  return {
    group: group.map(({ candidate }) => candidate),
    winner: winner?.candidate,
    candidates: candidates.sort((a, b) => ORDER[a.judgement] - ORDER[b.judgement]),
  };
}

const ORDER: Readonly<Record<Judgement, number>> = { winner: 0, group: 1, excluded: 2 };

const NOBODY: readonly Contender[] = [];

/** Contenders that are left after some steps, and the latest step that made a difference. */
class Elimination {
  left: readonly Contender[];
  decisive: PreferenceStep | undefined;

  constructor(contenders: readonly Contender[], decisive?: PreferenceStep) {
    this.left = contenders;
    this.decisive = decisive;
  }

  /** Keeps the best by this step; returns the others. */
  apply(step: PreferenceStep): readonly Contender[] {
    if (this.left.length < 2) return NOBODY;
    const best = Math.min(...this.left.map((contender) => step.value(contender)));
    const losers = this.left.filter((contender) => step.value(contender) !== best);
    if (losers.length === 0) return losers;
    this.left = this.left.filter((contender) => step.value(contender) === best);
    this.decisive = step;
    return losers;
  }
}
