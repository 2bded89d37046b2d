import { formatIpv4 } from "../base/index.ts";
import { isBrownfield } from "./brownfield-mark.ts";
import {
  type Contender,
  type JudgingContext,
  type PreferenceStep,
  type SelectionRules,
  SITE_RULES,
} from "./capability-steps.ts";
import type { NetId } from "./types.ts";
import type { CapabilityCandidate, JudgedCandidate, Judgement } from "./views.ts";

export interface Verdict {
  readonly group: readonly CapabilityCandidate[];
  readonly winner: CapabilityCandidate | undefined;
  readonly candidates: readonly JudgedCandidate[];
}

/** The texts of reasons are made when they are read: most decisions are never explained. */
class Judged implements JudgedCandidate {
  readonly candidate: CapabilityCandidate;
  readonly judgement: Judgement;
  readonly usable: boolean;
  readonly step: string;
  readonly #say: () => string;

  constructor(candidate: CapabilityCandidate, judgement: Judgement, usable: boolean, step: string, say: () => string) {
    this.candidate = candidate;
    this.judgement = judgement;
    this.usable = usable;
    this.step = step;
    this.#say = say;
  }

  get reason(): string {
    return this.#say();
  }
}

export function judged(
  candidate: CapabilityCandidate,
  judgement: Judgement,
  usable: boolean,
  step: string,
  say: () => string,
): JudgedCandidate {
  return new Judged(candidate, judgement, usable, step, say);
}

/** Decides for one capability. The result does not depend on the order of `contenders`; `byKey` orders routes of one origin. */
export function judge(
  contenders: readonly Contender[],
  context: JudgingContext,
  byKey: (a: NetId, b: NetId) => number,
  rules: SelectionRules = SITE_RULES,
): Verdict {
  if (contenders.length === 0) return NOBODY_THERE;
  return contenders.length === 1
    ? judgeOne(contenders[0]!, context, rules)
    : judgeAll(contenders, context, byKey, rules);
}

/** The same for one that is alone, as nearly every agent and instance is. */
function judgeOne(contender: Contender, context: JudgingContext, rules: SelectionRules): Verdict {
  const { candidate } = contender;
  const refused = refusalOf(contender, context, rules);
  if (refused !== undefined) {
    const { step, reason } = refused;
    return { ...NOBODY_THERE, candidates: [judged(candidate, "excluded", false, step, () => reason)] };
  }
  const winner = judged(candidate, "winner", true, "only-candidate", sayOnlyOne);
  return { group: [candidate], winner: candidate, candidates: [winner] };
}

const NOBODY_THERE: Verdict = { group: [], winner: undefined, candidates: [] };

const sayOnlyOne = (): string => "no other candidate is eligible";

