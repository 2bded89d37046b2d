import type { KeyBatch, PrefixFamily, RouteFamily, UnicastFamily } from "../../rib/index.ts";
import { hasOriginId, isKnownType, isWellFormed, LONGEST_CAPABILITY_KEY, RouteType } from "./capability-nlri.ts";

/** Room for the keys of most messages; more is made when a message has more. */
const USUAL_KEYS = 256;
/** @see RFC 7911 §3 */
export const PATH_ID_LENGTH = 4;
/** Longest prefix of each family that has prefixes, in bits. */
export const PREFIX_BITS: Readonly<Record<PrefixFamily, number>> = {
  "ipv4-unicast": 32,
  "ipv6-unicast": 128,
  "route-target": 96,
};
/** AS and route target: a prefix of it has the whole AS, or nothing. @see RFC 4684 §4 */
const MEMBERSHIP_AS_BITS = 32;

/** Octets of the longest key of each family that is sent. */
export const LONGEST_KEY: Readonly<Record<RouteFamily, number>> = {
  capability: LONGEST_CAPABILITY_KEY,
  "ipv6-unicast": 17,
  "ipv4-unicast": 5,
  "route-target": 13,
};

/** The key of one unicast route. */
export interface UnicastNlri {
  readonly family: UnicastFamily;
  /** 4 octets, or 16. */
  readonly address: Uint8Array;
  /** In bits; those of the address behind it do not count. */
  readonly length: number;
}

/** As sent and as used for a key: the length, then as few octets as hold it. @see RFC 4271 §4.3; RFC 4760 §5 */
export function encodeUnicast({ family, address, length }: UnicastNlri): Uint8Array {
  const longest = PREFIX_BITS[family];
  if (8 * address.length !== longest) throw new RangeError(`${address.length} octets are no address of ${family}`);
  if (!Number.isInteger(length) || length < 0 || length > longest) throw new RangeError(`a prefix of ${length} bits`);
  const key = new Uint8Array(1 + ((length + 7) >> 3));
  key.set(address.subarray(0, key.length - 1), 1);
  key[key.length - 1]! &= ~surplusMask(length);
  key[0] = length;
  return key;
}

/** The membership of an AS in a route target; without one: in all of them, whoever says it. @see RFC 4684 §4 */
export function encodeMembership(autonomousSystem: number, target: Uint8Array | undefined): Uint8Array {
  if (target === undefined) return Uint8Array.of(0);
  if (target.length !== 8) throw new RangeError("a route target has 8 octets");
  const key = new Uint8Array(13);
  key[0] = PREFIX_BITS["route-target"];
  new DataView(key.buffer).setUint32(1, autonomousSystem);
  key.set(target, 5);
  return key;
}

/** How the routes of one field or attribute are written. */
export interface NlriForm {
  /** A path identifier of four octets stands in front of each route. @see RFC 7911 §3 */
  readonly pathIds: boolean;
}

const PLAIN: NlriForm = { pathIds: false };

/** Routes of one attribute or field of one UPDATE. Reused from message to message: it borrows the message's octets until the next `scan`. */
export class NlriBatch implements KeyBatch {
  octets: Uint8Array = new Uint8Array(0);
  starts = new Int32Array(USUAL_KEYS);
  lengths = new Int32Array(USUAL_KEYS);
  /** Of each route, the 32 bits as they are; `undefined` where the routes have none. */
  pathIds: Int32Array | undefined;
  /** Kept from message to message. */
  #idRoom = new Int32Array(0);
  count = 0;
  /** Own copy of the keys of a message that has bits behind the length of a prefix. */
  #canonical = new Uint8Array(0);
  /** Capability instances among the keys: they have a rule of their own on import. */
  instances = 0;
  /** Routes that were skipped: an unknown type, a value that is not what its type says. */
  unknown = 0;
  malformed = 0;

  clear(): void {
    this.count = 0;
    this.instances = 0;
    this.unknown = 0;
    this.malformed = 0;
  }

  /** Everything that was there, used or not. */
  get seen(): number {
    return this.count + this.unknown + this.malformed;
  }

  /**
   * Takes the keys out of `octets[start..end)`. False when a length leads past the end: then nothing behind it can be
   * found, and the family cannot go on. A route that is wrong in itself is left out alone.
   * @see RFC 7606 §5.3 and §5.4; RFC 7911 §3; DESIGN section 4.4
   */
  scan(
    octets: Uint8Array,
    start: number,
    end: number,
    family: RouteFamily = "capability",
    form: NlriForm = PLAIN,
  ): boolean {
    this.pathIds = form.pathIds ? this.#idRoom : undefined;
    return family === "capability"
      ? this.#scanTyped(octets, start, end)
      : this.#scanPrefixes(octets, start, end, PREFIX_BITS[family]);
  }

