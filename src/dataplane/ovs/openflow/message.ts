import { Reader, ShortRead, Writer } from "../../../base/index.ts";

/** Version number of OpenFlow 1.5 on the wire. @see OpenFlow 1.5.1 §7.1.1 */
export const VERSION = 6;
const HEADER_LENGTH = 8;

/** @see OpenFlow 1.5.1 §7.1.1, `enum ofp_type` */
export const TYPE = {
  hello: 0,
  error: 1,
  echoRequest: 2,
  echoReply: 3,
  featuresRequest: 5,
  featuresReply: 6,
  setConfig: 9,
  packetIn: 10,
  packetOut: 13,
  flowMod: 14,
  groupMod: 15,
  multipartRequest: 18,
  multipartReply: 19,
  barrierRequest: 20,
  barrierReply: 21,
  setAsync: 28,
  meterMod: 29,
  bundleControl: 33,
  bundleAdd: 34,
} as const;

export interface Message {
  readonly version: number;
  readonly type: number;
  readonly xid: number;
  readonly body: Uint8Array;
}

/** What the octets that have come so far begin with. */
export type Framed =
  | { readonly type: "need-more" }
  | { readonly type: "message"; readonly message: Message; readonly length: number }
  | { readonly type: "malformed"; readonly reason: string };

/** Takes the first message off a stream; its body is a view of `octets`. @see OpenFlow 1.5.1 §7.1.1 */
export function frame(octets: Uint8Array): Framed {
  if (octets.length < HEADER_LENGTH) return { type: "need-more" };
  const reader = new Reader(octets);
  const version = reader.u8();
  const type = reader.u8();
  const length = reader.u16();
  const xid = reader.u32();
  if (length < HEADER_LENGTH) return { type: "malformed", reason: `a message says that it has ${length} octets` };
  if (octets.length < length) return { type: "need-more" };
  return { type: "message", message: { version, type, xid, body: octets.subarray(HEADER_LENGTH, length) }, length };
}

/** A message with its header. @throws {RangeError} when it is longer than a two-octet length says */
export function encode(type: number, xid: number, write: (body: Writer) => void = () => undefined): Uint8Array {
  const body = new Writer();
  write(body);
  const length = HEADER_LENGTH + body.length;
  if (length > 0xffff) throw new RangeError(`an OpenFlow message of ${length} octets`);
  return new Writer(length).u8(VERSION).u8(type).u16(length).u32(xid).bytes(body.finish()).finish().slice();
}

export const zeros = (count: number): Uint8Array => new Uint8Array(count);

/** Fills up to a multiple of eight octets, counted from `start`. */
export function pad8(writer: Writer, start: number): void {
  const beyond = (writer.length - start) % 8;
  if (beyond > 0) writer.bytes(zeros(8 - beyond));
}

/** What the switch refused. @see OpenFlow 1.5.1 §7.5.4 */
export interface Refusal {
  readonly type: number;
  readonly code: number;
}

/** What `decode` makes of a body; a body that ends too early, or says what cannot be, is a value too. */
export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/** The one place where truncation becomes a value. */
export function decoded<T>(what: string, body: Uint8Array, decode: (reader: Reader) => T): Decoded<T> {
  try {
    return { ok: true, value: decode(new Reader(body)) };
  } catch (cause) {
    if (!(cause instanceof ShortRead)) throw cause;
    return { ok: false, reason: `${what}: ${cause.message}` };
  }
}

export const decodeError = (body: Uint8Array): Decoded<Refusal> =>
  decoded("an error", body, (reader) => ({ type: reader.u16(), code: reader.u16() }));

export const hello = (xid: number): Uint8Array =>
  // A version bitmap that names 1.5 alone. @see OpenFlow 1.5.1 §7.5.1
  encode(TYPE.hello, xid, (body) =>
    body
      .u16(1)
      .u16(8)
      .u32(1 << VERSION),
  );

/** Whole packets to the controller, which also makes a service connection get any. @see OpenFlow 1.5.1 §7.3.2 */
export const setConfig = (xid: number): Uint8Array => encode(TYPE.setConfig, xid, (body) => body.u16(0).u16(0xffff));

const PACKET_IN_REASONS = 0b11011; // table-miss (a flow that matches all), apply-action, action-set, group
/** Packets that a flow or a group sends here; no other news. @see OpenFlow 1.5.1 §7.3.10 */
export const setAsync = (xid: number): Uint8Array =>
  encode(TYPE.setAsync, xid, (body) => {
    for (let property = 0; property < 12; property++)
      body
        .u16(property)
        .u16(8)
        .u32(property < 2 ? PACKET_IN_REASONS : 0);
  });

const BUNDLE = { open: 0, opened: 1, commit: 4, committed: 5, discard: 6, discarded: 7 } as const;
const BUNDLE_FLAGS = 3; // atomic, ordered

const bundleControl = (step: number) => (xid: number, bundle: number) =>
  encode(TYPE.bundleControl, xid, (body) => body.u32(bundle).u16(step).u16(BUNDLE_FLAGS));
/** @see OpenFlow 1.5.1 §7.3.9 */
export const openBundle = bundleControl(BUNDLE.open);
export const commitBundle = bundleControl(BUNDLE.commit);

/** Whether a bundle-control message says that the bundle is in effect. */
export const isCommitted = (body: Uint8Array): boolean =>
  body.length >= 8 && new Reader(body, 4).u16() === BUNDLE.committed;

/** Puts a message into a bundle; both have the same xid. @see OpenFlow 1.5.1 §7.3.9.6 */
export const addToBundle = (bundle: number, message: Uint8Array): Uint8Array =>
  encode(TYPE.bundleAdd, new Reader(message, 4).u32(), (body) =>
    body.u32(bundle).u16(0).u16(BUNDLE_FLAGS).bytes(message),
  );