function judgeAll(
  contenders: readonly Contender[],
  context: JudgingContext,
  byKey: (a: NetId, b: NetId) => number,
  rules: SelectionRules,
): Verdict {
  const candidates: JudgedCandidate[] = [];
  const racing: Contender[] = [];
  for (const contender of contenders) {
    const refused = refusalOf(contender, context, rules);
    if (refused === undefined) racing.push(contender);
    else candidates.push(judged(contender.candidate, "excluded", false, refused.step, () => refused.reason));
  }
  if (racing.length > 1) racing.sort((a, b) => a.candidate.originId - b.candidate.originId || byKey(a.net, b.net));
  const native = nativeOrigins(racing);
  const isMirrored = ({ set, candidate }: Contender): boolean => {
    if (!native.has(candidate.originId) || !isBrownfield(set)) return false;
    // DESIGN 4.5: the capability family wins where both bring the same site, whatever their other attributes.
    const say = () => `the capability family brings the route of ${formatIpv4(candidate.originId)}, too`;
    candidates.push(judged(candidate, "excluded", true, "native-family", say));
    return true;
  };
  const chain = new Elimination(
    native === NO_ORIGINS ? racing : racing.filter((contender) => !isMirrored(contender)),
    context,
  );
  for (const step of rules.group) {
    for (const loser of chain.apply(step)) {
      const best = chain.left[0]!;
      const say = () => `${step.describe(loser, context)} against ${step.describe(best, context)}`;
      candidates.push(judged(loser.candidate, "excluded", true, step.name, say));
    }
  }
  const isSpare = (member: Contender, i: number): boolean => {
    const same = chain.left.findIndex((other) => other.candidate.originId === member.candidate.originId);
    if (same === i) return false;
    const say = () => `another route of ${formatIpv4(member.candidate.originId)} is used`;
    candidates.push(judged(member.candidate, "excluded", true, "same-origin", say));
    return true;
  };
  const group =
    rules.onePerOrigin && hasTwins(chain.left) ? chain.left.filter((member, i) => !isSpare(member, i)) : chain.left;
  const final = new Elimination(group, context, chain.decisive);
  for (const step of rules.winner) {
    for (const loser of final.apply(step)) {
      const best = final.left[0]!;
      const say = () => `in the group; ${step.describe(loser, context)} against ${step.describe(best, context)}`;
      candidates.push(judged(loser.candidate, "group", true, step.name, say));
    }
  }
  const [winner, ...equal] = final.left;
  for (const { candidate } of equal) {
    candidates.push(judged(candidate, "group", true, "key-order", () => "in the group; equal in every step"));
  }
  if (winner !== undefined) {
    const { decisive } = final;
    const say = () => (decisive === undefined ? sayOnlyOne() : `best by ${decisive.describe(winner, context)}`);
    candidates.push(judged(winner.candidate, "winner", true, decisive?.name ?? "only-candidate", say));
  }
  return {
    group: group.map(({ candidate }) => candidate),
    winner: winner?.candidate,
    candidates: candidates.sort((a, b) => ORDER[a.judgement] - ORDER[b.judgement]),
  };
}

/** The first rule that forbids to use it. */
function refusalOf(
  contender: Contender,
  context: JudgingContext,
  { eligibility }: SelectionRules,
): { readonly step: string; readonly reason: string } | undefined {
  for (const { name, refuse } of eligibility) {
    const reason = refuse(contender, context);
    if (reason !== undefined) return { step: name, reason };
  }
  return undefined;
}

/** Two of one origin, who are next to each other. */
function hasTwins(members: readonly Contender[]): boolean {
  for (let i = 1; i < members.length; i++)
    if (members[i]!.candidate.originId === members[i - 1]!.candidate.originId) return true;
  return false;
}

/** Origins that are heard of in the capability family; as nearly always, nobody asks where there is no other family. */
function nativeOrigins(racing: readonly Contender[]): ReadonlySet<number> {
  if (!racing.some(({ set }) => isBrownfield(set))) return NO_ORIGINS;
  return new Set(racing.filter(({ set }) => !isBrownfield(set)).map(({ candidate }) => candidate.originId));
}

const NO_ORIGINS: ReadonlySet<number> = new Set();

const ORDER: Readonly<Record<Judgement, number>> = { winner: 0, group: 1, excluded: 2 };

const NOBODY: readonly Contender[] = [];

/** Contenders that are left after some steps, and the latest step that made a difference. */
class Elimination {
  left: readonly Contender[];
  decisive: PreferenceStep | undefined;
  readonly #context: JudgingContext;

  constructor(contenders: readonly Contender[], context: JudgingContext, decisive?: PreferenceStep) {
    this.left = contenders;
    this.#context = context;
    this.decisive = decisive;
  }

  /** Keeps the best by this step; returns the others. */
  apply(step: PreferenceStep): readonly Contender[] {
    if (this.left.length < 2) return NOBODY;
    const first = step.value(this.left[0]!, this.#context);
    let best = first;
    let isDecisive = false;
    for (let i = 1; i < this.left.length; i++) {
      const value = step.value(this.left[i]!, this.#context);
      if (value !== first) isDecisive = true;
      if (value < best) best = value;
    }
    if (!isDecisive) return NOBODY;
    const losers = this.left.filter((contender) => step.value(contender, this.#context) !== best);
    this.left = this.left.filter((contender) => step.value(contender, this.#context) === best);
    this.decisive = step;
    return losers;
  }
}
