import { copyOctets, copyWholeWords, type Ipv6Address, OctetView, SPARE_OCTETS } from "../../base/index.ts";
import { AttributeCode, AttributeFlag, HEADER_LENGTH, MAX_MESSAGE_LENGTH, MessageType } from "./constants.ts";
import { type Family, IPV4_UNICAST, sameFamily } from "./family.ts";
import { encodeMessage, writeHeader } from "./message.ts";
import { isMappedIpv4, NEXT_HOP_LENGTH } from "./next-hop.ts";
import { PATH_ID_LENGTH } from "./nlri.ts";
import type { Borrower, EncodedSet } from "./set-patcher.ts";

const OPTIONAL_EXTENDED = AttributeFlag.Optional | AttributeFlag.ExtendedLength;
/** Withdrawn routes length and total path attribute length. */
const FIXED = HEADER_LENGTH + 4;
/** Flags, code, extended length, AFI, SAFI, next-hop length, next hop, reserved. */
const REACH_HEADER = 4 + 3 + 1 + NEXT_HOP_LENGTH + 1;
/** Flags, code, extended length, AFI, SAFI. */
const UNREACH_HEADER = 4 + 3;
/** What a message is about: numbers, since each route asks. Classic ones are in the fields of IPv4, behind the attributes; others in a multiprotocol attribute in front of them. */
const NO_MESSAGE = 0;
const ANNOUNCE = 1;
const WITHDRAW = 2;
const CLASSIC_ANNOUNCE = 3;
const CLASSIC_WITHDRAW = 4;
const NO_OCTETS = new Uint8Array(0);

/**
 * Packs routes into UPDATE messages of at most 4096 octets, or more where the session allows it, written one behind the
 * other into a block of memory that the caller hands to a socket. MP_REACH_NLRI comes first (RFC 7606 §5.1).
 *
 * The order of calls: `announce` or `withdraw` as often as wanted, `take` to get what is there and start anew.
 */
export class UpdateEncoder implements Borrower {
  readonly #family: Family;
  readonly #capacity: number;
  readonly #maximum: number;
  #block: Uint8Array;
  /** The same memory. */
  #view: DataView;
  readonly #keys = new OctetView();
  readonly #sets = new OctetView();
  readonly #nextHops = new OctetView();
  /** Octets of finished messages. */
  #length = 0;
  /** Where the message that is being filled ends; equal to `#length` when there is none. */
  #end = 0;
  /** How long it may become: the session's limit, or what is left of the block. */
  #bound = 0;
  #kind = NO_MESSAGE;
  readonly #hasClassic: boolean;
  /** Octets of the path identifier in front of each route. @see RFC 7911 §3 */
  readonly #idLength: number;
  /** Attributes of the message that is being filled, borrowed until it is finished; and as they were when it was begun. */
  #set: EncodedSet = { octets: NO_OCTETS, length: 0, nextHop: NO_OCTETS, version: 0 };
  #attributes: Uint8Array = NO_OCTETS;
  #attributesLength = 0;
  #version = 0;
  messages = 0;

  /** @param options capacity: octets of a block, at least one message; maximum: octets of a message; pathIds: RFC 7911 */
  constructor(
    family: Family,
    options: { readonly capacity?: number; readonly maximum?: number; readonly pathIds?: boolean } = {},
  ) {
    const { capacity = 64 * 1024, maximum = MAX_MESSAGE_LENGTH, pathIds = false } = options;
    if (capacity < maximum) throw new RangeError(`a block of ${capacity} octets for messages of ${maximum}`);
    this.#family = family;
    this.#hasClassic = sameFamily(family, IPV4_UNICAST);
    this.#idLength = pathIds ? PATH_ID_LENGTH : 0;
    this.#capacity = capacity;
    this.#maximum = maximum;
    this.#block = new Uint8Array(capacity + SPARE_OCTETS);
    this.#view = new DataView(this.#block.buffer);
  }

