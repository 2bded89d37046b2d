import type { Log, Seconds } from "../../base/index.ts";
import {
  type AttributeId,
  type AttributeSet,
  type PeerIndex,
  RibError,
  type RouteFamily,
  type RouteTable,
  SetMark,
} from "../../rib/index.ts";
import {
  type Hits,
  heedGracefulShutdown,
  type ImportFacts,
  importRefusal,
  instanceRefusal,
  markReceived,
  PassedNextHop,
  type PolicyPeer,
  type RoutePolicy,
  type SiteFacts,
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
  type ReceivedSet,
  RouteType,
  wireFamily,
} from "../wire/index.ts";
import { JudgedSets } from "./judged-sets.ts";
import type { Membership } from "./membership.ts";
import type { PeerCounters } from "./metrics.ts";
import type { PeerObserver } from "./observer.ts";
import type { SpeakerRib } from "./peer-parts.ts";
import { ReceivedRoutes } from "./received-routes.ts";

/** What may be changed while the session lasts. */
export interface IntakeTerms {
  readonly facts: ImportFacts;
  readonly policy: RoutePolicy;
  readonly maximumRoutes: number | undefined;
  readonly warnAtPercent: number;
  readonly restartAfter?: Seconds;
  /** Routes are kept as they came as well. */
  readonly keepsReceived: boolean;
}

/** What becomes of a route that a neighbour says. */
export type Outcome =
  | { readonly outcome: "accepted" }
  /** It is used as another one. */
  | { readonly outcome: "changed"; readonly set: AttributeSet }
  | { readonly outcome: "refused"; readonly reason: string };

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
  /** Where this router is, and whether it passes on routes between others. */
  readonly site: Omit<SiteFacts, "kind">;
  /** Who keeps what the neighbour wants, for the family that says so. */
  readonly membership: Membership | undefined;
}

/** `undefined`: the routes were taken, or refused one by one. Otherwise why the session has to end (AutomaticStop). */
export type TakeResult =
  | { readonly kind: "stop"; readonly notification: NotificationMessage; readonly idleHold?: Seconds }
  | undefined;

/** Routes are used with the set as it came, with another one, or not at all. */
type Judged = (
  | { readonly ok: true; readonly becomes: { readonly set: AttributeSet; readonly identity: Uint8Array } | undefined }
  | { readonly ok: false; readonly reason: string }
) & { readonly hits?: Hits };

/** Policy asks for the keys as well. */
interface JudgedByKey {
  readonly ok: "by-key";
  of(octets: Uint8Array, start: number): Judged;
}