  /** Whether `end - at` octets can hold a path identifier, where there is one. */
  #hasId(at: number, end: number): boolean {
    return this.pathIds === undefined || end - at >= PATH_ID_LENGTH;
  }

  #scanTyped(octets: Uint8Array, start: number, end: number): boolean {
    this.clear();
    this.octets = octets;
    let at = start;
    while (at < end) {
      if (!this.#hasId(at, end)) return false;
      if (this.pathIds !== undefined) at += PATH_ID_LENGTH;
      if (end - at < 2) return false;
      const type = octets[at]!;
      const length = octets[at + 1]! + 2;
      if (length > end - at) return false;
      if (!isKnownType(type)) this.unknown++;
      else if (isWellFormed(octets, at, length)) {
        if (type === RouteType.CapabilityInstance) this.instances++;
        this.#add(at, length);
      } else this.malformed++;
      at += length;
    }
    return true;
  }

  /**
   * Length in bits, then as few octets as hold them; what is behind the last bit means nothing. Prefixes that no unicast
   * packet can have as destination are left out alone.
   * @see RFC 4271 §4.3 and §6.3; RFC 4760 §5; RFC 7606 §5.3 and §5.4
   */
  #scanPrefixes(octets: Uint8Array, start: number, end: number, longest: number): boolean {
    this.clear();
    this.octets = octets;
    let hasSurplusBits = false;
    let at = start;
    while (at < end) {
      // An identifier without a route behind it is a route that does not end in time.
      if (this.pathIds !== undefined) at = this.#hasId(at, end) ? at + PATH_ID_LENGTH : end;
      const bits = octets[at]!;
      const length = 1 + ((bits + 7) >> 3);
      if (at >= end || bits > longest || length > end - at) {
        this.clear();
        return false;
      }
      if (isNotUnicast(octets, at, longest)) this.malformed++;
      else {
        this.#add(at, length);
        if ((octets[at + length - 1]! & surplusMask(bits)) !== 0) hasSurplusBits = true;
      }
      at += length;
    }
    if (hasSurplusBits) this.#canonicalise(octets, start, end);
    return true;
  }

  /** A route whose identifier, where routes have one, is in front of it. */
  #add(start: number, length: number): void {
    if (this.pathIds !== undefined) this.#setId(pathIdAt(this.octets, start - PATH_ID_LENGTH));
    this.#addKey(start, length);
  }

  #addKey(start: number, length: number): void {
    if (this.count === this.starts.length) {
      const [starts, lengths] = [this.starts, this.lengths];
      this.starts = new Int32Array(2 * this.count);
      this.lengths = new Int32Array(2 * this.count);
      this.starts.set(starts);
      this.lengths.set(lengths);
    }
    this.starts[this.count] = start;
    this.lengths[this.count++] = length;
  }

  /** Of the route that is being added. */
  #setId(pathId: number): void {
    if (this.count === this.#idRoom.length) {
      const known = this.#idRoom;
      this.#idRoom = new Int32Array(Math.max(USUAL_KEYS, 2 * known.length));
      this.#idRoom.set(known);
    }
    this.pathIds = this.#idRoom;
    this.pathIds[this.count] = pathId;
  }

  /** The message is not ours to change. */
  #canonicalise(octets: Uint8Array, start: number, end: number): void {
    if (this.#canonical.length < end - start) this.#canonical = new Uint8Array(2 * (end - start));
    const own = this.#canonical;
    own.set(octets.subarray(start, end));
    for (let i = 0; i < this.count; i++) {
      const at = this.starts[i]! - start;
      this.starts[i] = at;
      own[at + this.lengths[i]! - 1]! &= ~surplusMask(own[at]!);
    }
    this.octets = own;
  }

  /** The same keys, at most `size` at a time: batches over the same memory. */
  *pieces(size: number): Generator<NlriBatch> {
    for (let from = 0; from < this.count; from += size) {
      const piece = new NlriBatch();
      const end = Math.min(this.count, from + size);
      piece.octets = this.octets;
      piece.starts = this.starts.subarray(from, end);
      piece.lengths = this.lengths.subarray(from, end);
      piece.pathIds = this.pathIds?.subarray(from, end);
      piece.count = end - from;
      piece.instances = this.instances;
      yield piece;
    }
  }

  /** Whether one of the keys, of the capability family, is of this origin. */
  hasOrigin(originId: number): boolean {
    const { octets, starts, count } = this;
    for (let i = 0; i < count; i++) if (hasOriginId(octets, starts[i]!, originId)) return true;
    return false;
  }

  /** Moves the keys that `refuse` names into `refused` and keeps the others in order. Allocates nothing. */
  split(refused: NlriBatch, refuse: (octets: Uint8Array, start: number) => boolean): void {
    refused.clear();
    refused.octets = this.octets;
    const ids = this.pathIds;
    refused.pathIds = undefined;
    let kept = 0;
    // As a rule none is refused.
    while (kept < this.count && !refuse(this.octets, this.starts[kept]!)) kept++;
    for (let i = kept; i < this.count; i++) {
      const start = this.starts[i]!;
      const length = this.lengths[i]!;
      if (refuse(this.octets, start)) {
        if (ids !== undefined) refused.#setId(ids[i]!);
        refused.#addKey(start, length);
      } else {
        if (ids !== undefined) ids[kept] = ids[i]!;
        this.starts[kept] = start;
        this.lengths[kept++] = length;
      }
    }
    this.count = kept;
  }
}

function pathIdAt(octets: Uint8Array, at: number): number {
  return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
}

/** Bits of a key's last octet that are behind the prefix's length. */
function surplusMask(bits: number): number {
  return 0xff >> (((bits + 7) & 7) + 1);
}

/** Multicast, and link-local in IPv6; a part of an AS in a membership. @see RFC 4271 §6.3 (semantically incorrect prefixes are ignored); RFC 4291 §2.4 */
function isNotUnicast(octets: Uint8Array, start: number, longest: number): boolean {
  const bits = octets[start]!;
  if (longest === PREFIX_BITS["route-target"]) return bits !== 0 && bits < MEMBERSHIP_AS_BITS;
  if (bits < 4) return false;
  const first = octets[start + 1]!;
  if (longest === PREFIX_BITS["ipv4-unicast"]) return (first & 0xf0) === 0xe0;
  if (bits < 8) return false;
  return first === 0xff || (first === 0xfe && bits >= 10 && (octets[start + 2]! & 0xc0) === 0x80);
}