  /** Whether a single key of `keyLength` octets fits into a message with these attributes. */
  static fits(
    { length, nextHop }: { readonly length: number; readonly nextHop?: Uint8Array },
    keyLength: number,
    maximum: number = MAX_MESSAGE_LENGTH,
  ): boolean {
    return (
      FIXED + REACH_HEADER + ((nextHop?.length ?? NEXT_HOP_LENGTH) - NEXT_HOP_LENGTH) + length + keyLength <= maximum
    );
  }

  /**
   * Adds one route; false when the block has no room for another message (then `take` it first). `set` is borrowed until the message
   * is finished (`EncodedSet.lentTo`); the same octets of the same version again go into the same message, with the next hop of the first.
   * IPv4 routes with an IPv4 next hop (in mapped form, and in NEXT_HOP among the attributes) go into the classic fields.
   * @param pathId written where the encoder was made for identifiers
   */
  announce(set: EncodedSet, key: Uint8Array, start: number, length: number, pathId = 0): boolean {
    const { nextHop } = set;
    const classic = this.#hasClassic && isMappedIpv4(nextHop);
    const kind = classic ? CLASSIC_ANNOUNCE : ANNOUNCE;
    // In the classic form the attributes are written already.
    const tail = classic ? 0 : set.length;
    const whole = this.#idLength + length;
    const joins = this.#kind === kind && this.#attributes === set.octets && this.#version === set.version;
    if (!joins || this.#end - this.#length + whole + tail > this.#bound) {
      this.#finish();
      if (!UpdateEncoder.fits(set, whole, this.#maximum)) {
        throw new RangeError("the route does not fit a message");
      }
      const more = nextHop.length - NEXT_HOP_LENGTH;
      if (!this.#hasRoom(FIXED + REACH_HEADER + more + whole + set.length)) return false;
      this.#borrow(set);
      if (classic) this.#beginClassic();
      else this.#beginReach(nextHop);
      this.#kind = kind;
    }
    this.#copy(key, start, length, pathId);
    return true;
  }

  /** Adds one withdrawn route; false when the block has no room for another message. */
  withdraw(key: Uint8Array, start: number, length: number, pathId = 0): boolean {
    const kind = this.#hasClassic ? CLASSIC_WITHDRAW : WITHDRAW;
    const tail = this.#hasClassic ? 2 : 0;
    if (this.#kind !== kind || this.#end - this.#length + this.#idLength + length + tail > this.#bound) {
      this.#finish();
      if (!this.#hasRoom(MAX_MESSAGE_LENGTH)) return false;
      this.#beginWithdrawal();
    }
    this.#copy(key, start, length, pathId);
    return true;
  }

  /** Adds an End-of-RIB marker; false when the block has no room. @see RFC 4724 §2 */
  endOfRib(): boolean {
    this.#finish();
    if (!this.#hasRoom(MAX_MESSAGE_LENGTH)) return false;
    this.#beginWithdrawal();
    this.#finish();
    return true;
  }

  /** All finished messages, for good; `undefined` when there are none. */
  take(): Uint8Array | undefined {
    const messages = this.lend();
    // A small batch does not cost a block of full size.
    if (messages === undefined || messages.length * 2 <= this.#capacity) return messages?.slice();
    this.keep();
    return messages;
  }

  /** The same where they lie, until something more is announced. Who needs them longer says so (`keep`) before that. */
  lend(): Uint8Array | undefined {
    this.#finish();
    const length = this.#length;
    if (length === 0) return undefined;
    this.#length = this.#end = 0;
    return this.#block.subarray(0, length);
  }

  /** What was lent belongs to whom it was lent to. */
  keep(): void {
    this.#block = new Uint8Array(this.#capacity + SPARE_OCTETS);
    this.#view = new DataView(this.#block.buffer);
  }

  /** Whether another message of `least` octets fits the block: a short rest is not worth one. Sets how long it may become. */
  #hasRoom(least: number): boolean {
    const room = this.#capacity - this.#length;
    this.#bound = Math.min(this.#maximum, room);
    return room >= Math.max(least, MAX_MESSAGE_LENGTH);
  }

  #beginReach(nextHop: Ipv6Address): void {
    let at = this.#begin(AttributeCode.MpReachNlri);
    this.#block[at++] = nextHop.length;
    copyOctets(this.#nextHops.over(nextHop), 0, this.#view, at, nextHop.length);
    at += nextHop.length;
    this.#block[at++] = 0;
    this.#end = at;
  }

  #beginWithdrawal(): void {
    this.#kind = this.#hasClassic ? CLASSIC_WITHDRAW : WITHDRAW;
    this.#end = this.#hasClassic ? this.#length + HEADER_LENGTH + 2 : this.#begin(AttributeCode.MpUnreachNlri);
  }

  /** No withdrawn routes, the attributes, and then routes up to the message's end. @see RFC 4271 §4.3 */
  #beginClassic(): void {
    this.#end = this.#length + FIXED;
    this.#appendAttributes();
  }

  #borrow(set: EncodedSet): void {
    if (set.lentTo !== this) set.lentTo?.giveBack();
    set.lentTo = this;
    this.#set = set;
    this.#attributes = set.octets;
    this.#attributesLength = set.length;
    this.#version = set.version;
  }

  /** The message that is being filled is finished, so that its attributes may become others. */
  giveBack(): void {
    this.#finish();
  }

  #appendAttributes(): void {
    const { octets, version } = this.#set;
    const length = this.#attributesLength;
    if (version !== this.#version)
      throw new Error("attributes became others while a message was filled with their routes");
    copyWholeWords(this.#sets.over(octets), 0, this.#view, this.#end, length);
    this.#end += length;
  }

  #begin(code: number): number {
    const block = this.#block;
    let at = this.#length + FIXED;
    block[at++] = OPTIONAL_EXTENDED;
    block[at++] = code;
    at += 2; // the length comes when the message is finished
    block[at++] = this.#family.afi >>> 8;
    block[at++] = this.#family.afi & 0xff;
    block[at++] = this.#family.safi;
    return at;
  }

  #copy(key: Uint8Array, start: number, length: number, pathId: number): void {
    if (this.#idLength > 0) {
      this.#view.setInt32(this.#end, pathId);
      this.#end += this.#idLength;
    }
    copyWholeWords(this.#keys.over(key), start, this.#view, this.#end, length);
    this.#end += length;
  }

  #finish(): void {
    const kind = this.#kind;
    if (kind === NO_MESSAGE) return;
    const block = this.#block;
    const first = this.#length + FIXED;
    const lengths = this.#length + HEADER_LENGTH;
    if (kind === CLASSIC_WITHDRAW) {
      put16(block, lengths, this.#end - lengths - 2);
      put16(block, this.#end, 0);
      this.#end += 2;
    } else {
      if (kind !== CLASSIC_ANNOUNCE) put16(block, first + 2, this.#end - first - 4);
      if (kind === ANNOUNCE) this.#appendAttributes();
      put16(block, lengths, 0);
      put16(block, lengths + 2, kind === CLASSIC_ANNOUNCE ? this.#attributesLength : this.#end - first);
    }
    writeHeader(this.#view, this.#end - this.#length, MessageType.Update, this.#length);
    this.#length = this.#end;
    this.#kind = NO_MESSAGE;
    if (this.#set.lentTo === this) this.#set.lentTo = undefined;
    this.messages++;
  }
}

/** The whole message. @see RFC 4724 §2 */
export function encodeEndOfRib(family: Family): Uint8Array {
  const body = Uint8Array.of(0, 0, 0, 6, AttributeFlag.Optional, AttributeCode.MpUnreachNlri, 3, 0, 0, family.safi);
  put16(body, 7, family.afi);
  // IPv4 unicast has a form of its own.
  const ipv4Unicast = family.afi === 1 && family.safi === 1;
  return encodeMessage(MessageType.Update, ipv4Unicast ? new Uint8Array(4) : body);
}

function put16(octets: Uint8Array, at: number, value: number): void {
  octets[at] = value >>> 8;
  octets[at + 1] = value;
}

/** Octets in front of the first key of an announcement and of a withdrawal, header included. */
export const UPDATE_OVERHEAD = { announce: FIXED + REACH_HEADER, withdraw: FIXED + UNREACH_HEADER } as const;
