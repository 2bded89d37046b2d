import { Reader, ShortRead, Writer } from "../../../base/index.ts";

export type RtrVersion = 0 | 1;

/** @see RFC 8210 §5; IANA "RPKI-RTR PDU Types" */
export const PduType = {
  SerialNotify: 0,
  SerialQuery: 1,
  ResetQuery: 2,
  CacheResponse: 3,
  Ipv4Prefix: 4,
  Ipv6Prefix: 6,
  EndOfData: 7,
  CacheReset: 8,
  RouterKey: 9,
  ErrorReport: 10,
} as const;

/** @see RFC 8210 §12 */
export const RtrError = {
  CorruptData: 0,
  InternalError: 1,
  NoDataAvailable: 2,
  InvalidRequest: 3,
  UnsupportedProtocolVersion: 4,
  UnsupportedPduType: 5,
  WithdrawalOfUnknownRecord: 6,
  DuplicateAnnouncementReceived: 7,
  UnexpectedProtocolVersion: 8,
} as const;

/** Version, type, session ID or error code, length. @see RFC 8210 §5.1 */
export const PDU_HEADER_LENGTH = 8;
/** An Error Report with a PDU and a text; all others are much shorter. */
export const MAX_PDU_LENGTH = 65536;

/** One VRP as a PDU has it: announced or withdrawn. */
export interface PrefixPdu {
  readonly type: "prefix";
  readonly announce: boolean;
  /** 4 or 16 octets, borrowed. */
  readonly address: Uint8Array;
  readonly length: number;
  readonly maxLength: number;
  readonly autonomousSystem: number;
}

/** Seconds. @see RFC 8210 §6 */
export interface RtrIntervals {
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
}

export type Pdu =
  | { readonly type: "serial-notify"; readonly sessionId: number; readonly serial: number }
  | { readonly type: "serial-query"; readonly sessionId: number; readonly serial: number }
  | { readonly type: "reset-query" }
  | { readonly type: "cache-response"; readonly sessionId: number }
  | PrefixPdu
  /** Version 0 says no intervals. */
  | {
      readonly type: "end-of-data";
      readonly sessionId: number;
      readonly serial: number;
      readonly intervals: RtrIntervals | undefined;
    }
  | { readonly type: "cache-reset" }
  /** BGPsec: of no use here. */
  | { readonly type: "router-key" }
  | { readonly type: "error-report"; readonly code: number; readonly text: string };

export interface PduFrame {
  readonly kind: "pdu";
  readonly version: number;
  readonly pdu: Pdu;
}

/** What is wrong with a PDU, as it is reported to the cache. */
export interface PduFault {
  readonly kind: "malformed";
  /** Of the PDU; 0 where there is none. */
  readonly version: number;
  readonly code: number;
  readonly reason: string;
  /** It says itself that it is an Error Report. */
  readonly isReport: boolean;
  /** The PDU, or as much of it as there is. */
  readonly octets: Uint8Array;
}

export type PduAnswer = { readonly kind: "need-more" } | PduFrame | PduFault;

const NEED_MORE = { kind: "need-more" } as const;

/** Lengths that a type must have; those of End of Data depend on the version. */
const LENGTHS: ReadonlyMap<number, number> = new Map([
  [PduType.SerialNotify, 12],
  [PduType.SerialQuery, 12],
  [PduType.ResetQuery, 8],
  [PduType.CacheResponse, 8],
  [PduType.Ipv4Prefix, 20],
  [PduType.Ipv6Prefix, 32],
  [PduType.CacheReset, 8],
]);
const LEAST: ReadonlyMap<number, number> = new Map([
  [PduType.RouterKey, 32],
  [PduType.ErrorReport, 16],
]);
const END_OF_DATA: Readonly<Record<RtrVersion, number>> = { 0: 12, 1: 24 };

/** Reads the PDU at the start of a window; its octets are borrowed. @see RFC 8210 §5; RFC 6810 §5 (version 0) */
export function decodePdu(octets: Uint8Array, start: number, end: number): PduAnswer {
  if (end - start < PDU_HEADER_LENGTH) return NEED_MORE;
  const header = new Reader(octets, start, start + PDU_HEADER_LENGTH);
  const version = header.u8();
  const type = header.u8();
  const field = header.u16();
  const length = header.u32();
  const fault = (code: number, reason: string): PduFault => {
    const shown = octets.slice(start, Math.min(end, start + Math.max(PDU_HEADER_LENGTH, Math.min(length, 256))));
    return { kind: "malformed", version, code, reason, isReport: type === PduType.ErrorReport, octets: shown };
  };
  if (version !== 0 && version !== 1) return fault(RtrError.UnsupportedProtocolVersion, `version ${version}`);
  const exact = type === PduType.EndOfData ? END_OF_DATA[version] : LENGTHS.get(type);
  const least = exact ?? LEAST.get(type);
  if (least === undefined || (type === PduType.RouterKey && version === 0))
    return fault(RtrError.UnsupportedPduType, `type ${type}`);
  if (length < least || (exact !== undefined && length !== exact) || length > MAX_PDU_LENGTH)
    return fault(RtrError.CorruptData, `type ${type} with a length of ${length}`);
  if (end - start < length) return NEED_MORE;
  const body = new Reader(octets, start + PDU_HEADER_LENGTH, start + length);
  try {
    const pdu = decodeBody(type, field, body);
    return typeof pdu === "string" ? fault(RtrError.CorruptData, pdu) : { kind: "pdu", version, pdu };
  } catch (cause) {
    if (!(cause instanceof ShortRead)) throw cause;
    return fault(RtrError.CorruptData, `type ${type}: ${cause.message}`);
  }
}

