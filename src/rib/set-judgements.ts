import type { AttributeSet, CommunityOctets, SetDigest, SetSource } from "./attributes.ts";
import { INELIGIBLE } from "./net-decision.ts";
import { SetFacts } from "./set-facts.ts";
import type { AttributeId } from "./types.ts";

/** What the capability rules say about a set as such, whatever the time. */
export interface SetPolicy {
  /** 0: no tenant imports it. */
  readonly tenantIndex: number;
  readonly eligible: boolean;
}

/** @param communities those of `set`, where they need not be taken out of it; borrowed */
export type SetJudge = (set: AttributeSet, communities?: CommunityOctets) => SetPolicy;

/** Where the sets are that are judged. */
export interface InternedSets {
  /** Largest id. */
  readonly limit: number;
  /** Every id is below it. */
  readonly top: AttributeId;
  /** Order of the leading decision steps, to which it belongs whether a set is eligible. */
  readonly rank: Float64Array;
  get(id: AttributeId): AttributeSet;
  /** The time of this turn, in seconds since the Unix epoch. */
  secondsNow(): number;
}

/** Later than any lease, but a time: a clock that is set back can make ended leases run again. */
const NEVER = Number.MAX_SAFE_INTEGER;
const NO_LEASE = 0;

/** Which sets of the capability family may be used, and for whom: by its rules, and by their leases. Sets of other families always may. */
export class SetJudgements {
  readonly tenant: Uint16Array;
  readonly expired: Uint8Array;
  /** 1: whether it is eligible has changed, and the nets that use it have not all been looked at since. */
  readonly rejudged: Uint8Array;
  readonly facts: SetFacts;
  /** Called for a new set with a lease, with its end; with one that has ended: a time that does not come. */
  onLease: ((validUntil: number) => void) | undefined;
  readonly #sets: InternedSets;
  readonly #policy: SetJudge;
  /** End of the lease in seconds since the Unix epoch; 0 where there is none. */
  readonly #validUntil: Float64Array;
  /** 1: the rules, the lease aside, forbid the set. */
  readonly #forbidden: Uint8Array;
  /** 1: a set that the rules are for. */
  readonly #hasPolicy: Uint8Array;

  constructor(sets: InternedSets, policy: SetJudge) {
    const size = sets.limit + 1;
    this.#sets = sets;
    this.#policy = policy;
    this.tenant = new Uint16Array(size);
    this.expired = new Uint8Array(size);
    this.rejudged = new Uint8Array(size);
    this.facts = new SetFacts(sets.limit);
    this.#validUntil = new Float64Array(size);
    this.#forbidden = new Uint8Array(size);
    this.#hasPolicy = new Uint8Array(size);
  }

  /** What the rules say of a set that comes. Nothing is written. */
  policyOf({ set, communities }: SetSource): SetPolicy {
    return this.#policy(set, communities);
  }

  /** A set has come, whose rank is that of an eligible one. */
  enter(id: AttributeId, digest: SetDigest, source: SetSource, { tenantIndex, eligible }: SetPolicy): void {
    const lease = source.set.semantic?.lease;
    this.#hasPolicy[id] = 1;
    this.#forbidden[id] = eligible ? 0 : 1;
    this.tenant[id] = tenantIndex;
    this.#validUntil[id] = lease === undefined ? NO_LEASE : Math.max(1, lease.validUntil);
    if (lease !== undefined || !eligible) this.#judge(id, this.#sets.secondsNow(), true);
    this.facts.write(id, digest, source, this.eligible(id));
    // A clock that is set back makes one that has ended run again
    if (lease !== undefined) this.onLease?.(this.expired[id] === 0 ? lease.validUntil : NEVER);
  }

  /** A set is gone: its number may be that of one of another family next, of which nothing is written. */
  forget(id: AttributeId): void {
    if (this.#hasPolicy[id] === 0) return;
    this.#hasPolicy[id] = 0;
    this.#forbidden[id] = 0;
    this.tenant[id] = 0;
    this.#validUntil[id] = NO_LEASE;
    this.expired[id] = 0;
  }

  eligible(id: AttributeId): boolean {
    return this.#forbidden[id] === 0 && this.expired[id] === 0;
  }

  /** Looks at every lease with the time of now; true when one ended (or began again, the clock having been set back). */
  judgeLeases(nowSeconds: number): boolean {
    let changed = false;
    const { top } = this.#sets;
    for (let id = 1; id < top; id++) {
      const until = this.#validUntil[id]!;
      if (until === NO_LEASE || until <= nowSeconds === (this.expired[id] === 1)) continue;
      this.#judge(id, nowSeconds, this.eligible(id));
      this.rejudged[id] = 1;
      changed = true;
    }
    return changed;
  }

  /**
   * Asks the rules again about the sets from `from` on, at most `budget` of them; what they say differently is `rejudged`. Returns
   * where to go on, 0 at the end.
   */
  judgePolicies(from: AttributeId, budget: number): AttributeId {
    const { top, rank } = this.#sets;
    const end = Math.min(top, from + budget);
    for (let id = from; id < end; id++) {
      if (this.#hasPolicy[id] === 0) continue;
      const { tenantIndex, eligible } = this.#policy(this.#sets.get(id));
      if (tenantIndex === this.tenant[id] && eligible === (this.#forbidden[id] === 0)) continue;
      const wasEligible = this.eligible(id);
      this.tenant[id] = tenantIndex;
      this.#forbidden[id] = eligible ? 0 : 1;
      if (this.eligible(id) !== wasEligible) {
        rank[id]! += wasEligible ? INELIGIBLE : -INELIGIBLE;
        this.facts.judge(id, !wasEligible);
      }
      this.rejudged[id] = 1;
    }
    return end < top ? end : 0;
  }

  /** When the next running lease ends, in seconds; Infinity when there is no lease, `NEVER` when all of them have ended. */
  nextExpiry(): number {
    let next = Number.POSITIVE_INFINITY;
    const { top } = this.#sets;
    for (let id = 1; id < top; id++) {
      if (this.#validUntil[id] === NO_LEASE) continue;
      next = Math.min(next, this.expired[id] === 0 ? this.#validUntil[id]! : NEVER);
    }
    return next;
  }

  /** @param wasEligible as the rank says so far */
  #judge(id: AttributeId, nowSeconds: number, wasEligible: boolean): void {
    this.expired[id] = this.#validUntil[id]! <= nowSeconds ? 1 : 0;
    const isEligible = this.eligible(id);
    if (isEligible === wasEligible) return;
    this.#sets.rank[id]! += isEligible ? -INELIGIBLE : INELIGIBLE;
    this.facts.judge(id, isEligible);
  }
}
