import type { Log } from "../../base/index.ts";
import {
  type AttributeId,
  type AttributeSet,
  type PeerIndex,
  RibError,
  type RouteFamily,
  type RouteTable,
} from "../../rib/index.ts";
import { instanceRefusal, type SiteFacts } from "../policy/index.ts";
import {
  CeaseSubcode,
  ErrorCode,
  MAX_EXTENDED_MESSAGE_LENGTH,
  NlriBatch,
  notification,
  originIdAt,
  type ReceivedSet,
  RouteType,
} from "../wire/index.ts";
import {
  IntakeJudge,
  type IntakeJudgeParts,
  type Judged,
  type JudgedByKey,
  type JudgingTerms,
} from "./intake-judge.ts";
import type { Membership } from "./membership.ts";
import type { PeerCounters } from "./metrics.ts";
import type { PeerObserver } from "./observer.ts";
import type { SpeakerRib } from "./peer-parts.ts";
import { ReceivedRoutes } from "./received-routes.ts";
import { type MaximumTerms, RouteMaximum, type SessionStop } from "./route-maximum.ts";

/** What may be changed while the session lasts. */
export interface IntakeTerms extends JudgingTerms, MaximumTerms {
  /** Routes are kept as they came as well. */
  readonly keepsReceived: boolean;
}

/** What becomes of a route that a neighbour says. */
export type Outcome =
  | { readonly outcome: "accepted" }
  /** It is used as another one. */
  | { readonly outcome: "changed"; readonly set: AttributeSet }
  | { readonly outcome: "refused"; readonly reason: string };

export interface FamilyIntakeParts extends IntakeJudgeParts {
  readonly rib: SpeakerRib;
  readonly peerIndex: PeerIndex;
  readonly counters: PeerCounters;
  readonly log: Log;
  /** Absent: nobody watches. */
  readonly observer: PeerObserver | undefined;
  /** Where this router is, and whether it passes on routes between others. */
  readonly site: Omit<SiteFacts, "kind">;
  /** Who keeps what the neighbour wants, for the family that says so. */
  readonly membership: Membership | undefined;
}

/** `undefined`: the routes were taken, or refused one by one. */
export type TakeResult = SessionStop | undefined;

const isInstance = (octets: Uint8Array, start: number): boolean => octets[start] === RouteType.CapabilityInstance;

/** Routes of one family of one session: judged, and brought into the family's table. */
export class FamilyIntake {
  readonly family: RouteFamily;
  /** The family was given up on this session: nothing is taken any more. @see RFC 4760 §7 */
  disabled = false;
  readonly #parts: FamilyIntakeParts;
  readonly #table: RouteTable;
  readonly #refused = new NlriBatch();
  readonly #alike = new NlriBatch();
  readonly #maximum: RouteMaximum;
  /** The log has said that paths were left out. */
  #leftOut = false;
  #terms: IntakeTerms;
  #received: ReceivedRoutes | undefined;
  readonly #judge: IntakeJudge;
  /** What the routes that came last were judged as. */
  #latest: Judged | JudgedByKey | undefined;
  readonly #isOwn: (octets: Uint8Array, start: number) => boolean;

  constructor(parts: FamilyIntakeParts, terms: IntakeTerms) {
    this.family = parts.family;
    this.#terms = terms;
    this.#parts = parts;
    this.#table = parts.rib.table(parts.family);
    this.#judge = new IntakeJudge(parts, terms);
    this.#maximum = new RouteMaximum(parts);
    this.#keep(terms, { isWhole: true });
    const { bgpIdentifier } = terms.facts;
    this.#isOwn = (octets, start) => originIdAt(octets, start) === bgpIdentifier;
  }

  /**
   * Goes on by other terms. Limits hold at once.
   * @param judgeAgain what was judged is forgotten: policy or facts are others, and the routes will come again
   */
  change(terms: IntakeTerms, { judgeAgain }: { readonly judgeAgain: boolean }): TakeResult {
    if (terms.keepsReceived !== this.#terms.keepsReceived) this.#keep(terms, { isWhole: false });
    this.#terms = terms;
    this.#judge.terms = terms;
    if (judgeAgain) {
      this.#judge.forget();
      this.#latest = undefined;
    }
    return this.#count();
  }

  #keep({ keepsReceived }: IntakeTerms, { isWhole }: { readonly isWhole: boolean }): void {
    const { family } = this;
    const isKept = keepsReceived && family !== "route-target";
    this.#received = isKept ? new ReceivedRoutes({ ...this.#parts, family, isWhole }) : undefined;
  }

  /** What the neighbour said, before import policy; `undefined`: it is not kept. */
  get received(): ReceivedRoutes | undefined {
    return this.#received;
  }

