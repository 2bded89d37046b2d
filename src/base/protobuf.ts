/*
 * The protobuf encoding as far as it takes no `.proto`: fields by their number. For what is sent so often that a library is too
 * slow, and for a program that has to be there at once.
 */

import { ShortRead } from "./octets.ts";

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** A message whose octets are no protobuf. */
export class MalformedMessage extends Error {
  constructor(reason: string) {
    super(reason);
    this.name = "MalformedMessage";
  }
}

/** Octets that a number up to 2^53 takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Up to 2^53. */
export function writeVarint(into: Uint8Array, at: number, value: number): number {
  let rest = value;
  let place = at;
  while (rest > 0x7f) {
    into[place++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  into[place++] = rest;
  return place;
}

/** A field of octets, text or a message: parts one after the other. Fields up to 15. */
export function fieldOctets(field: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  const octets = Buffer.allocUnsafe(1 + varintSize(length) + length);
  octets[0] = (field << 3) | LENGTH;
  let at = writeVarint(octets, 1, length);
  for (const part of parts) {
    octets.set(part, at);
    at += part.length;
  }
  return octets;
}

/** A field of a number that is not negative. Fields up to 15. */
export function fieldNumber(field: number, value: number): Buffer {
  const octets = Buffer.allocUnsafe(1 + varintSize(value));
  octets[0] = (field << 3) | VARINT;
  writeVarint(octets, 1, value);
  return octets;
}

const UTF8 = new TextEncoder();

/** A field of text, in UTF-8. */
export const fieldText = (field: number, text: string): Buffer => fieldOctets(field, UTF8.encode(text));

/** A field of a message, with what its number says of its kind. */
export interface MessageField {
  readonly field: number;
  /** Of numbers; 64 bits, without a sign. */
  readonly number?: bigint;
  /** Of octets, text and messages: a view of the message. */
  readonly octets?: Uint8Array;
}

/**
 * The fields of a message in their order.
 * @throws {MalformedMessage} for what is cut off, too long, or of a kind that proto3 has not
 */
export function* messageFields(message: Uint8Array): Generator<MessageField, void, void> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const taken = (count: number): number => {
    if (count > message.length - at) throw malformed(new ShortRead(count, message.length - at));
    at += count;
    return at - count;
  };
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const octet = message[taken(1)]!;
      value |= BigInt(octet & 0x7f) << shift;
      if (octet < 0x80) return BigInt.asUintN(64, value);
    }
    throw new MalformedMessage("a number has more than ten octets");
  };
  while (at < message.length) {
    const tag = varint();
    const field = Number(tag >> 3n);
    if (field < 1 || tag > 0xffff_ffffn) throw new MalformedMessage(`there is no field ${tag >> 3n}`);
    switch (Number(tag & 7n)) {
      case VARINT:
        yield { field, number: varint() };
        break;
      case FIXED64:
        yield { field, number: view.getBigUint64(taken(8), true) };
        break;
      case FIXED32:
        yield { field, number: BigInt(view.getUint32(taken(4), true)) };
        break;
      case LENGTH: {
        const length = varint();
        const count = length > BigInt(message.length) ? Number.POSITIVE_INFINITY : Number(length);
        const start = taken(count);
        yield { field, octets: message.subarray(start, at) };
        break;
      }
      default:
        throw new MalformedMessage(`field ${field} is of a kind that there is not`);
    }
  }
}

const malformed = ({ message }: ShortRead): MalformedMessage => new MalformedMessage(`it is cut off: ${message}`);
