import { copyOctets, OctetView } from "../../base/index.ts";
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
import { SetView } from "./set-view.ts";

const { Optional, Transitive, Partial, ExtendedLength } = AttributeFlag;
const KIND = Optional | Transitive;
/** Sets of more attributes than this are read the long way. */
const MOST = 32;
const DEFAULT_LOCAL_PREF = 100;
const AS_SET = 1;
const AS_SEQUENCE = 2;

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
  /** Of the set that was scanned last. */
  readonly #view: SetView;
  readonly #codec: AttributeCodec;
  readonly #internal: boolean;
  readonly #knows: boolean;
  readonly #order = new Int32Array(MOST);
  readonly #source = new OctetView();
  readonly #target = new OctetView();
  #family: RouteFamily = "capability";
  #hasNextHop = false;
  /** The view is one of the set that was scanned last. */
  #isViewed = false;
  #present = 0;
  #semantic: SemanticAttribute | undefined;
  /** Octets that the set takes at most, if nothing is written longer than it came. */
  #room = 0;

  constructor(codec: AttributeCodec, context: AttributeContext) {
    this.#codec = codec;
    this.#internal = context.internal;
    this.#knows = context.asWidth === 4 && context.confederation !== true;
    this.decode = codec.decodeIdentity;
    this.#view = new SetView(codec);
  }

  /** The set that was scanned last, read where it lies. */
  get set(): SetView {
    if (!this.#isViewed) this.#view.over(this.octets, 0, this.length).knowSemantic(this.#semantic);
    this.#isViewed = true;
    return this.#view;
  }

  /** @param nextHop 16 octets, from MP_REACH_NLRI; `undefined`: NEXT_HOP counts */
  scan(places: AttributePlaces, family: RouteFamily, nextHop: Uint8Array | undefined): boolean {
    if (!this.#knows || places.count > MOST) return false;
    const { octets, starts, count } = places;
    const order = this.#order;
    let room = IDENTITY_HEAD;
    for (let i = 0; i < count; i++) {
      const start = starts[i]!;
      const code = octets[start + 1]!;
      let at = i;
      for (; at > 0 && octets[order[at - 1]! + 1]! > code; at--) order[at] = order[at - 1]!;
      order[at] = start;
      room += 4 + lengthAt(octets, start);
    }
    if (room > this.octets.length) this.octets = new Uint8Array(2 * room);
    this.#room = room;
    this.#begin(family, nextHop);
    for (let i = 0; i < count; i++) if (!this.#take(octets, order[i]!)) return false;
    const mandatory = this.#internal ? HAS_ORIGIN | HAS_PATH | HAS_PREFERENCE : HAS_ORIGIN | HAS_PATH;
    return this.#hasNextHop && (this.#present & mandatory) === mandatory;
  }

  #begin(family: RouteFamily, nextHop: Uint8Array | undefined): void {
    const { octets, digest } = this;
    const { afi, safi } = wireFamily(family, this.#codec.dialect);
    octets[0] = Optional;
    octets[1] = AttributeCode.MpReachNlri;
    octets[2] = IDENTITY_HEAD - 3;
    octets[3] = afi >>> 8;
    octets[4] = afi;
    octets[5] = safi;
    octets[6] = NEXT_HOP_LENGTH;
    if (nextHop !== undefined) for (let i = 0; i < NEXT_HOP_LENGTH; i++) octets[IDENTITY_NEXT_HOP + i] = nextHop[i]!;
    this.#hasNextHop = nextHop !== undefined;
    this.length = IDENTITY_HEAD;
    this.#isViewed = false;
    this.#family = family;
    this.#present = 0;
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

  /** One attribute; false when it is not one that this way is for. */
  #take(octets: Uint8Array, start: number): boolean {
    const flags = octets[start]!;
    const code = octets[start + 1]!;
    const length = lengthAt(octets, start);
    const at = start + ((flags & ExtendedLength) !== 0 ? 4 : 3);
    const { digest } = this;
    switch (code) {
      case AttributeCode.Origin:
        if ((flags & KIND) !== Transitive || length !== 1 || octets[at]! > 2) return false;
        digest.origin = octets[at]!;
        this.#present |= HAS_ORIGIN;
        break;
      case AttributeCode.AsPath:
        if ((flags & KIND) !== Transitive || !this.#path(octets, at, at + length)) return false;
        this.#present |= HAS_PATH;
        break;
      case AttributeCode.NextHop:
        if ((flags & KIND) !== Transitive || length !== 4) return false;
        if (!this.#hasNextHop) writeMapped(this.octets, IDENTITY_NEXT_HOP, octets, at);
        this.#hasNextHop = true;
        return true;
      case AttributeCode.MultiExitDisc:
        if ((flags & KIND) !== Optional || length !== 4) return false;
        digest.multiExitDisc = u32(octets, at);
        break;
      case AttributeCode.LocalPref:
        if ((flags & KIND) !== Transitive || length !== 4 || !this.#internal) return false;
        digest.localPref = u32(octets, at);
        this.#present |= HAS_PREFERENCE;
        break;
      case AttributeCode.AtomicAggregate:
        if ((flags & KIND) !== Transitive || length !== 0) return false;
        break;
      case AttributeCode.Aggregator:
        if ((flags & KIND) !== KIND || length !== 8 || u32(octets, at) === 0) return false;
        break;
      case AttributeCode.Communities:
        if ((flags & KIND) !== KIND || length === 0 || (length & 3) !== 0) return false;
        for (let i = at; i < at + length; i += 4) {
          if (octets[i] === 0xff && octets[i + 1] === 0xff) digest.marks |= markOfCommunity(u32(octets, i));
        }
        break;
      case AttributeCode.OriginatorId:
        if ((flags & KIND) !== Optional || length !== 4 || !this.#internal) return false;
        digest.originatorId = u32(octets, at);
        digest.marks |= SetMark.originatorId;
        break;
      case AttributeCode.ClusterList:
        if ((flags & KIND) !== Optional || length === 0 || (length & 3) !== 0 || !this.#internal) return false;
        digest.clusterListLength = length >>> 2;
        break;
      case AttributeCode.ExtendedCommunities:
        if ((flags & KIND) !== KIND || length === 0 || (length & 7) !== 0) return false;
        this.communities.octets = octets;
        this.communities.start = at;
        this.communities.end = at + length;
        for (let i = at; i < at + length; i += 8) {
          if ((octets[i]! & NON_TRANSITIVE) === 0) continue;
          if (!this.#internal && isOriginState(octets, i)) return false;
          digest.marks |= SetMark.nonTransitive;
        }
        break;
      case AttributeCode.Ipv6ExtendedCommunities:
        if ((flags & KIND) !== KIND || length === 0 || length % 20 !== 0) return false;
        for (let i = at; i < at + length; i += 20) {
          if ((octets[i]! & NON_TRANSITIVE) !== 0) digest.marks |= SetMark.nonTransitive;
        }
        break;
      case AttributeCode.LargeCommunities:
        if ((flags & KIND) !== KIND || length === 0 || length % 12 !== 0) return false;
        if (length > LARGE_OCTETS && mayRepeat(octets, at, at + length)) return false;
        break;
      case AttributeCode.OnlyToCustomer:
        if ((flags & KIND) !== KIND || length !== 4) return false;
        digest.marks |= SetMark.onlyToCustomer;
        break;
      case AttributeCode.As4Path:
      case AttributeCode.As4Aggregator:
        return false;
      default:
        return this.#other(octets, flags, code, at, length);
    }
    this.#write(flags & KIND, code, this.#source.over(octets), at, length);
    return true;
  }

  /** SEMANTIC where it means something, and what is not known: ignored or carried. @see RFC 4271 §5 */
  #other(octets: Uint8Array, flags: number, code: number, at: number, length: number): boolean {
    if (code === this.#codec.dialect.semanticCode && this.#family === "capability") {
      if ((flags & KIND) !== Optional) return false;
      const known = this.#codec.semantics.find(octets, at, length);
      if (typeof known.semantic === "string") return false;
      this.#semantic = known.semantic;
      if (known.semantic.opaque.length > 0) this.digest.marks |= SetMark.unknownTlvs;
      this.#reserve(known.canonical.length - length);
      this.#write(Optional, code, known.view, 0, known.canonical.length);
      return true;
    }
    if ((flags & Optional) === 0) return false;
    if ((flags & Transitive) !== 0) this.#write(KIND | (flags & Partial), code, this.#source.over(octets), at, length);
    return true;
  }

  /** One attribute is written so many octets longer than it came. */
  #reserve(surplus: number): void {
    this.#room += Math.max(0, surplus);
    if (this.#room <= this.octets.length) return;
    const wider = new Uint8Array(2 * this.#room);
    wider.set(this.octets.subarray(0, this.length));
    this.octets = wider;
  }

  /** @see RFC 4271 §4.3 b); RFC 7606 §7.2; RFC 7607 §2 (AS 0) */
  #path(octets: Uint8Array, start: number, end: number): boolean {
    const { digest } = this;
    for (let at = start; at < end; ) {
      if (end - at < 2) return false;
      const type = octets[at]!;
      const next = at + 2 + 4 * octets[at + 1]!;
      if ((type !== AS_SEQUENCE && type !== AS_SET) || next === at + 2 || next > end) return false;
      for (let i = at + 2; i < next; i += 4) if (u32(octets, i) === 0) return false;
      if (at === start && type === AS_SEQUENCE) digest.neighbourAs = u32(octets, at + 2);
      digest.asPathLength += type === AS_SET ? 1 : octets[at + 1]!;
      at = next;
    }
    return true;
  }

  #write(kind: number, code: number, from: DataView, start: number, length: number): void {
    const { octets } = this;
    let at = this.length;
    if (length > 255) {
      octets[at++] = kind | ExtendedLength;
      octets[at++] = code;
      octets[at++] = length >>> 8;
    } else {
      octets[at++] = kind;
      octets[at++] = code;
    }
    octets[at++] = length;
    copyOctets(from, start, this.#target.over(octets), at, length);
    this.length = at + length;
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
