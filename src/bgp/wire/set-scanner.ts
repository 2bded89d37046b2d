import { copyOctets, OctetView, SPARE_OCTETS } from "../../base/index.ts";
import {
  emptyDigest,
  markOfCommunity,
  type RouteFamily,
  type SemanticAttribute,
  SetMark,
  type SetSource,
} from "../../rib/index.ts";
import type { AttributeContext } from "./attribute-row.ts";
import type { AttributeCodec } from "./attributes.ts";
import { AttributeCode, AttributeFlag } from "./constants.ts";
import { isOriginState } from "./extended-communities.ts";
import { wireFamily } from "./family.ts";
import { IDENTITY_HEAD, IDENTITY_NEXT_HOP } from "./identity.ts";
import { NEXT_HOP_LENGTH, writeMapped } from "./next-hop.ts";
import type { KnownSemantic } from "./semantic-cache.ts";
import { SetView } from "./set-view.ts";

const { Optional, Transitive, Partial, ExtendedLength } = AttributeFlag;
const KIND = Optional | Transitive;
/** Sets of more attributes than this are read the long way. */
const MOST = 32;
const DEFAULT_LOCAL_PREF = 100;
const AS_SET = 1;
const AS_SEQUENCE = 2;
/** Answers about an attribute that are no flags: it belongs to no set; it is written in a form of its own; it is not for this way. */
const LEFT_OUT = -1;
const REWRITTEN = -2;
const UNFIT = -3;

/** The attributes of one UPDATE that belong to a set: where each begins, each code once, every header complete. */
export interface AttributePlaces {
  readonly octets: Uint8Array;
  readonly starts: Int32Array;
  readonly count: number;
}

/**
 * The short way from received attributes to the identity of their set: checks them where they lie, and writes them down in
 * canonical form, without an object. It knows what well-behaved speakers send and answers false for everything else, all
 * faults among it: then `AttributeCodec.decode` says what is to be done. What it takes, that would have taken the same way.
 * @see RFC 7606 §7
 */
export class SetScanner implements SetSource {
  readonly digest = emptyDigest();
  /** The identity is `octets[0..length)`, until the next scan. */
  octets = new Uint8Array(4096);
  length = 0;
  readonly decode: SetSource["decode"];
  /** Extended communities of the set that was scanned last, where they came. */
  readonly communities = { octets: new Uint8Array(0) as Uint8Array, start: 0, end: 0 };
  readonly nextHop = { octets: this.octets, start: IDENTITY_NEXT_HOP };
  /** Of the set that was scanned last. */
  readonly #view: SetView;
  readonly #codec: AttributeCodec;
  readonly #internal: boolean;
  readonly #knows: boolean;
  /** Looked for in each path. 0, which is in none: nobody said it. */
  readonly #localAs: number;
  #meetsLocalAs = false;
  readonly #order = new Int32Array(MOST);
  readonly #source = new OctetView();
  readonly #target = new OctetView();
  readonly #nextHops = new OctetView();
  /** Whose head is written. */
  #family: RouteFamily = "capability";
  #hasNextHop = false;
  /** The view is one of the set that was scanned last. */
  #isViewed = false;
  #present = 0;
  #semantic: SemanticAttribute | undefined;
  /** What is written in its place. */
  #rewritten: KnownSemantic | undefined;

  constructor(codec: AttributeCodec, context: AttributeContext) {
    this.#codec = codec;
    this.#internal = context.internal;
    this.#knows = context.asWidth === 4 && context.confederation !== true;
    this.#localAs = context.localAs ?? 0;
    this.decode = codec.decodeIdentity;
    this.#view = new SetView(codec);
    this.#writeHead(this.#family);
  }

