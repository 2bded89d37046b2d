import type { Log } from "../../base/index.ts";
import { type AttributeSet, type PeerIndex, type Rib, RibError } from "../../rib/index.ts";
import {
  type Hits,
  type ImportFacts,
  importRefusal,
  type PolicyPeer,
  type RoutePolicy,
  type Verdict,
} from "../policy/index.ts";
import type { Agreement } from "../session/index.ts";
import {
  type AttributeCodec,
  CeaseSubcode,
  ErrorCode,
  type Family,
  NlriBatch,
  type NotificationMessage,
  notification,
  originIdAt,
  sameFamily,
  UpdateDecoder,
  type UpdateOutcome,
} from "../wire/index.ts";
import type { PeerCounters } from "./metrics.ts";

/** What the speaker takes out of the RIB's interface. */
export type SpeakerRib = Pick<Rib, "attributes" | "capability" | "openPeer" | "closePeer" | "peer">;

export interface IntakeParts {
  readonly rib: SpeakerRib;
  readonly peerIndex: PeerIndex;
  readonly codec: AttributeCodec;
  readonly agreed: Agreement;
  readonly facts: ImportFacts;
  readonly policy: RoutePolicy;
  readonly peer: PolicyPeer;
  readonly maximumRoutes: number | undefined;
  readonly counters: PeerCounters;
  readonly log: Log;
}

export type IntakeResult =
  | { readonly kind: "taken" }
  | { readonly kind: "end-of-rib"; readonly family: Family }
  /** All routes of the family have to go. */
  | { readonly kind: "disable-family" }
  /** UpdateMsgErr. */
  | { readonly kind: "reset"; readonly fault: NotificationMessage }
  /** AutomaticStop. */
  | { readonly kind: "stop"; readonly notification: NotificationMessage };

type Judged = (
  | { readonly ok: true; readonly set: AttributeSet; readonly identity: Uint8Array }
  | { readonly ok: false; readonly reason: string }
) & { readonly hits?: Hits };

/** Policy asks for the keys as well. */
interface JudgedByKey {
  readonly ok: "by-key";
  of(octets: Uint8Array, start: number): Judged;
}

interface ReceivedSet {
  readonly set: AttributeSet;
  readonly identity: Uint8Array;
}

const TAKEN = { kind: "taken" } as const;

