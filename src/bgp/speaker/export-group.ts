import { type Ipv6Address, octetsEqual } from "../../base/index.ts";
import {
  type AttributeId,
  type AttributeSet,
  type AttributeTable,
  type KeyTypes,
  type RouteFamily,
  SetMark,
} from "../../rib/index.ts";
import {
  type Adjacency,
  announceGracefulShutdown,
  type BorderGuard,
  clusterFrom,
  DEFAULT_LOCAL_PREF,
  type ExportFacts,
  exportRefusal,
  exportSet,
  type Hits,
  type Judgement,
  keepsNextHop,
  offeredSet,
  type PolicyPeer,
  type RoutePolicy,
  type Verdict,
} from "../policy/index.ts";
import type { Agreement } from "../session/index.ts";
import {
  type AttributeCodec,
  type AttributeContext,
  type EncodedSet,
  isMappedIpv4,
  LONGEST_KEY,
  type SetPatch,
  SetPatcher,
  SetView,
  UpdateEncoder,
} from "../wire/index.ts";
import { JudgedSets } from "./judged-sets.ts";
import { RecentSets } from "./recent-sets.ts";
import { largestAttributes, shorten } from "./too-large.ts";

/** An attribute set as the peers of a group get it, or why they do not. `set` may be another one after the next question. */
export type Exported = (
  | {
      readonly ok: true;
      readonly set: EncodedSet;
      /** Attributes that it goes without, as a message does not hold them, for people. @see RFC 8654 §4 */
      readonly without?: string;
    }
  | {
      readonly ok: false;
      readonly reason: string;
      /** Of a set that is too large: what takes the room, for people. */
      readonly attributes?: string;
    }
) & { readonly hits?: Hits };

/** Policy asks for the key of the route as well. */
export interface KeyedExport {
  readonly ok: "by-key";
  of(key: Uint8Array, start: number): Exported;
}

/** What is known of a set whatever it is sent as: it goes out as it is but for what every set changes, or not at all. */
type Common = { readonly ok: true; readonly hits?: Hits } | Extract<Exported, { ok: false }>;

/** What only one set and source has. */
interface Special {
  readonly serial: number;
  readonly exported: Exported | KeyedExport;
}

const PLAIN: Common = { ok: true };
/** Common answers with hits, and refusals, that are remembered. */
const MOST_COMMON = 4096;
/** BGP identifiers and numbers of sets make one number together. */
const SETS = 2 ** 21;
/** No BGP identifier. */
const NOT_REFLECTED = -1;

/** What a group is made for, besides what the session agreed on. */
export interface GroupFacts {
  readonly family: RouteFamily;
  /** This router, as next hop of this family on this session. */
  readonly ownNextHop: Ipv6Address;
  /** The same on the link that it shares with the neighbour, told behind it. @see RFC 2545 §3 */
  readonly ownLinkLocal: Ipv6Address | undefined;
  /** Octets that stand in front of each route. */
  readonly overhead: number;
  /** The link that the neighbour is on, where it is told of others on it as next hops. */
  readonly link: Adjacency | undefined;
}

/** What all groups of a speaker obey at the moment. */
export interface ExportMode {
  /** This router is about to go. @see RFC 8326 */
  readonly gracefulShutdown: boolean;
}