/** Answers with hits that are remembered. */
const MOST_ANSWERS = 4096;
const TAKEN: Judged = { ok: true, becomes: undefined };
const isInstance = (octets: Uint8Array, start: number): boolean => octets[start] === RouteType.CapabilityInstance;

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
  /** The log has said that paths were left out. */
  #leftOut = false;
  #terms: IntakeTerms;
  #received: ReceivedRoutes | undefined;
  readonly #judged: JudgedSets<Judged | JudgedByKey>;
  /** What the routes that came last were judged as. */
  #latest: Judged | JudgedByKey | undefined;
  /** Answers that many sets have, so that each is one object. */
  readonly #taken = new Map<Hits, Judged>();
  #latestTaken: Judged = TAKEN;
  #passed = new PassedNextHop();
  readonly #refusals = new Map<Hits | undefined, Map<string, Judged>>();
  readonly #isOwn: (octets: Uint8Array, start: number) => boolean;

  constructor(parts: FamilyIntakeParts, terms: IntakeTerms) {
    this.family = parts.family;
    this.#terms = terms;
    this.#parts = parts;
    this.#table = parts.rib.table(parts.family);
    this.#judged = new JudgedSets(parts.rib.attributes, "lately");
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
    if (terms.facts !== this.#terms.facts) this.#passed = new PassedNextHop();
    this.#terms = terms;
    if (judgeAgain) {
      this.#judged.clear();
      this.#latest = undefined;
    }
    return terms.maximumRoutes === undefined ? undefined : this.#count(terms.maximumRoutes);
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
  judgeReceived(from: number): number | Exclude<TakeResult, undefined> {
    let result: TakeResult;
    const next = this.#received?.replay(from, (keys, id, set) => {
      result = this.#put(keys, id, this.#judged.get(id) ?? this.#judge(id, set));
      return result === undefined;
    });
    return result ?? next ?? 0;
  }

  /** What becomes of a route with this set, as it is judged now. Nothing is done or counted with it. */
  look(id: AttributeId, key: Uint8Array): Outcome {
    const { rib, peer, site } = this.#parts;
    const { facts, policy } = this.#terms;
    const set = rib.attributes.get(id);
    const refused = (reason: string): Outcome => ({ outcome: "refused", reason });
    if (this.family === "capability" && this.#isOwn(key, 0)) return refused("own-origin");
    if (this.family === "capability" && isInstance(key, 0)) {
      const reason = instanceRefusal(set, { kind: facts.kind, ...site });
      if (reason !== undefined) return refused(reason);
    }
    const refusal = importRefusal(set, facts);
    if (refusal !== undefined) return refused(refusal);
    const judgement = policy(set, peer);
    const verdict = judgement.verdict === "by-key" ? judgement.of(key, 0) : judgement;
    const judged = this.#judgedAs(verdict, { set }, rib.attributes.marksOf(id));
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
    if (length > MAX_EXTENDED_MESSAGE_LENGTH)
      return this.#carryOut(this.#refusal("too-large", undefined), announced, 0);
    try {
      const id = rib.attributes.intern(octets, 0, length, source, this.family);
      this.#received?.announced(announced, id);
      const known = piece === "further" ? this.#latest : this.#judged.get(id);
      this.#latest = known ?? this.#judge(id, received);
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
    const reason = instanceRefusal(this.#parts.rib.attributes.get(id), {
      kind: this.#terms.facts.kind,
      ...this.#parts.site,
    });
    if (reason === undefined) return;
    announced.split(this.#refused, isInstance);
    if (this.#refused.count === 0) return;
    this.#parts.counters.refused(reason).add(this.#refused.count);
    this.#drop(this.#refused);
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
    const { maximumRoutes } = this.#terms;
    return maximumRoutes === undefined ? undefined : this.#count(maximumRoutes);
  }

  /** More paths of a net than a neighbour may have: a bound of memory, so the first ones stay. */
  #tooManyPaths(paths: number): void {
    const { counters, log, peer } = this.#parts;
    counters.refused("too-many-paths").add(paths);
    if (!this.#leftOut) log.warn("bgp.routes.too-many-paths", { peer: peer.address, family: this.family });
    this.#leftOut = true;
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
    // Said again only after a tenth of them went meanwhile: who comes and goes around the mark fills no log.
    if (isNear) this.#warned = true;
    else if (routes * 1000 < maximumRoutes * warnAtPercent * 9) this.#warned = false;
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

  #judge(id: AttributeId, received: ReceivedSet): Judged | JudgedByKey {
    const { peer } = this.#parts;
    const { facts, policy } = this.#terms;
    const { source } = received;
    const refusal = importRefusal(source.set, facts, source.digest, this.#passed);
    if (refusal?.endsWith("-loop")) this.#parts.looped(received.set);
    if (refusal !== undefined) return this.#remember(id, this.#refusal(refusal, undefined));
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
        return this.#refusal(verdict.reason, hits);
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
    const identity = this.#parts.codec.identity(set, this.family);
    // The same when policy has made too much of it.
    if (identity.length > MAX_EXTENDED_MESSAGE_LENGTH) return this.#refusal("too-large", hits);
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

  #refusal(reason: string, hits: Hits | undefined): Judged {
    if (this.#refusals.size >= MOST_ANSWERS) this.#refusals.clear();
    const ofHits = this.#refusals.get(hits) ?? new Map<string, Judged>();
    this.#refusals.set(hits, ofHits);
    const known = ofHits.get(reason) ?? { ok: false, reason, ...(hits === undefined ? {} : { hits }) };
    ofHits.set(reason, known);
    return known;
  }
}
