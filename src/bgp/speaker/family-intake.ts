import type { Log, Seconds } from "../../base/index.ts";
import { type AttributeSet, type PeerIndex, RibError, type RouteFamily, type RouteTable } from "../../rib/index.ts";
import {
  type Hits,
  heedGracefulShutdown,
  type ImportFacts,
  importRefusal,
  markReceived,
  type PolicyPeer,
  type RoutePolicy,
  type Verdict,
} from "../policy/index.ts";
import {
  type AttributeCodec,
  CeaseSubcode,
  ErrorCode,
  MAX_EXTENDED_MESSAGE_LENGTH,
  NlriBatch,
  type NotificationMessage,
  notification,
  originIdAt,
  wireFamily,
} from "../wire/index.ts";
import type { PeerCounters } from "./metrics.ts";
import type { PeerObserver } from "./observer.ts";
import type { SpeakerRib } from "./peer-parts.ts";
import { RecentSets } from "./recent-sets.ts";

/** What may be changed while the session lasts. */
export interface IntakeTerms {
  readonly facts: ImportFacts;
  readonly policy: RoutePolicy;
  readonly maximumRoutes: number | undefined;
  readonly warnAtPercent: number;
  readonly restartAfter?: Seconds;
}

export interface FamilyIntakeParts {
  readonly family: RouteFamily;
  readonly rib: SpeakerRib;
  readonly peerIndex: PeerIndex;
  readonly codec: AttributeCodec;
  readonly peer: PolicyPeer;
  readonly counters: PeerCounters;
  readonly log: Log;
  /** Absent: nobody watches. */
  readonly observer: PeerObserver | undefined;
  /** Shown a set that was here before and came back. */
  readonly looped: (set: AttributeSet) => void;
}

/** `undefined`: the routes were taken, or refused one by one. Otherwise why the session has to end (AutomaticStop). */
export type TakeResult =
  | { readonly kind: "stop"; readonly notification: NotificationMessage; readonly idleHold?: Seconds }
  | undefined;

export interface ReceivedSet {
  readonly set: AttributeSet;
  readonly identity: Uint8Array;
}

type Judged = (
  | { readonly ok: true; readonly set: AttributeSet; readonly identity: Uint8Array }
  | { readonly ok: false; readonly reason: string }
) & { readonly hits?: Hits };

/** Policy asks for the keys as well. */
interface JudgedByKey {
  readonly ok: "by-key";
  of(octets: Uint8Array, start: number): Judged;
}

/** Routes of one family of one session: checked, judged once per attribute set, brought into the family's table. */
export class FamilyIntake {
  readonly family: RouteFamily;
  /** The family was given up on this session: nothing is taken any more. @see RFC 4760 §7 */
  disabled = false;
  readonly #parts: FamilyIntakeParts;
  readonly #table: RouteTable;
  readonly #refused = new NlriBatch();
  readonly #alike = new NlriBatch();
  /** The log has said that the maximum is near. */
  #warned = false;
  #terms: IntakeTerms;
  #judged = new RecentSets<Judged | JudgedByKey>();
  readonly #isOwn: (octets: Uint8Array, start: number) => boolean;

  constructor(parts: FamilyIntakeParts, terms: IntakeTerms) {
    this.family = parts.family;
    this.#terms = terms;
    this.#parts = parts;
    this.#table = parts.rib.table(parts.family);
    const { bgpIdentifier } = terms.facts;
    this.#isOwn = (octets, start) => originIdAt(octets, start) === bgpIdentifier;
  }

  /**
   * Goes on by other terms. Limits hold at once.
   * @param judgeAgain what was judged is forgotten: policy or facts are others, and the routes will come again
   */
  change(terms: IntakeTerms, { judgeAgain }: { readonly judgeAgain: boolean }): TakeResult {
    this.#terms = terms;
    if (judgeAgain) this.#judged = new RecentSets();
    return terms.maximumRoutes === undefined ? undefined : this.#count(terms.maximumRoutes);
  }

  withdraw(keys: NlriBatch): void {
    if (!this.disabled) this.#drop(keys);
  }