/** Peers that are told the same: a set is judged once for all of them. */
export class ExportGroup {
  readonly #codec: AttributeCodec;
  readonly #attributes: AttributeTable;
  readonly #context: AttributeContext;
  readonly #facts: ExportFacts;
  readonly #policy: RoutePolicy;
  readonly #peer: PolicyPeer;
  readonly #agreed: Pick<Agreement, "extendedNextHop">;
  readonly #updateLimit: number;
  readonly #mode: () => ExportMode;
  /** What keys have to pass that are let out; `undefined`: nothing. */
  readonly #guard: BorderGuard | undefined;
  /** Keys that have to be asked about (`stays`), whatever holds for their set. */
  readonly guarded: KeyTypes;
  readonly #stays: Readonly<Record<NonNullable<ReturnType<BorderGuard["reason"]>>, Exported>> = {
    instance: { ok: false, reason: "instance" },
    suppressed: { ok: false, reason: "suppressed" },
  };
  /** In which mode the sets were judged that are known. */
  #knownIn: ExportMode | undefined;
  readonly #known: JudgedSets<Common>;
  /** By set and source. */
  readonly #special = new RecentSets<Special>();
  readonly #common = new Map<Hits | undefined, Map<string, Common>>();
  #latestAccepted: Common = PLAIN;
  readonly #view: SetView;
  readonly #patcher: SetPatcher;
  readonly #out: EncodedSet = { octets: new Uint8Array(1024), length: 0, nextHop: new Uint8Array(16), version: 0 };
  /** What is in `#out`: the serial of the set, 0 for none, and its source. */
  #outSerial = 0;
  #outFrom = NOT_REFLECTED;
  /** Reused, like `#out`. */
  readonly #plain: Exported = { ok: true, set: this.#out };
  readonly #counted: { readonly ok: true; readonly set: EncodedSet; hits: Hits } = {
    ok: true,
    set: this.#out,
    hits: { add: () => undefined },
  };
  readonly #patch: { -readonly [K in keyof SetPatch]: SetPatch[K] } = {
    external: false,
    prependAs: undefined,
    withoutMultiExitDisc: false,
    nextHop: undefined,
    localPref: DEFAULT_LOCAL_PREF,
    reflection: undefined,
    nextHopAttribute: false,
  };
  readonly #ownIsMapped: boolean;
  /** This router as next hop, as it is said: with its address on the link behind it where that is told. */
  readonly #ownOctets: Uint8Array;

  constructor(
    codec: AttributeCodec,
    attributes: AttributeTable,
    context: AttributeContext,
    facts: ExportFacts,
    policy: RoutePolicy,
    peer: PolicyPeer,
    agreed: Pick<Agreement, "extendedNextHop"> &
      Partial<Pick<GroupFacts, "ownLinkLocal">> & { readonly updateLimit: number },
    mode: () => ExportMode,
    guard?: BorderGuard | undefined,
  ) {
    this.#codec = codec;
    this.#attributes = attributes;
    this.#context = context;
    this.#facts = facts;
    this.#policy = policy;
    this.#peer = peer;
    this.#agreed = agreed;
    this.#updateLimit = agreed.updateLimit;
    this.#mode = mode;
    this.#guard = guard;
    this.guarded = guard?.types ?? 0;
    this.#known = new JudgedSets(attributes, "all");
    this.#view = new SetView(codec);
    this.#patcher = new SetPatcher((code) => codec.knows(code, peer.family));
    this.#ownIsMapped = isMappedIpv4(facts.ownNextHop);
    this.#ownOctets =
      agreed.ownLinkLocal === undefined || this.#ownIsMapped
        ? facts.ownNextHop
        : Uint8Array.of(...facts.ownNextHop, ...agreed.ownLinkLocal);
  }

  /** Why a key stays here with any set. */
  stays(key: Uint8Array, start: number): Exported | undefined {
    const reason = this.#guard?.reason(key, start);
    return reason === undefined ? undefined : this.#stays[reason];
  }

  /** What holds for a set; its keys may stay all the same (`stays`). @param reflectedFrom see `exportSet` */
  of(id: AttributeId, reflectedFrom: number | undefined): Exported | KeyedExport {
    const mode = this.#mode();
    if (this.#knownIn !== mode) {
      this.#known.clear();
      this.#special.clear();
    }
    this.#knownIn = mode;
    let common = this.#known.get(id);
    if (common === undefined) {
      const key = (reflectedFrom ?? 0) * SETS + id;
      const special = this.#special.get(key);
      if (special !== undefined && special.serial === this.#attributes.serial(id)) return special.exported;
      const judged = this.#judge(id);
      if ("verdict" in judged) {
        const exported = this.#exportSpecial(id, judged, reflectedFrom);
        this.#special.put(key, { serial: this.#attributes.serial(id), exported });
        return exported;
      }
      this.#known.putShared(id, judged);
      common = judged;
    }
    return common.ok ? this.#send(id, reflectedFrom, common.hits) : common;
  }

  /** What holds whatever the source, or the verdict that has to be carried out for this set alone. */
  #judge(id: AttributeId): Common | Judgement {
    const marks = this.#attributes.marksOf(id);
    const refusal = exportRefusal(marks, this.#facts);
    if (refusal !== undefined) return this.#refusal(refusal, undefined);
    const judgement = this.#policy.always?.() ?? this.#policy(this.#offered(id, marks), this.#peer);
    if (judgement.verdict === "reject") return this.#refusal(judgement.reason, judgement.hits);
    if (judgement.verdict !== "accept" || this.#isSpecial(marks)) return judgement;
    return judgement.hits === undefined ? PLAIN : this.#acceptance(judgement.hits);
  }

  /** Sets that fare alike come one after the other, as a rule. */
  #acceptance(hits: Hits): Common {
    return this.#latestAccepted.hits === hits ? this.#latestAccepted : this.#otherAcceptance(hits);
  }

  #otherAcceptance(hits: Hits): Common {
    this.#latestAccepted = this.#remembered(hits, "", () => ({ ok: true, hits }));
    return this.#latestAccepted;
  }

  /** Whether more has to be done to a set with these marks than `SetPatcher` can. */
  #isSpecial(marks: number): boolean {
    const { kind, role } = this.#facts;
    if (this.#context.asWidth !== 4 || this.#mode().gracefulShutdown) return true;
    if (kind === "internal") return false;
    if (kind === "confederation") return true;
    const isMarked = role !== undefined && (marks & SetMark.onlyToCustomer) === 0;
    const changing = SetMark.confederation | SetMark.nonTransitive;
    const tlvs = this.#facts.passUnknownTlvs === true ? 0 : SetMark.unknownTlvs;
    return isMarked || (marks & (changing | tlvs)) !== 0;
  }

  #refusal(reason: string, hits: Hits | undefined): Common {
    return this.#remembered(hits, reason, () => ({ ok: false, reason, ...(hits === undefined ? {} : { hits }) }));
  }

  #remembered(hits: Hits | undefined, reason: string, make: () => Common): Common {
    if (this.#common.size >= MOST_COMMON) this.#common.clear();
    const ofHits = this.#common.get(hits) ?? new Map<string, Common>();
    this.#common.set(hits, ofHits);
    const known = ofHits.get(reason) ?? make();
    ofHits.set(reason, known);
    return known;
  }

  /** The set as export policy gets it: see `offeredSet`. */
  #offered(id: AttributeId, marks: number): AttributeSet {
    const { kind, transparent } = this.#facts;
    if (this.#policy.readsInPlace !== true) {
      const set = this.#attributes.get(id);
      return transparent ? set : offeredSet(set, kind);
    }
    const view = this.#view.over(this.#attributes.chunk(id), this.#attributes.start(id), this.#attributes.length(id));
    const hasPath = (marks & SetMark.noPath) === 0;
    view.hidesMultiExitDisc = hasPath && this.#facts.kind === "external" && this.#facts.transparent !== true;
    return view;
  }

  /** A set that goes out as it is, but for what the session changes of every set. */
  #send(id: AttributeId, reflectedFrom: number | undefined, hits: Hits | undefined): Exported {
    if (this.#outFrom !== (reflectedFrom ?? NOT_REFLECTED) || this.#outSerial !== this.#attributes.serial(id)) {
      const refused = this.#writeOut(id, reflectedFrom, hits);
      if (refused !== undefined) return refused;
    }
    if (hits === undefined) return this.#plain;
    this.#counted.hits = hits;
    return this.#counted;
  }

  /** Makes `#out` what is sent of a set; an answer is what is sent instead, or why nothing is. */
  #writeOut(id: AttributeId, reflectedFrom: number | undefined, hits: Hits | undefined): Exported | undefined {
    const { kind, localAs, nextHopSelf, transparent } = this.#facts;
    const attributes = this.#attributes;
    const [chunk, start, length] = [attributes.chunk(id), attributes.start(id), attributes.length(id)];
    const external = kind === "external";
    const view = this.#view.over(chunk, start, length);
    const hasPath = external && (attributes.marksOf(id) & SetMark.noPath) === 0;
    const isOwn = external
      ? !this.#keepsNextHop(view)
      : (nextHopSelf && reflectedFrom === undefined) || view.hasLinkLocalNextHop;
    const isMapped = isOwn ? this.#ownIsMapped : view.hasMappedNextHop;
    const nextHopAttribute = this.#peer.family === "ipv4-unicast" && isMapped;
    if (!nextHopAttribute && !this.#mayBeNextHop(isMapped)) return this.#refusal("next-hop-family", hits) as Exported;
    const patch = this.#patch;
    patch.external = external;
    patch.prependAs = external && !(transparent === true && hasPath) ? localAs : undefined;
    patch.withoutMultiExitDisc = hasPath && transparent !== true;
    patch.nextHop = isOwn ? this.#ownOctets : undefined;
    patch.reflection =
      reflectedFrom === undefined
        ? undefined
        : { originatorId: reflectedFrom, clusterId: clusterFrom(reflectedFrom, this.#facts) };
    patch.nextHopAttribute = nextHopAttribute;
    this.#outSerial = 0;
    this.#patcher.patch(chunk, start, length, patch, this.#out);
    if (!this.#fits(this.#out)) return this.#shortened(this.#out, hits);
    this.#outSerial = attributes.serial(id);
    this.#outFrom = reflectedFrom ?? NOT_REFLECTED;
    return undefined;
  }

  #keepsNextHop(view: SetView): boolean {
    const { transparent, nextHopUnchanged, link } = this.#facts;
    if (view.hasLinkLocalNextHop) return false;
    if (link === undefined) return transparent === true || nextHopUnchanged === true;
    return keepsNextHop(this.#facts, view.nextHop);
  }

  readonly #fits = (set: Pick<EncodedSet, "length" | "nextHop">): boolean =>
    UpdateEncoder.fits(set, LONGEST_KEY[this.#peer.family], this.#updateLimit);

  /** A set that a message does not hold goes without what it can do without, or not at all. @see RFC 8654 §4 */
  #shortened(set: EncodedSet, hits: Hits | undefined): Exported {
    const counted = hits === undefined ? {} : { hits };
    const nameOf = (code: number): string => this.#codec.nameOf(code);
    const attributes = largestAttributes(set, nameOf);
    const without = shorten(set, this.#fits).map(nameOf).join(", ");
    if (this.#fits(set)) return { ok: true, set, without, ...counted };
    return { ok: false, reason: "too-large", attributes, ...counted };
  }

  #exportSpecial(id: AttributeId, judgement: Judgement, reflectedFrom: number | undefined): Exported | KeyedExport {
    if (judgement.verdict !== "by-key") return this.#carryOut(judgement, this.#whole(id), reflectedFrom);
    const isSpecial = this.#isSpecial(this.#attributes.marksOf(id));
    let known: Map<Verdict, Exported> | undefined;
    const of = (key: Uint8Array, start: number): Exported => {
      const verdict = judgement.of(key, start);
      if (verdict.verdict === "accept" && !isSpecial) return this.#send(id, reflectedFrom, verdict.hits);
      known ??= new Map();
      const exported = known.get(verdict) ?? this.#carryOut(verdict, this.#whole(id), reflectedFrom);
      known.set(verdict, exported);
      return exported;
    };
    return { ok: "by-key", of };
  }

  /** The set as export policy gets it, as an object of its own. */
  #whole(id: AttributeId): AttributeSet {
    const set = this.#attributes.get(id);
    return this.#facts.transparent ? set : offeredSet(set, this.#facts.kind);
  }

  #carryOut(verdict: Verdict, offered: AttributeSet, reflectedFrom: number | undefined): Exported {
    const hits = verdict.hits === undefined ? {} : { hits: verdict.hits };
    if (verdict.verdict === "reject") return { ok: false, reason: verdict.reason, ...hits };
    const passed = exportSet(verdict.verdict === "replace" ? verdict.attributes : offered, this.#facts, reflectedFrom);
    // A reflector is not on the way of what it reflects.
    const isLeaving = this.#mode().gracefulShutdown && reflectedFrom === undefined;
    const sent = isLeaving ? announceGracefulShutdown(passed, this.#facts.kind) : passed;
    const { family } = this.#peer;
    const isMapped = isMappedIpv4(sent.nextHop);
    const nextHopAttribute = family === "ipv4-unicast" && isMapped;
    if (!nextHopAttribute && !this.#mayBeNextHop(isMapped)) return { ok: false, reason: "next-hop-family", ...hits };
    const octets = this.#codec.encode(sent, { ...this.#context, nextHopAttribute });
    const nextHop = octetsEqual(sent.nextHop, this.#facts.ownNextHop) ? this.#ownOctets : sent.nextHop;
    const set = { octets, length: octets.length, nextHop, version: 0 };
    return this.#fits(set) ? { ok: true, set, ...hits } : this.#shortened(set, verdict.hits);
  }

  /** Whether such an address can stand in MP_REACH_NLRI on this session. @see RFC 8950 §3 (IPv4 routes) */
  #mayBeNextHop(isMapped: boolean): boolean {
    return !isMapped && (this.#peer.family !== "ipv4-unicast" || this.#agreed.extendedNextHop);
  }
}
