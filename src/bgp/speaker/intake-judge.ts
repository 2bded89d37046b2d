import { type AttributeId, type AttributeSet, type RouteFamily, SetMark } from "../../rib/index.ts";
import {
  type Hits,
  heedGracefulShutdown,
  type ImportFacts,
  importRefusal,
  markReceived,
  PassedNextHop,
  type PolicyPeer,
  type RoutePolicy,
  type Verdict,
} from "../policy/index.ts";
import { type AttributeCodec, MAX_EXTENDED_MESSAGE_LENGTH, type ReceivedSet } from "../wire/index.ts";
import { JudgedSets } from "./judged-sets.ts";
import type { SpeakerRib } from "./peer-parts.ts";

/** By what routes are judged. */
export interface JudgingTerms {
  readonly facts: ImportFacts;
  readonly policy: RoutePolicy;
}

export interface IntakeJudgeParts {
  readonly family: RouteFamily;
  readonly rib: Pick<SpeakerRib, "attributes">;
  readonly codec: AttributeCodec;
  readonly peer: PolicyPeer;
  /** Shown a set that was here before and came back. */
  readonly looped: (set: AttributeSet) => void;
}

/** Routes are used with the set as it came, with another one, or not at all. */
export type Judged = (
  | { readonly ok: true; readonly becomes: { readonly set: AttributeSet; readonly identity: Uint8Array } | undefined }
  | { readonly ok: false; readonly reason: string }
) & { readonly hits?: Hits };

/** Policy asks for the keys as well. */
export interface JudgedByKey {
  readonly ok: "by-key";
  of(octets: Uint8Array, start: number): Judged;
}

/** Answers with hits that are remembered. */
const MOST_ANSWERS = 4096;
const TAKEN: Judged = { ok: true, becomes: undefined };

/** What becomes of sets that a neighbour says, by checks and policy: worked out once for each. */
export class IntakeJudge {
  readonly #parts: IntakeJudgeParts;
  #terms: JudgingTerms;
  readonly #judged: JudgedSets<Judged | JudgedByKey>;
  /** Answers that many sets have, so that each is one object. */
  readonly #taken = new Map<Hits, Judged>();
  #latestTaken: Judged = TAKEN;
  #passed = new PassedNextHop();
  readonly #refusals = new Map<Hits | undefined, Map<string, Judged>>();

  constructor(parts: IntakeJudgeParts, terms: JudgingTerms) {
    this.#parts = parts;
    this.#terms = terms;
    this.#judged = new JudgedSets(parts.rib.attributes, "lately");
  }

  /** Goes by others from now on. What was judged stays: see `forget`. */
  set terms(terms: JudgingTerms) {
    if (terms.facts !== this.#terms.facts) this.#passed = new PassedNextHop();
    this.#terms = terms;
  }

  /** What was judged so far. */
  forget(): void {
    this.#judged.clear();
  }

  /** What was worked out about a set; `undefined`: it has to be judged. */
  known(id: AttributeId): Judged | JudgedByKey | undefined {
    return this.#judged.get(id);
  }

  judge(id: AttributeId, received: ReceivedSet): Judged | JudgedByKey {
    const { peer } = this.#parts;
    const { facts, policy } = this.#terms;
    const { source } = received;
    const refusal = importRefusal(source.set, facts, source.digest, this.#passed);
    if (refusal?.endsWith("-loop")) this.#parts.looped(received.set);
    if (refusal !== undefined) return this.#remember(id, this.refusal(refusal));
    const judgement = policy.always?.() ?? policy(policy.readsInPlace === true ? source.set : received.set, peer);
    const marks = this.#parts.rib.attributes.marksOf(id);
    if (judgement.verdict !== "by-key") return this.#remember(id, this.#judgedAs(judgement, received, marks));
    // Keys that come later ask about this set as well: it is kept.
    const kept = { set: received.set };
    const verdicts = new Map<Verdict, Judged>();
    const of = (octets: Uint8Array, start: number): Judged => {
      const verdict = judgement.of(octets, start);
      const answer = verdicts.get(verdict) ?? this.#judgedAs(verdict, kept, marks);
      verdicts.set(verdict, answer);
      return answer;
    };
    const judged: JudgedByKey = { ok: "by-key", of };
    this.#judged.putOwn(id, judged);
    return judged;
  }

  /** The same of one key with a set that is there, without remembering it or telling anybody. */
  look(id: AttributeId, key: Uint8Array): Judged {
    const { attributes } = this.#parts.rib;
    const { facts, policy } = this.#terms;
    const set = attributes.get(id);
    const refusal = importRefusal(set, facts);
    if (refusal !== undefined) return this.refusal(refusal);
    const judgement = policy(set, this.#parts.peer);
    const verdict = judgement.verdict === "by-key" ? judgement.of(key, 0) : judgement;
    return this.#judgedAs(verdict, { set }, attributes.marksOf(id));
  }

  #remember(id: AttributeId, judged: Judged): Judged {
    if (judged.ok && judged.becomes !== undefined) this.#judged.putOwn(id, judged);
    else this.#judged.putShared(id, judged);
    return judged;
  }

  /** @param received asked for its set only where another one is made of it */
  #judgedAs(verdict: Verdict, received: { readonly set: AttributeSet }, marks: number): Judged {
    const { hits } = verdict;
    switch (verdict.verdict) {
      case "reject":
        return this.refusal(verdict.reason, hits);
      case "replace":
        return this.#used(verdict.attributes, hits);
      case "accept":
        return this.#changes(marks) ? this.#used(received.set, hits) : this.#acceptance(hits);
    }
  }

  /** Whether a set with these marks is used as another one than what was accepted. */
  #changes(marks: number): boolean {
    const { kind, role } = this.#terms.facts;
    if (kind === "external" && (marks & SetMark.gracefulShutdown) !== 0) return true;
    return role !== undefined && (marks & SetMark.onlyToCustomer) === 0;
  }

  #used(accepted: AttributeSet, hits: Hits | undefined): Judged {
    const { kind, role, remoteAs } = this.#terms.facts;
    const heeded = heedGracefulShutdown(accepted, kind);
    const set = role === undefined ? heeded : markReceived(heeded, role, remoteAs);
    const identity = this.#parts.codec.identity(set, this.#parts.family);
    // The same when policy has made too much of it.
    if (identity.length > MAX_EXTENDED_MESSAGE_LENGTH) return this.refusal("too-large", hits);
    return { ok: true, becomes: { set, identity }, ...(hits === undefined ? {} : { hits }) };
  }

  #acceptance(hits: Hits | undefined): Judged {
    if (hits === undefined) return TAKEN;
    if (this.#latestTaken.hits === hits) return this.#latestTaken;
    const known = this.#taken.get(hits) ?? { ...TAKEN, hits };
    if (this.#taken.size >= MOST_ANSWERS) this.#taken.clear();
    this.#taken.set(hits, known);
    this.#latestTaken = known;
    return known;
  }

  refusal(reason: string, hits?: Hits): Judged {
    if (this.#refusals.size >= MOST_ANSWERS) this.#refusals.clear();
    const ofHits = this.#refusals.get(hits) ?? new Map<string, Judged>();
    this.#refusals.set(hits, ofHits);
    const known = ofHits.get(reason) ?? { ok: false, reason, ...(hits === undefined ? {} : { hits }) };
    ofHits.set(reason, known);
    return known;
  }
}
