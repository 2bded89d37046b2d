import {
  ErrorCode,
  HEADER_LENGTH,
  HeaderSubcode,
  MAX_EXTENDED_MESSAGE_LENGTH,
  MAX_MESSAGE_LENGTH,
  MessageType,
} from "./constants.ts";
import { type NotificationMessage, notification } from "./fault.ts";

/** One message's place: `octets[start]` is the first octet of its body, behind the header. Borrowed until the next call. */
export interface Frame {
  readonly kind: "message";
  readonly type: number;
  readonly octets: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** What a stream has at the moment: too little, one message, or something that is no BGP. @see RFC 4271 §6.1 */
export type FrameAnswer =
  | { readonly kind: "need-more" }
  | Frame
  | { readonly kind: "malformed"; readonly fault: NotificationMessage };

const NEED_MORE = { kind: "need-more" } as const;

/** The longest message of a session. @see RFC 8654 §4 */
export function messageLimit({ extendedMessages }: { readonly extendedMessages: boolean }): number {
  return extendedMessages ? MAX_EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH;
}

/** Shortest and longest message of each type; the session may have a lower limit. @see RFC 4271 §6.1; RFC 2918 §3; RFC 8654 §3 */
const LENGTHS: readonly (readonly [number, number] | undefined)[] = lengthsOf([
  [MessageType.Open, 29, MAX_MESSAGE_LENGTH],
  [MessageType.Update, 23, MAX_EXTENDED_MESSAGE_LENGTH],
  [MessageType.Notification, 21, MAX_EXTENDED_MESSAGE_LENGTH],
  [MessageType.Keepalive, HEADER_LENGTH, HEADER_LENGTH],
  // Its length is checked by whoever knows what was agreed on. @see RFC 7313 §5
  [MessageType.RouteRefresh, HEADER_LENGTH + 3, MAX_MESSAGE_LENGTH],
]);

/** By type, all that an octet can say. */
function lengthsOf(rows: readonly (readonly [number, number, number])[]): readonly ([number, number] | undefined)[] {
  const byType = new Array<[number, number] | undefined>(256).fill(undefined);
  for (const [type, shortest, longest] of rows) byType[type] = [shortest, longest];
  return byType;
}

/**
 * Looks for one message at the start of a window. Every fault is found as soon as the octets that show it are there, so
 * the answer does not depend on how a stream was cut.
 * @param limit longest message that this session may carry
 * @see RFC 4271 §4.1 and §6.1; RFC 8654 §4
 */
export function frameMessage(
  octets: Uint8Array,
  start: number,
  end: number,
  limit: number = MAX_MESSAGE_LENGTH,
): FrameAnswer {
  const here = end - start;
  for (let i = 0; i < 16 && i < here; i++) {
    if (octets[start + i] !== 0xff) {
      return malformed(HeaderSubcode.ConnectionNotSynchronized);
    }
  }
  if (here < 18) return NEED_MORE;
  const length = (octets[start + 16]! << 8) | octets[start + 17]!;
  if (length < HEADER_LENGTH || length > limit) return badLength(octets, start);
  if (here < HEADER_LENGTH) return NEED_MORE;
  const type = octets[start + 18]!;
  const bounds = LENGTHS[type];
  if (bounds === undefined) return malformed(HeaderSubcode.BadMessageType, octets.slice(start + 18, start + 19));
  if (length < bounds[0] || length > bounds[1]) return badLength(octets, start);
  if (here < length) return NEED_MORE;
  return { kind: "message", type, octets, start: start + HEADER_LENGTH, end: start + length };
}

function malformed(subcode: number, data?: Uint8Array): FrameAnswer {
  return { kind: "malformed", fault: notification(ErrorCode.MessageHeader, subcode, data) };
}

function badLength(octets: Uint8Array, start: number): FrameAnswer {
  return malformed(HeaderSubcode.BadMessageLength, octets.slice(start + 16, start + 18));
}

/**
 * Cuts a stream into messages and keeps at most one unfinished message of its own: 4096 octets, or more where that is allowed
 * and comes.
 *
 * `feed` borrows the chunk until `next` has answered `need-more`; feeding again before that is a mistake of the caller.
 * Only a message that was cut by a chunk's end is copied. After `malformed` the stream is of no further use.
 */
export class Framer {
  #carry = new Uint8Array(MAX_MESSAGE_LENGTH);
  #limit = MAX_MESSAGE_LENGTH;
  #carried = 0;
  #chunk: Uint8Array = this.#carry;
  #at = 0;
  #end = 0;

  /** From the next message on: this router has offered to take them. @see RFC 8654 §4 */
  allowExtended(): void {
    this.#limit = MAX_EXTENDED_MESSAGE_LENGTH;
  }

  feed(chunk: Uint8Array): void {
    if (this.#at < this.#end) throw new Error("the framer still has octets of the last chunk");
    this.#chunk = chunk;
    this.#at = 0;
    this.#end = chunk.length;
  }

  next(): FrameAnswer {
    if (this.#carried > 0) return this.#nextFromCarry();
    const answer = frameMessage(this.#chunk, this.#at, this.#end, this.#limit);
    if (answer.kind === "message") this.#at = answer.end;
    else if (answer.kind === "need-more") this.#keep(this.#end - this.#at);
    return answer;
  }

  /** Completes the cut message: first its header, so that its length is known, then exactly the rest of it. */
  #nextFromCarry(): FrameAnswer {
    while (true) {
      const answer = frameMessage(this.#carry, 0, this.#carried, this.#limit);
      if (answer.kind === "message") this.#carried = 0;
      if (answer.kind !== "need-more") return answer;
      const wanted = this.#carried < HEADER_LENGTH ? HEADER_LENGTH : (this.#carry[16]! << 8) | this.#carry[17]!;
      const taken = Math.min(wanted - this.#carried, this.#end - this.#at);
      if (taken === 0) return NEED_MORE;
      this.#keep(taken);
    }
  }

  #keep(count: number): void {
    if (this.#carried + count > this.#carry.length) {
      const wider = new Uint8Array(MAX_EXTENDED_MESSAGE_LENGTH);
      wider.set(this.#carry.subarray(0, this.#carried));
      this.#carry = wider;
    }
    this.#carry.set(this.#chunk.subarray(this.#at, this.#at + count), this.#carried);
    this.#carried += count;
    this.#at += count;
  }
}
