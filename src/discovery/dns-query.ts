import { Reader, ShortRead } from "../base/index.ts";

export const RecordType = { A: 1, NS: 2, SOA: 6, AAAA: 28, OPT: 41, IXFR: 251, AXFR: 252, ANY: 255 } as const;
export const CLASS_IN = 1;
const OPCODE_QUERY = 0;

export const Flag = { QR: 0x8000, AA: 0x0400, TC: 0x0200, RD: 0x0100, CD: 0x0010 } as const;

export interface DnsQuestion {
  /** The labels as they came: any octets, in the client's case. Without the root. */
  readonly labels: readonly Uint8Array[];
  readonly type: number;
  readonly class: number;
  /** The question as it came, for the response to repeat. @see draft-vixie-dnsext-dns0x20 */
  readonly octets: Uint8Array;
}

/** What the client says in its OPT record. @see RFC 6891 §6.1.2 */
export interface Edns {
  readonly version: number;
  readonly udpSize: number;
  readonly dnssecOk: boolean;
}

/** A message from the network: three answers, and each says how to reply. */
export type DnsQuery =
  /** Nothing to answer: no whole header, or itself a response. */
  | { readonly type: "ignored"; readonly reason: "short" | "response" }
  | { readonly type: "malformed"; readonly id: number; readonly flags: number }
  | { readonly type: "unsupported"; readonly id: number; readonly flags: number }
  | {
      readonly type: "query";
      readonly id: number;
      readonly flags: number;
      readonly question: DnsQuestion;
      readonly edns?: Edns;
    };

const HEADER_OCTETS = 12;
const MOST_NAME_OCTETS = 255;

class FormatError extends Error {}

/**
 * Reads a query strictly: one question, every counted record within the message, nothing behind it.
 *
 * dns-packet's decoder is not used here: it gives a name as text in which the label `a.b` and the labels `a`, `b` are the
 * same, and replaces what is not UTF-8, so a server that trusts it answers for names that were not asked.
 * @see RFC 1035 §4.1; RFC 9619 (one question); RFC 6891 §6.1.1 (one OPT)
 */
export function decodeDnsQuery(octets: Uint8Array): DnsQuery {
  if (octets.length < HEADER_OCTETS) return { type: "ignored", reason: "short" };
  const reader = new Reader(octets);
  const id = reader.u16();
  const flags = reader.u16();
  if ((flags & Flag.QR) !== 0) return { type: "ignored", reason: "response" };
  if (((flags >>> 11) & 0xf) !== OPCODE_QUERY) return { type: "unsupported", id, flags };
  try {
    const questions = reader.u16();
    const before = reader.u16() + reader.u16();
    const additional = reader.u16();
    if (questions !== 1) throw new FormatError();
    const question = decodeQuestion(reader);
    for (let i = 0; i < before; i++) if (decodeRecord(reader) !== undefined) throw new FormatError();
    let edns: Edns | undefined;
    for (let i = 0; i < additional; i++) {
      const found = decodeRecord(reader);
      if (found !== undefined && edns !== undefined) throw new FormatError();
      edns ??= found;
    }
    if (reader.left > 0) throw new FormatError();
    return { type: "query", id, flags, question, ...(edns === undefined ? {} : { edns }) };
  } catch (cause) {
    if (cause instanceof FormatError || cause instanceof ShortRead) return { type: "malformed", id, flags };
    throw cause;
  }
}

/** The first name of a message cannot be compressed: there is nothing before it to point to. */
function decodeQuestion(reader: Reader): DnsQuestion {
  const start = reader.offset;
  const labels: Uint8Array[] = [];
  for (let length = reader.u8(); length > 0; length = reader.u8()) {
    if (length > 63) throw new FormatError();
    labels.push(reader.bytes(length));
    if (reader.offset - start >= MOST_NAME_OCTETS) throw new FormatError();
  }
  const type = reader.u16();
  const klass = reader.u16();
  return { labels, type, class: klass, octets: reader.octets.subarray(start, reader.offset) };
}

/** Walks over one resource record; returns what it says if it is an OPT. */
function decodeRecord(reader: Reader): Edns | undefined {
  const nameOctets = skipName(reader);
  const type = reader.u16();
  const udpSize = reader.u16();
  const ttl = reader.u32();
  const data = reader.within(reader.u16());
  if (type !== RecordType.OPT) return undefined;
  if (nameOctets !== 1) throw new FormatError();
  while (data.left > 0) {
    data.u16();
    data.skip(data.u16());
  }
  return { version: (ttl >>> 16) & 0xff, udpSize, dnssecOk: (ttl & 0x8000) !== 0 };
}

/** Octets of a name that nobody looks at; a compression pointer ends it and is not followed. */
function skipName(reader: Reader): number {
  const start = reader.offset;
  for (let length = reader.u8(); length > 0; length = reader.u8()) {
    if (length >= 0xc0) {
      reader.skip(1);
      break;
    }
    if (length > 63) throw new FormatError();
    reader.skip(length);
    if (reader.offset - start >= MOST_NAME_OCTETS) throw new FormatError();
  }
  return reader.offset - start;
}