function decodeBody(type: number, field: number, body: Reader): Pdu | string {
  switch (type) {
    case PduType.SerialNotify:
      return { type: "serial-notify", sessionId: field, serial: body.u32() };
    case PduType.SerialQuery:
      return { type: "serial-query", sessionId: field, serial: body.u32() };
    case PduType.ResetQuery:
      return { type: "reset-query" };
    case PduType.CacheResponse:
      return { type: "cache-response", sessionId: field };
    case PduType.Ipv4Prefix:
      return decodePrefix(body, 4);
    case PduType.Ipv6Prefix:
      return decodePrefix(body, 16);
    case PduType.EndOfData: {
      const serial = body.u32();
      const intervals = body.left === 0 ? undefined : { refresh: body.u32(), retry: body.u32(), expire: body.u32() };
      return { type: "end-of-data", sessionId: field, serial, intervals };
    }
    case PduType.CacheReset:
      return { type: "cache-reset" };
    case PduType.RouterKey:
      return { type: "router-key" };
    default: {
      body.skip(body.u32());
      const text = body.bytes(body.u32());
      // For people; what is no UTF-8 shows as such.
      return {
        type: "error-report",
        code: field,
        text: new TextDecoder().decode(text).replace(/\p{Cc}/gu, "\u{fffd}"),
      };
    }
  }
}

/** Flags, prefix length, max length, zero, address, AS. @see RFC 8210 §5.6 and §5.7 */
function decodePrefix(body: Reader, octets: 4 | 16): PrefixPdu | string {
  const flags = body.u8();
  const length = body.u8();
  const maxLength = body.u8();
  body.skip(1);
  const address = body.bytes(octets);
  if (maxLength > 8 * octets || length > maxLength) return `a prefix of ${length} bits, at most ${maxLength}`;
  return { type: "prefix", announce: (flags & 1) === 1, address, length, maxLength, autonomousSystem: body.u32() };
}

/** @see RFC 8210 §5 */
export function encodePdu(version: RtrVersion, pdu: Pdu): Uint8Array {
  const out = new Writer(32);
  const header = (type: number, field: number, length: number): Writer =>
    out.u8(version).u8(type).u16(field).u32(length);
  switch (pdu.type) {
    case "serial-notify":
      return header(PduType.SerialNotify, pdu.sessionId, 12).u32(pdu.serial).finish();
    case "serial-query":
      return header(PduType.SerialQuery, pdu.sessionId, 12).u32(pdu.serial).finish();
    case "reset-query":
      return header(PduType.ResetQuery, 0, 8).finish();
    case "cache-response":
      return header(PduType.CacheResponse, pdu.sessionId, 8).finish();
    case "prefix": {
      const v4 = pdu.address.length === 4;
      header(v4 ? PduType.Ipv4Prefix : PduType.Ipv6Prefix, 0, v4 ? 20 : 32);
      out
        .u8(pdu.announce ? 1 : 0)
        .u8(pdu.length)
        .u8(pdu.maxLength)
        .u8(0);
      return out.bytes(pdu.address).u32(pdu.autonomousSystem).finish();
    }
    case "end-of-data": {
      header(PduType.EndOfData, pdu.sessionId, END_OF_DATA[version]).u32(pdu.serial);
      if (version === 1) {
        const { refresh, retry, expire } = pdu.intervals ?? DEFAULT_INTERVALS;
        out.u32(refresh).u32(retry).u32(expire);
      }
      return out.finish();
    }
    case "cache-reset":
      return header(PduType.CacheReset, 0, 8).finish();
    case "router-key":
      throw new TypeError("router keys are not written");
    case "error-report":
      return encodeErrorReport(version, pdu.code, pdu.text);
  }
}

/** With the PDU that is wrong, if there is one. @see RFC 8210 §5.11 */
export function encodeErrorReport(version: RtrVersion, code: number, text: string, erroneous?: Uint8Array): Uint8Array {
  const said = new TextEncoder().encode(text);
  const pdu = erroneous ?? new Uint8Array(0);
  const out = new Writer(32 + said.length + pdu.length);
  out
    .u8(version)
    .u8(PduType.ErrorReport)
    .u16(code)
    .u32(16 + said.length + pdu.length);
  return out.u32(pdu.length).bytes(pdu).u32(said.length).bytes(said).finish();
}

/** @see RFC 8210 §6 */
export const DEFAULT_INTERVALS: RtrIntervals = { refresh: 3600, retry: 600, expire: 7200 };

/** Cuts a stream into PDUs; keeps at most one unfinished one. */
export class PduFramer {
  #octets: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /** Borrows the chunk until `next` has answered `need-more`. */
  feed(chunk: Uint8Array): void {
    const left = this.#end - this.#at;
    if (left === 0) this.#octets = chunk;
    else {
      const octets = new Uint8Array(left + chunk.length);
      octets.set(this.#octets.subarray(this.#at, this.#end));
      octets.set(chunk, left);
      this.#octets = octets;
    }
    this.#at = 0;
    this.#end = left + chunk.length;
  }

  /** After `malformed` the stream is of no further use. */
  next(): PduAnswer {
    const answer = decodePdu(this.#octets, this.#at, this.#end);
    if (answer.kind === "pdu") {
      const view = new DataView(this.#octets.buffer, this.#octets.byteOffset + this.#at);
      this.#at += view.getUint32(4);
    } else if (answer.kind === "need-more") {
      // The chunk is not ours: what is left of it is kept as a copy.
      this.#octets = new Uint8Array(this.#octets.subarray(this.#at, this.#end));
      this.#end -= this.#at;
      this.#at = 0;
    }
    return answer;
  }
}