  /** The set that was scanned last, read where it lies. */
  get set(): SetView {
    if (this.#isViewed) return this.#view;
    this.#isViewed = true;
    this.#view.over(this.octets, 0, this.length).knowSemantic(this.#semantic);
    if (!this.#meetsLocalAs) this.#view.knowAbsent(this.#localAs);
    return this.#view;
  }

  /** @param nextHop 16 octets, from MP_REACH_NLRI; `undefined`: NEXT_HOP counts */
  scan(places: AttributePlaces, family: RouteFamily, nextHop: Uint8Array | undefined): boolean {
    if (!this.#knows || places.count > MOST) return false;
    const { octets, count } = places;
    const starts = this.#inOrder(places);
    const source = this.#source.over(octets);
    this.#begin(family, nextHop);
    // What came as it is written down, and one behind the other, is copied in one go.
    let from = 0;
    let to = 0;
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      const flags = octets[start]!;
      const length = lengthAt(octets, start);
      const at = start + ((flags & ExtendedLength) !== 0 ? 4 : 3);
      const kind = this.#check(octets, flags, octets[start + 1]!, at, length);
      if (kind === UNFIT) return false;
      if (kind === LEFT_OUT) continue;
      const isAsWritten = flags === (length > 255 ? kind | ExtendedLength : kind);
      if (isAsWritten && start === to) {
        to = at + length;
        continue;
      }
      this.#copy(source, from, to);
      from = to = at + length;
      if (kind === REWRITTEN)
        this.#writeSemantic(this.#rewritten!); // found by `#check`
      else if (isAsWritten) from = start;
      else {
        this.#header(kind, octets[start + 1]!, length);
        from = at;
      }
    }
    this.#copy(source, from, to);
    const mandatory = this.#internal ? HAS_ORIGIN | HAS_PATH | HAS_PREFERENCE : HAS_ORIGIN | HAS_PATH;
    return this.#hasNextHop && (this.#present & mandatory) === mandatory;
  }

  /** Where each attribute begins, by code: well-behaved speakers send them so. @see RFC 4271 §5 */
  #inOrder({ octets, starts, count }: AttributePlaces): Int32Array {
    let last = 0;
    for (let i = 0; i < count; i++) {
      const code = octets[starts[i]! + 1]!;
      if (code < last) return this.#sorted(octets, starts, count);
      last = code;
    }
    return starts;
  }

  #sorted(octets: Uint8Array, starts: Int32Array, count: number): Int32Array {
    const order = this.#order;
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      const code = octets[start + 1]!;
      let at = i;
      for (; at > 0 && octets[order[at - 1]! + 1]! > code; at--) order[at] = order[at - 1]!;
      order[at] = start;
    }
    return order;
  }

  #begin(family: RouteFamily, nextHop: Uint8Array | undefined): void {
    const { digest } = this;
    if (family !== this.#family) this.#writeHead(family);
    if (nextHop !== undefined) {
      copyOctets(this.#nextHops.over(nextHop), 0, this.#target.over(this.octets), IDENTITY_NEXT_HOP, NEXT_HOP_LENGTH);
    }
    this.#hasNextHop = nextHop !== undefined;
    this.length = IDENTITY_HEAD;
    this.#isViewed = false;
    this.#present = 0;
    this.#meetsLocalAs = false;
    this.#semantic = undefined;
    this.communities.start = 0;
    this.communities.end = 0;
    digest.localPref = DEFAULT_LOCAL_PREF;
    digest.asPathLength = 0;
    digest.neighbourAs = 0;
    digest.multiExitDisc = 0;
    digest.originatorId = 0;
    digest.clusterListLength = 0;
    digest.marks = 0;
  }

  #writeHead(family: RouteFamily): void {
    const { octets } = this;
    const { afi, safi } = wireFamily(family, this.#codec.dialect);
    octets[0] = Optional;
    octets[1] = AttributeCode.MpReachNlri;
    octets[2] = IDENTITY_HEAD - 3;
    octets[3] = afi >>> 8;
    octets[4] = afi;
    octets[5] = safi;
    octets[6] = NEXT_HOP_LENGTH;
    this.#family = family;
  }

  /** One attribute, its value at `at`: the flags that it is written down with, or another answer. */
  #check(octets: Uint8Array, flags: number, code: number, at: number, length: number): number {
    const { digest } = this;
    switch (code) {
      case AttributeCode.Origin:
        if ((flags & KIND) !== Transitive || length !== 1 || octets[at]! > 2) return UNFIT;
        digest.origin = octets[at]!;
        this.#present |= HAS_ORIGIN;
        break;
      case AttributeCode.AsPath:
        if ((flags & KIND) !== Transitive || !this.#path(octets, at, at + length)) return UNFIT;
        this.#present |= HAS_PATH;
        if (length === 0) digest.marks |= SetMark.noPath;
        break;
      case AttributeCode.NextHop:
        if ((flags & KIND) !== Transitive || length !== 4) return UNFIT;
        if (!this.#hasNextHop) writeMapped(this.octets, IDENTITY_NEXT_HOP, octets, at);
        this.#hasNextHop = true;
        return LEFT_OUT;
      case AttributeCode.MultiExitDisc:
        if ((flags & KIND) !== Optional || length !== 4) return UNFIT;
        digest.multiExitDisc = u32(octets, at);
        break;
      case AttributeCode.LocalPref:
        if ((flags & KIND) !== Transitive || length !== 4 || !this.#internal) return UNFIT;
        digest.localPref = u32(octets, at);
        this.#present |= HAS_PREFERENCE;
        break;
      case AttributeCode.AtomicAggregate:
        if ((flags & KIND) !== Transitive || length !== 0) return UNFIT;
        break;
      case AttributeCode.Aggregator:
        if ((flags & KIND) !== KIND || length !== 8 || u32(octets, at) === 0) return UNFIT;
        break;
      case AttributeCode.Communities:
        if ((flags & KIND) !== KIND || length === 0 || (length & 3) !== 0) return UNFIT;
        for (let i = at; i < at + length; i += 4) {
          if (octets[i] === 0xff && octets[i + 1] === 0xff) digest.marks |= markOfCommunity(u32(octets, i));
        }
        break;
      case AttributeCode.OriginatorId:
        if ((flags & KIND) !== Optional || length !== 4 || !this.#internal) return UNFIT;
        digest.originatorId = u32(octets, at);
        digest.marks |= SetMark.originatorId;
        break;
      case AttributeCode.ClusterList:
        if ((flags & KIND) !== Optional || length === 0 || (length & 3) !== 0 || !this.#internal) return UNFIT;
        digest.clusterListLength = length >>> 2;
        break;
      case AttributeCode.ExtendedCommunities:
        if ((flags & KIND) !== KIND || length === 0 || (length & 7) !== 0) return UNFIT;
        this.communities.octets = octets;
        this.communities.start = at;
        this.communities.end = at + length;
        for (let i = at; i < at + length; i += 8) {
          if ((octets[i]! & NON_TRANSITIVE) === 0) continue;
          if (!this.#internal && isOriginState(octets, i)) return UNFIT;
          digest.marks |= SetMark.nonTransitive;
        }
        break;
      case AttributeCode.Ipv6ExtendedCommunities:
        if ((flags & KIND) !== KIND || length === 0 || length % 20 !== 0) return UNFIT;
        for (let i = at; i < at + length; i += 20) {
          if ((octets[i]! & NON_TRANSITIVE) !== 0) digest.marks |= SetMark.nonTransitive;
        }
        break;
      case AttributeCode.LargeCommunities:
        if ((flags & KIND) !== KIND || length === 0 || length % 12 !== 0) return UNFIT;
        if (length > LARGE_OCTETS && mayRepeat(octets, at, at + length)) return UNFIT;
        break;
      case AttributeCode.OnlyToCustomer:
        if ((flags & KIND) !== KIND || length !== 4) return UNFIT;
        digest.marks |= SetMark.onlyToCustomer;
        break;
      case AttributeCode.As4Path:
      case AttributeCode.As4Aggregator:
        return UNFIT;
      default:
        return this.#other(octets, flags, code, at, length);
    }
    return flags & KIND;
  }

  /** SEMANTIC where it means something, and what is not known: ignored or carried. @see RFC 4271 §5 */
  #other(octets: Uint8Array, flags: number, code: number, at: number, length: number): number {
    if (code === this.#codec.dialect.semanticCode && this.#family === "capability") {
      if ((flags & KIND) !== Optional) return UNFIT;
      const known = this.#codec.semantics.find(octets, at, length);
      if (typeof known.semantic === "string") return UNFIT;
      this.#semantic = known.semantic;
      if (known.semantic.opaque.length > 0) this.digest.marks |= SetMark.unknownTlvs;
      if (known.isCanonical) return Optional;
      this.#rewritten = known;
      return REWRITTEN;
    }
    if ((flags & Optional) === 0) return UNFIT;
    return (flags & Transitive) === 0 ? LEFT_OUT : KIND | (flags & Partial);
  }

  #writeSemantic({ canonical, view }: KnownSemantic): void {
    this.#header(Optional, this.#codec.dialect.semanticCode, canonical.length);
    this.#copy(view, 0, canonical.length);
  }

  /** Makes room for so many octets more. */
  #reserve(octets: number): void {
    const needed = this.length + octets + SPARE_OCTETS;
    if (needed <= this.octets.length) return;
    const wider = new Uint8Array(2 * needed);
    wider.set(this.octets.subarray(0, this.length));
    this.octets = wider;
    this.nextHop.octets = wider;
  }

  /** @see RFC 4271 §4.3 b); RFC 7606 §7.2; RFC 7607 §2 (AS 0) */
  #path(octets: Uint8Array, start: number, end: number): boolean {
    const { digest } = this;
    for (let at = start; at < end; ) {
      if (end - at < 2) return false;
      const type = octets[at]!;
      const next = at + 2 + 4 * octets[at + 1]!;
      if ((type !== AS_SEQUENCE && type !== AS_SET) || next === at + 2 || next > end) return false;
      for (let i = at + 2; i < next; i += 4) {
        const number = u32(octets, i);
        if (number === 0) return false;
        if (number === this.#localAs) this.#meetsLocalAs = true;
      }
      if (at === start && type === AS_SEQUENCE) digest.neighbourAs = u32(octets, at + 2);
      digest.asPathLength += type === AS_SET ? 1 : octets[at + 1]!;
      at = next;
    }
    return true;
  }

  #header(flags: number, code: number, length: number): void {
    this.#reserve(4);
    const { octets } = this;
    let at = this.length;
    octets[at++] = length > 255 ? flags | ExtendedLength : flags;
    octets[at++] = code;
    if (length > 255) octets[at++] = length >>> 8;
    octets[at++] = length;
    this.length = at;
  }

  #copy(from: DataView, start: number, end: number): void {
    if (start === end) return;
    this.#reserve(end - start);
    copyOctets(from, start, this.#target.over(this.octets), this.length, end - start);
    this.length += end - start;
  }
}

const HAS_ORIGIN = 1;
const HAS_PATH = 2;
const HAS_PREFERENCE = 4;
/** @see RFC 4360 §2; RFC 5701 §2 */
const NON_TRANSITIVE = 0x40;
const LARGE_OCTETS = 12;
/** Beyond so many, comparing each with each costs more than the long way. */
const MOST_COMPARED = 32 * LARGE_OCTETS;

/** Whether a large community may be there twice: then the one that is too many has to go. @see RFC 8092 §3 */
function mayRepeat(octets: Uint8Array, start: number, end: number): boolean {
  if (end - start > MOST_COMPARED) return true;
  for (let one = start; one < end; one += LARGE_OCTETS) {
    for (let other = one + LARGE_OCTETS; other < end; other += LARGE_OCTETS) {
      let i = 0;
      while (i < LARGE_OCTETS && octets[one + i] === octets[other + i]) i++;
      if (i === LARGE_OCTETS) return true;
    }
  }
  return false;
}

function lengthAt(octets: Uint8Array, start: number): number {
  const short = octets[start + 2]!;
  return (octets[start]! & ExtendedLength) === 0 ? short : (short << 8) | octets[start + 3]!;
}

function u32(octets: Uint8Array, at: number): number {
  return octets[at]! * 0x1000000 + ((octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!);
}
