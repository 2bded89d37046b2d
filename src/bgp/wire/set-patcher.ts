import { copyOctets, OctetView } from "../../base/index.ts";
import { AttributeCode, AttributeFlag } from "./constants.ts";
import { IDENTITY_HEAD, IDENTITY_NEXT_HOP } from "./identity.ts";
import { NEXT_HOP_LENGTH } from "./next-hop.ts";

const { Optional, Transitive, Partial, ExtendedLength } = AttributeFlag;
const AS_SEQUENCE = 2;
const MAX_SEGMENT = 255;
/** What a patch adds at most: NEXT_HOP, LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST, a segment, longer headers. */
const ROOM = 64;

/** Path attributes as they go onto the wire, MP_REACH_NLRI apart, with the next hop that belongs into it. Reused. */
export interface EncodedSet {
  /** `octets[0..length)`. */
  octets: Uint8Array;
  length: number;
  nextHop: Uint8Array;
  /** Another number for each content of the same memory. */
  version: number;
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
  readonly #isKnown: (code: number) => boolean;
  #octets: Uint8Array = new Uint8Array(0);
  readonly #source = new OctetView();
  readonly #target = new OctetView();
  #at = 0;

  /** @param isKnown codes that are not marked as partial */
  constructor(isKnown: (code: number) => boolean) {
    this.#isKnown = isKnown;
  }

  patch(identity: Uint8Array, start: number, length: number, patch: SetPatch, into: EncodedSet): void {
    if (into.octets.length < length + ROOM) into.octets = new Uint8Array(2 * (length + ROOM));
    this.#octets = into.octets;
    this.#at = 0;
    const nextHop = patch.nextHop ?? identity;
    const nextHopAt = patch.nextHop === undefined ? start + IDENTITY_NEXT_HOP : 0;
    for (let i = 0; i < NEXT_HOP_LENGTH; i++) into.nextHop[i] = nextHop[nextHopAt + i]!;
    const end = start + length;
    const { external, reflection } = patch;
    let missing = external ? HAS_ALL : reflection === undefined ? HAS_ORIGINATOR | HAS_CLUSTERS : 0;
    for (let at = start + IDENTITY_HEAD; at < end; ) {
      const flags = identity[at]!;
      const code = identity[at + 1]!;
      const isLong = (flags & ExtendedLength) !== 0;
      const size = isLong ? (identity[at + 2]! << 8) | identity[at + 3]! : identity[at + 2]!;
      const value = at + (isLong ? 4 : 3);
      const next = value + size;
      if (missing !== HAS_ALL && code > AttributeCode.MultiExitDisc) missing = this.#insertBefore(code, missing, patch);
      if (code === AttributeCode.AsPath) {
        this.#path(identity, value, size, patch.prependAs);
        if (patch.nextHopAttribute) this.#nextHop(into.nextHop);
      } else if (code === AttributeCode.MultiExitDisc) {
        if (!patch.withoutMultiExitDisc) this.#copy(identity, at, next);
      } else if (code === AttributeCode.ClusterList && reflection !== undefined) {
        this.#header(Optional, code, size + 4);
        this.#u32(reflection.clusterId);
        this.#copy(identity, value, next);
      } else if (!external || !isInternal(code)) {
        const from = this.#at;
        this.#copy(identity, at, next);
        if (!this.#isKnown(code)) this.#octets[from]! |= Partial;
      }
      at = next;
    }
    if (missing !== HAS_ALL) this.#insertBefore(0x100, missing, patch);
    into.length = this.#at;
    into.version++;
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

  /** @see RFC 4271 §5.1.2 b) */
  #path(identity: Uint8Array, start: number, length: number, prependAs: number | undefined): void {
    if (prependAs === undefined) {
      this.#header(Transitive, AttributeCode.AsPath, length);
      this.#copy(identity, start, start + length);
      return;
    }
    const joins = length > 0 && identity[start] === AS_SEQUENCE && identity[start + 1]! < MAX_SEGMENT;
    this.#header(Transitive, AttributeCode.AsPath, length + (joins ? 4 : 6));
    this.#octets[this.#at++] = AS_SEQUENCE;
    this.#octets[this.#at++] = joins ? identity[start + 1]! + 1 : 1;
    this.#u32(prependAs);
    this.#copy(identity, joins ? start + 2 : start, start + length);
  }

  #nextHop(mapped: Uint8Array): void {
    this.#header(Transitive, AttributeCode.NextHop, 4);
    this.#copy(mapped, NEXT_HOP_LENGTH - 4, NEXT_HOP_LENGTH);
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

  #copy(from: Uint8Array, start: number, end: number): void {
    copyOctets(this.#source.over(from), start, this.#target.over(this.#octets), this.#at, end - start);
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