  #drop(keys: NlriBatch): void {
    this.#table.withdraw(this.#parts.peerIndex, keys);
    this.#parts.observer?.withdrawn(this.family, keys);
  }

  /** @param received `undefined`: the routes are treated as withdrawn */
  take(announced: NlriBatch, received: ReceivedSet | undefined): TakeResult {
    if (this.disabled) return undefined;
    const { counters } = this.#parts;
    const judged = received === undefined ? undefined : this.#judge(received);
    if (judged === undefined) {
      this.#drop(announced);
      return undefined;
    }
    if (judged.ok === false) return this.#carryOut(judged, announced);
    if (this.family === "capability") {
      announced.split(this.#refused, this.#isOwn);
      if (this.#refused.count > 0) {
        counters.refused("own-origin").add(this.#refused.count);
        this.#drop(this.#refused);
      }
    }
    if (judged.ok !== "by-key") return this.#carryOut(judged, announced);
    let result: TakeResult;
    while (announced.count > 0 && result === undefined) {
      const first = judged.of(announced.octets, announced.starts[0]!);
      announced.split(this.#alike, (octets, start) => judged.of(octets, start) === first);
      result = this.#carryOut(first, this.#alike);
    }
    return result;
  }

  #carryOut(judged: Judged, announced: NlriBatch): TakeResult {
    if (announced.count === 0) return undefined;
    judged.hits?.add(announced.count);
    if (judged.ok) return this.#announce(judged, announced);
    // What is refused replaces what was announced before, so it is withdrawn (RFC 4271 §3.2).
    this.#parts.counters.refused(judged.reason).add(announced.count);
    this.#drop(announced);
    return undefined;
  }

  #announce(judged: Extract<Judged, { ok: true }>, announced: NlriBatch): TakeResult {
    const { rib, peerIndex, log, peer, observer } = this.#parts;
    const { maximumRoutes } = this.#terms;
    const { set, identity } = judged;
    try {
      const id = rib.attributes.intern(identity, 0, identity.length, () => set, this.family);
      this.#table.announce(peerIndex, announced, id);
      observer?.announced(this.family, announced, id);
    } catch (cause) {
      if (!(cause instanceof RibError)) throw cause;
      log.error("bgp.routes.no-room", { peer: peer.address, family: this.family, code: cause.code });
      return { kind: "stop", notification: notification(ErrorCode.Cease, CeaseSubcode.OutOfResources) };
    }
    return maximumRoutes === undefined ? undefined : this.#count(maximumRoutes);
  }

  /** @see RFC 4486 §4 */
  #count(maximumRoutes: number): TakeResult {
    const { peerIndex, log, peer } = this.#parts;
    const { warnAtPercent, restartAfter } = this.#terms;
    const routes = this.#table.pathsOf(peerIndex);
    if (routes > maximumRoutes) {
      log.warn("bgp.routes.maximum", { peer: peer.address, family: this.family, maximumRoutes, restartAfter });
      const hold = restartAfter === undefined ? {} : { idleHold: restartAfter };
      return { kind: "stop", notification: this.#maximumReached(maximumRoutes), ...hold };
    }
    const isNear = routes * 100 >= maximumRoutes * warnAtPercent;
    if (isNear && !this.#warned) {
      log.warn("bgp.routes.near-maximum", { peer: peer.address, family: this.family, routes, maximumRoutes });
    }
    this.#warned = isNear;
    return undefined;
  }

  /** AFI, SAFI and the bound as data. @see RFC 4486 §4 */
  #maximumReached(maximumRoutes: number): NotificationMessage {
    const { afi, safi } = wireFamily(this.family, this.#parts.codec.dialect);
    const data = new Uint8Array(7);
    const view = new DataView(data.buffer);
    view.setUint16(0, afi);
    data[2] = safi;
    view.setUint32(3, maximumRoutes);
    return notification(ErrorCode.Cease, CeaseSubcode.MaximumNumberOfPrefixesReached, data);
  }

  #judge(received: ReceivedSet): Judged | JudgedByKey {
    const known = this.#judged.get(received.set);
    if (known !== undefined) return known;
    const { peer } = this.#parts;
    const { facts, policy } = this.#terms;
    const refusal = importRefusal(received.set, facts);
    if (refusal?.endsWith("-loop")) this.#parts.looped(received.set);
    let judged: Judged | JudgedByKey;
    if (refusal !== undefined) judged = { ok: false, reason: refusal };
    else {
      const judgement = policy(received.set, peer);
      if (judgement.verdict === "by-key") {
        const verdicts = new Map<Verdict, Judged>();
        const of = (octets: Uint8Array, start: number): Judged => {
          const verdict = judgement.of(octets, start);
          const answer = verdicts.get(verdict) ?? this.#judgedAs(verdict, received);
          verdicts.set(verdict, answer);
          return answer;
        };
        judged = { ok: "by-key", of };
      } else judged = this.#judgedAs(judgement, received);
    }
    this.#judged.put(received.set, judged);
    return judged;
  }

  #judgedAs(verdict: Verdict, received: ReceivedSet): Judged {
    const hits = verdict.hits === undefined ? {} : { hits: verdict.hits };
    switch (verdict.verdict) {
      case "reject":
        return { ok: false, reason: verdict.reason, ...hits };
      case "replace":
        return { ...this.#used(verdict.attributes, undefined), ...hits };
      case "accept":
        return { ...this.#used(received.set, received.identity), ...hits };
    }
  }

  /** A set that grew beyond what a message can carry, by AS numbers of four octets or by policy, is of no use to anybody. */
  #used(accepted: AttributeSet, known: Uint8Array | undefined): Judged {
    const { kind, role, remoteAs } = this.#terms.facts;
    const heeded = heedGracefulShutdown(accepted, kind);
    const set = role === undefined ? heeded : markReceived(heeded, role, remoteAs);
    const identity = set === accepted && known !== undefined ? known : this.#parts.codec.identity(set, this.family);
    const tooLarge = identity.length > MAX_EXTENDED_MESSAGE_LENGTH;
    return tooLarge ? { ok: false, reason: "too-large" } : { ok: true, set, identity };
  }
}