  /**
   * Judges what is kept once more, by the terms of now.
   * @param from 1 at first
   * @returns where to go on on a later turn, 0 for the end; or why the session has to end
   */
  judgeReceived(from: number): number | SessionStop {
    let result: TakeResult;
    const next = this.#received?.replay(from, (keys, id, set) => {
      result = this.#put(keys, id, this.#judge.known(id) ?? this.#judge.judge(id, set));
      return result === undefined;
    });
    return result ?? next ?? 0;
  }

  /** What becomes of a route with this set, as it is judged now. Nothing is done or counted with it. */
  look(id: AttributeId, key: Uint8Array): Outcome {
    const refused = (reason: string): Outcome => ({ outcome: "refused", reason });
    if (this.family === "capability" && this.#isOwn(key, 0)) return refused("own-origin");
    if (this.family === "capability" && isInstance(key, 0)) {
      const reason = this.#instanceRefusal(id);
      if (reason !== undefined) return refused(reason);
    }
    const judged = this.#judge.look(id, key);
    if (!judged.ok) return refused(judged.reason);
    return judged.becomes === undefined ? { outcome: "accepted" } : { outcome: "changed", set: judged.becomes.set };
  }

  withdraw(keys: NlriBatch): void {
    this.#received?.withdrawn(keys);
    if (this.disabled) return;
    const before = this.#table.absent;
    this.#drop(keys);
    const absent = this.#table.absent - before;
    if (absent > 0) this.#parts.observer?.repeated?.(absent, "withdrawn");
  }

  #drop(keys: NlriBatch): void {
    this.#table.withdraw(this.#parts.peerIndex, keys);
    this.#parts.membership?.withdrawn(keys);
    this.#parts.observer?.withdrawn(this.family, keys);
  }

  /**
   * @param received `undefined`: the routes are treated as withdrawn
   * @param piece a further one of a message has the answer of the piece before, whose set may have been forgotten since
   */
  take(announced: NlriBatch, received: ReceivedSet | undefined, piece: "first" | "further" = "first"): TakeResult {
    if (this.disabled) return undefined;
    if (received === undefined) {
      this.#received?.withdrawn(announced);
      this.#drop(announced);
      return undefined;
    }
    const { rib, log, peer } = this.#parts;
    const { octets, length, source } = received;
    // Grown by AS numbers of four octets beyond what a message can carry: of no use to anybody.
    if (length > MAX_EXTENDED_MESSAGE_LENGTH) return this.#carryOut(this.#judge.refusal("too-large"), announced, 0);
    try {
      const id = rib.attributes.intern(octets, 0, length, source, this.family);
      this.#received?.announced(announced, id);
      const known = piece === "further" ? this.#latest : this.#judge.known(id);
      this.#latest = known ?? this.#judge.judge(id, received);
      return this.#put(announced, id, this.#latest);
    } catch (cause) {
      if (!(cause instanceof RibError)) throw cause;
      log.error("bgp.routes.no-room", { peer: peer.address, family: this.family, code: cause.code });
      return { kind: "stop", notification: notification(ErrorCode.Cease, CeaseSubcode.OutOfResources) };
    }
  }

  #put(announced: NlriBatch, id: AttributeId, judged: Judged | JudgedByKey): TakeResult {
    if (judged.ok === false) return this.#carryOut(judged, announced, id);
    if (this.family === "capability") {
      if (announced.hasOrigin(this.#terms.facts.bgpIdentifier)) this.#refuseOwn(announced);
      if (announced.instances > 0) this.#refuseInstances(announced, id);
    }
    if (judged.ok !== "by-key") return this.#carryOut(judged, announced, id);
    let result: TakeResult;
    while (announced.count > 0 && result === undefined) {
      const first = judged.of(announced.octets, announced.starts[0]!);
      announced.split(this.#alike, (octets, start) => judged.of(octets, start) === first);
      result = this.#carryOut(first, this.#alike, id);
    }
    return result;
  }

  #refuseOwn(announced: NlriBatch): void {
    announced.split(this.#refused, this.#isOwn);
    this.#parts.counters.refused("own-origin").add(this.#refused.count);
    this.#drop(this.#refused);
  }

  /** @see DESIGN section 4.1: an instance stays inside its site */
  #refuseInstances(announced: NlriBatch, id: AttributeId): void {
    const reason = this.#instanceRefusal(id);
    if (reason === undefined) return;
    announced.split(this.#refused, isInstance);
    if (this.#refused.count === 0) return;
    this.#parts.counters.refused(reason).add(this.#refused.count);
    this.#drop(this.#refused);
  }

  #instanceRefusal(id: AttributeId): string | undefined {
    const { rib, site } = this.#parts;
    return instanceRefusal(rib.attributes.get(id), { kind: this.#terms.facts.kind, ...site });
  }

  #carryOut(judged: Judged, announced: NlriBatch, id: AttributeId): TakeResult {
    if (announced.count === 0) return undefined;
    judged.hits?.add(announced.count);
    if (judged.ok) return this.#announce(announced, judged.becomes === undefined ? id : this.#other(judged.becomes));
    // What is refused replaces what was announced before, so it is withdrawn (RFC 4271 §3.2).
    this.#parts.counters.refused(judged.reason).add(announced.count);
    this.#drop(announced);
    this.#parts.observer?.refused?.(this.family, announced, judged.reason);
    return undefined;
  }

  #other({ set, identity }: { readonly set: AttributeSet; readonly identity: Uint8Array }): AttributeId {
    const { rib, codec } = this.#parts;
    return rib.attributes.intern(identity, 0, identity.length, codec.sourceOf(set), this.family);
  }

  #announce(announced: NlriBatch, id: AttributeId): TakeResult {
    const { peerIndex, observer } = this.#parts;
    const before = this.#table.repeated;
    const leftOut = this.#table.announce(peerIndex, announced, id);
    const repeated = this.#table.repeated - before;
    if (leftOut > 0) this.#tooManyPaths(leftOut);
    this.#parts.membership?.announced(announced);
    observer?.announced(this.family, announced, id);
    if (repeated > 0) observer?.repeated?.(repeated, "announced");
    return this.#count();
  }

  /** More paths of a net than a neighbour may have: a bound of memory, so the first ones stay. */
  #tooManyPaths(paths: number): void {
    const { counters, log, peer } = this.#parts;
    counters.refused("too-many-paths").add(paths);
    if (!this.#leftOut) log.warn("bgp.routes.too-many-paths", { peer: peer.address, family: this.family });
    this.#leftOut = true;
  }

  #count(): TakeResult {
    const { maximumRoutes } = this.#terms;
    if (maximumRoutes === undefined) return undefined;
    return this.#maximum.look(this.#table.pathsOf(this.#parts.peerIndex), maximumRoutes, this.#terms);
  }
}
