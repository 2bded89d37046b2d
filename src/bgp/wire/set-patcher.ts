import { copyOctets, OctetView } from "../../base/index.ts";
import { AttributeCode, AttributeFlag } from "./constants.ts";
import { IDENTITY_HEAD, IDENTITY_NEXT_HOP } from "./identity.ts";
import { NEXT_HOP_LENGTH } from "./next-hop.ts";

const { Optional, Transitive, Partial, ExtendedLength } = AttributeFlag;
const AS_SEQUENCE = 2;
const MAX_SEGMENT = 255;
/** More than a patch adds: NEXT_HOP, LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST, a segment, longer headers; and `SPARE_OCTETS`. */
const ROOM = 64;

/** Path attributes as they go onto the wire, MP_REACH_NLRI apart, with the next hop that belongs into it. Reused. */
export interface EncodedSet {
  /** `octets[0..length)`. */
  octets: Uint8Array;
  length: number;
  /** Borrowed: 16 octets, or 32 where an address of the link stands behind the global one. */
  nextHop: Uint8Array;
  /** Another number for each content of the same memory. */
  version: number;
  /** Who still reads the octets, and is done with them when asked: before they become others. */
  lentTo?: Borrower | undefined;
}

/** Who reads octets that are not its own, until it has given them back. */
export interface Borrower {
  giveBack(): void;
}

/** How a set differs from its identity when it goes to a neighbour. */
export interface SetPatch {
  /** Put in front of the path; across the border LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST stay behind. */
  readonly external: boolean;
  readonly prependAs: number | undefined;
  readonly withoutMultiExitDisc: boolean;
  /** `undefined`: that of the set. */
  readonly nextHop: Uint8Array | undefined;
  /** Inside the AS, where the set has none. */
  readonly localPref: number;
  /** @see RFC 4456 §8 */
  readonly reflection: { readonly originatorId: number; readonly clusterId: number } | undefined;
  /** The next hop, in mapped form, goes into NEXT_HOP. */
  readonly nextHopAttribute: boolean;
}

/**
 * Makes the attributes that a neighbour of 4-octet AS numbers gets out of the identity of a set, octet by octet: what `exportSet` and
 * `AttributeCodec.encode` make of the set as an object. Not for confederation segments, nor for what depends on roles.
 */
export class SetPatcher {
  /** By code, 1: it is not marked as partial. */
  readonly #known: Uint8Array;
  #octets: Uint8Array = new Uint8Array(0);
  readonly #source = new OctetView();
  readonly #target = new OctetView();
  readonly #nextHop = new Uint8Array(NEXT_HOP_LENGTH);
  #at = 0;

  /** @param isKnown codes that are not marked as partial */
  constructor(isKnown: (code: number) => boolean) {
    this.#known = Uint8Array.from({ length: 256 }, (_, code) => (isKnown(code) ? 1 : 0));
  }

  patch(identity: Uint8Array, start: number, length: number, patch: SetPatch, into: EncodedSet): void {
    into.lentTo?.giveBack();
    if (into.octets.length < length + ROOM) into.octets = new Uint8Array(2 * (length + ROOM));
    this.#octets = into.octets;
    this.#at = 0;
    const source = this.#source.over(identity);
    into.nextHop = patch.nextHop ?? this.#nextHopOf(identity, start + IDENTITY_NEXT_HOP);
    const end = start + length;
    const { external, reflection } = patch;
    let missing = external ? HAS_ALL : reflection === undefined ? HAS_ORIGINATOR | HAS_CLUSTERS : 0;
    // What goes out as it is, one attribute behind the other, is copied in one go.
    let from = start + IDENTITY_HEAD;
    for (let at = from; at < end; ) {
      const flags = identity[at]!;
      const code = identity[at + 1]!;
      const isLong = (flags & ExtendedLength) !== 0;
      const size = isLong ? (identity[at + 2]! << 8) | identity[at + 3]! : identity[at + 2]!;
      const value = at + (isLong ? 4 : 3);
      const next = value + size;
      if (missing !== HAS_ALL && code > AttributeCode.MultiExitDisc) {
        this.#copy(source, from, at);
        from = at;
        missing = this.#insertBefore(code, missing, patch);
      }
      if (code === AttributeCode.AsPath) {
        this.#copy(source, from, at);
        from = this.#beginPath(identity, value, size, patch.prependAs);
        if (patch.nextHopAttribute) {
          this.#copy(source, from, next);
          from = next;
          this.#header(Transitive, AttributeCode.NextHop, 4);
          for (let i = NEXT_HOP_LENGTH - 4; i < NEXT_HOP_LENGTH; i++) this.#octets[this.#at++] = into.nextHop[i]!;
        }
      } else if (code === AttributeCode.ClusterList && reflection !== undefined) {
        this.#copy(source, from, at);
        from = value;
        this.#header(Optional, code, size + 4);
        this.#u32(reflection.clusterId);
      } else if (code === AttributeCode.MultiExitDisc ? patch.withoutMultiExitDisc : external && isInternal(code)) {
        this.#copy(source, from, at);
        from = next;
      } else if (this.#known[code] === 0) {
        this.#copy(source, from, at);
        from = at + 1;
        this.#octets[this.#at++] = flags | Partial;
      }
      at = next;
    }
    this.#copy(source, from, end);
    if (missing !== HAS_ALL) this.#insertBefore(0x100, missing, patch);
    into.length = this.#at;
    into.version++;
  }