/** Brings the UPDATEs of one session into the RIB: decode, check, judge once per attribute set, announce or withdraw. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #decoder: UpdateDecoder;
  readonly #refused = new NlriBatch();
  readonly #alike = new NlriBatch();
  readonly #judged = new WeakMap<AttributeSet, Judged | JudgedByKey>();
  readonly #isOwn: (octets: Uint8Array, start: number) => boolean;
  #disabled = false;

  constructor(parts: IntakeParts) {
    const { agreed, codec, facts } = parts;
    this.#parts = parts;
    const context = { asWidth: agreed.asWidth, internal: agreed.kind === "internal" };
    const ours = agreed.families.some((family) => sameFamily(family, codec.dialect.family));
    this.#decoder = new UpdateDecoder(codec, context, ours);
    this.#isOwn = (octets, start) => originIdAt(octets, start) === facts.bgpIdentifier;
  }

  /** The family was given up on this session. */
  get disabled(): boolean {
    return this.#disabled;
  }

  /** One UPDATE; its octets are borrowed until the call returns. */
  update(octets: Uint8Array, start: number, end: number): IntakeResult {
    const { counters, log, peer } = this.#parts;
    const before = this.#decoder.notAgreed;
    const outcome = this.#decoder.decode(octets, start, end);
    if (this.#decoder.notAgreed > before) counters.notAgreed.add(this.#decoder.notAgreed - before);
    this.#count(outcome);
    switch (outcome.kind) {
      case "end-of-rib":
        return outcome;
      case "reset":
        counters.malformed("session-reset").add();
        log.warn("bgp.update.reset", { peer: peer.address, reason: outcome.reason });
        return outcome;
      case "disable-family":
        if (!this.#disabled) log.warn("bgp.family.disabled", { peer: peer.address, faults: outcome.faults });
        this.#disabled = true;
        return { kind: "disable-family" };
      case "routes":
        return this.#disabled ? TAKEN : this.#routes(outcome);
    }
  }

  #count(outcome: UpdateOutcome): void {
    const { counters, log, peer } = this.#parts;
    if (outcome.kind !== "routes" && outcome.kind !== "disable-family") return;
    for (const { action, name, reason } of outcome.faults) {
      counters.malformed(action).add();
      log.debug("bgp.update.malformed", { peer: peer.address, attribute: name, action, reason });
    }
    for (const batch of [this.#decoder.announced, this.#decoder.withdrawn]) {
      if (batch.unsupported > 0) counters.skippedRoutes("unsupported").add(batch.unsupported);
      if (batch.unknown > 0) counters.skippedRoutes("unknown").add(batch.unknown);
      if (batch.malformed > 0) counters.skippedRoutes("malformed").add(batch.malformed);
    }
  }

  #routes(outcome: Extract<UpdateOutcome, { kind: "routes" }>): IntakeResult {
    const { rib, peerIndex, counters } = this.#parts;
    const table = rib.capability;
    const { announced, withdrawn } = this.#decoder;
    if (withdrawn.count > 0) table.withdraw(peerIndex, withdrawn);
    if (announced.count === 0) return TAKEN;
    const judged = outcome.attributes === undefined ? undefined : this.#judge(outcome.attributes);
    if (judged === undefined) {
      table.withdraw(peerIndex, announced);
      return TAKEN;
    }
    if (judged.ok === false) return this.#carryOut(judged, announced);
    announced.split(this.#refused, this.#isOwn);
    if (this.#refused.count > 0) {
      counters.refused("own-origin").add(this.#refused.count);
      table.withdraw(peerIndex, this.#refused);
    }
    if (judged.ok !== "by-key") return this.#carryOut(judged, announced);
    let result: IntakeResult = TAKEN;
    while (announced.count > 0 && result.kind === "taken") {
      const first = judged.of(announced.octets, announced.starts[0]!);
      announced.split(this.#alike, (octets, start) => judged.of(octets, start) === first);
      result = this.#carryOut(first, this.#alike);
    }
    return result;
  }

  #carryOut(judged: Judged, announced: NlriBatch): IntakeResult {
    if (announced.count === 0) return TAKEN;
    judged.hits?.add(announced.count);
    if (judged.ok) return this.#announce(judged, announced);
    // What is refused replaces what was announced before, so it is withdrawn (RFC 4271 §3.2).
    this.#parts.counters.refused(judged.reason).add(announced.count);
    this.#parts.rib.capability.withdraw(this.#parts.peerIndex, announced);
    return TAKEN;
  }

  #announce(judged: Extract<Judged, { ok: true }>, announced: NlriBatch): IntakeResult {
    const { rib, peerIndex, maximumRoutes, log, peer } = this.#parts;
    const { set, identity } = judged;
    try {
      const id = rib.attributes.intern(identity, 0, identity.length, () => set);
      rib.capability.announce(peerIndex, announced, id);
    } catch (cause) {
      if (!(cause instanceof RibError)) throw cause;
      log.error("bgp.routes.no-room", { peer: peer.address, code: cause.code });
      return { kind: "stop", notification: notification(ErrorCode.Cease, CeaseSubcode.OutOfResources) };
    }
    if (maximumRoutes !== undefined && rib.capability.pathsOf(peerIndex) > maximumRoutes) {
      log.warn("bgp.routes.maximum", { peer: peer.address, maximumRoutes });
      return { kind: "stop", notification: this.#maximumReached(maximumRoutes) };
    }
    return TAKEN;
  }

  /** AFI, SAFI and the bound as data. @see RFC 4486 §4 */
  #maximumReached(maximumRoutes: number): NotificationMessage {
    const { afi, safi } = this.#parts.codec.dialect.family;
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
    const { facts, policy, peer } = this.#parts;
    const refusal = importRefusal(received.set, facts);
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
    this.#judged.set(received.set, judged);
    return judged;
  }

  #judgedAs(verdict: Verdict, received: ReceivedSet): Judged {
    const hits = verdict.hits === undefined ? {} : { hits: verdict.hits };
    switch (verdict.verdict) {
      case "reject":
        return { ok: false, reason: verdict.reason, ...hits };
      case "replace":
        return { ok: true, set: verdict.attributes, identity: this.#parts.codec.identity(verdict.attributes), ...hits };
      case "accept":
        return { ok: true, set: received.set, identity: received.identity, ...hits };
    }
  }
}