  /** A copy: the identity may be another one before the set has gone out. */
  #nextHopOf(identity: Uint8Array, start: number): Uint8Array {
    for (let i = 0; i < NEXT_HOP_LENGTH; i++) this.#nextHop[i] = identity[start + i]!;
    return this.#nextHop;
  }

  /** What has to stand in front of `code` and was not there. The answer is what need not be inserted any more. */
  #insertBefore(code: number, present: number, { localPref, reflection }: SetPatch): number {
    let now = present;
    if ((now & HAS_PREFERENCE) === 0 && code >= AttributeCode.LocalPref) {
      if (code > AttributeCode.LocalPref) this.#number(Transitive, AttributeCode.LocalPref, localPref);
      now |= HAS_PREFERENCE;
    }
    if (reflection === undefined) return now;
    if ((now & HAS_ORIGINATOR) === 0 && code >= AttributeCode.OriginatorId) {
      if (code > AttributeCode.OriginatorId) {
        this.#number(Optional, AttributeCode.OriginatorId, reflection.originatorId);
      }
      now |= HAS_ORIGINATOR;
    }
    if ((now & HAS_CLUSTERS) === 0 && code >= AttributeCode.ClusterList) {
      if (code > AttributeCode.ClusterList) this.#number(Optional, AttributeCode.ClusterList, reflection.clusterId);
      now |= HAS_CLUSTERS;
    }
    return now;
  }

  /** AS_PATH up to where what was there goes on, which is the answer. @see RFC 4271 §5.1.2 b) */
  #beginPath(identity: Uint8Array, start: number, length: number, prependAs: number | undefined): number {
    if (prependAs === undefined) {
      this.#header(Transitive, AttributeCode.AsPath, length);
      return start;
    }
    const joins = length > 0 && identity[start] === AS_SEQUENCE && identity[start + 1]! < MAX_SEGMENT;
    this.#header(Transitive, AttributeCode.AsPath, length + (joins ? 4 : 6));
    this.#octets[this.#at++] = AS_SEQUENCE;
    this.#octets[this.#at++] = joins ? identity[start + 1]! + 1 : 1;
    this.#u32(prependAs);
    return joins ? start + 2 : start;
  }

  #number(flags: number, code: number, value: number): void {
    this.#header(flags, code, 4);
    this.#u32(value);
  }

  #header(flags: number, code: number, length: number): void {
    const octets = this.#octets;
    if (length > 255) {
      octets[this.#at++] = flags | ExtendedLength;
      octets[this.#at++] = code;
      octets[this.#at++] = length >>> 8;
    } else {
      octets[this.#at++] = flags;
      octets[this.#at++] = code;
    }
    octets[this.#at++] = length;
  }

  #u32(value: number): void {
    const octets = this.#octets;
    const at = this.#at;
    octets[at] = value >>> 24;
    octets[at + 1] = value >>> 16;
    octets[at + 2] = value >>> 8;
    octets[at + 3] = value;
    this.#at = at + 4;
  }

  #copy(from: DataView, start: number, end: number): void {
    if (start === end) return;
    copyOctets(from, start, this.#target.over(this.#octets), this.#at, end - start);
    this.#at += end - start;
  }
}

const HAS_PREFERENCE = 1;
const HAS_ORIGINATOR = 2;
const HAS_CLUSTERS = 4;
const HAS_ALL = 7;

/** Attributes that do not leave the AS. @see RFC 4271 §5.1.5; RFC 4456 §8 */
function isInternal(code: number): boolean {
  return code === AttributeCode.LocalPref || code === AttributeCode.OriginatorId || code === AttributeCode.ClusterList;
}
