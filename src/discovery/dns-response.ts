import { type Answer, encode, type OptAnswer } from "dns-packet";
import { formatIpv4, formatIpv6 } from "../base/index.ts";
import { type DnsQuery, decodeDnsQuery, type Edns, Flag } from "./dns-query.ts";
import { type CapabilityZones, type DnsAnswer, Rcode, type RcodeName, type ZoneOptions } from "./zone.ts";

export type Transport = "udp" | "tcp";

/** The octets to send back, and what they say. */
export interface DnsResponse {
  readonly octets: Uint8Array;
  readonly rcode: RcodeName;
  readonly truncated: boolean;
}

export type DnsReply = DnsResponse | Extract<DnsQuery, { readonly type: "ignored" }>;

/** Without EDNS. @see RFC 1035 §4.2.1 */
const PLAIN_UDP_OCTETS = 512;
/** What crosses nearly every path unfragmented; the DNS flag day 2020 value. */
const MOST_UDP_OCTETS = 1_232;
const MOST_TCP_OCTETS = 65_535;

const NEGATIVE_TTL = 30;
const SOA_TIMES = { refresh: 3_600, retry: 600, expire: 604_800, minimum: NEGATIVE_TTL } as const;

export interface ResponderParts {
  readonly zones: CapabilityZones;
  /** Serial of the zones: the taxonomy's revision. */
  readonly serial: number;
  readonly options: ZoneOptions;
}

/** Answers one message. Pure: the same octets give the same reply. Keeps nothing of `octets`. */
export function respond(octets: Uint8Array, transport: Transport, parts: ResponderParts): DnsReply {
  const query = decodeDnsQuery(octets);
  switch (query.type) {
    case "ignored":
      return query;
    case "malformed":
      return bare(query, "FORMERR");
    case "unsupported":
      return bare(query, "NOTIMP");
    case "query":
      return query.edns !== undefined && query.edns.version > 0
        ? assemble(query, transport, { rcode: "BADVERS", answers: [], authorities: [] })
        : assemble(query, transport, records(query, parts));
  }
}

/** The reply that makes an honest client ask again over TCP. */
export function truncated(octets: Uint8Array): Uint8Array | undefined {
  const query = decodeDnsQuery(octets);
  if (query.type !== "query") return undefined;
  return message(query, Flag.TC, { rcode: "NOERROR", answers: [], authorities: [] });
}

interface Records {
  readonly rcode: RcodeName;
  readonly authoritative?: true;
  readonly answers: Answer[];
  readonly authorities: Answer[];
}

type AnsweredQuery = Extract<DnsQuery, { readonly type: "query" }>;

function records(query: AnsweredQuery, parts: ResponderParts): Records {
  const answer = parts.zones.answer(query.question);
  if (answer.rcode === "REFUSED") return { rcode: "REFUSED", answers: [], authorities: [] };
  const all = answerRecords(query, answer, parts);
  return { rcode: answer.rcode, authoritative: true, ...all };
}

function answerRecords(
  { question }: AnsweredQuery,
  answer: Exclude<DnsAnswer, { readonly rcode: "REFUSED" }>,
  { serial, options: { ttl, nameServer } }: ResponderParts,
): Pick<Records, "answers" | "authorities"> {
  const soa = (name: string): Answer => {
    const data = { mname: nameServer, rname: `hostmaster.${nameServer}`, serial, ...SOA_TIMES };
    return { name, type: "SOA", ttl: NEGATIVE_TTL, data };
  };
  if (answer.rcode === "NXDOMAIN") return { answers: [], authorities: [soa(answer.apex)] };
  switch (answer.type) {
    case "nodata":
      return { answers: [], authorities: [soa(answer.apex)] };
    case "soa":
      return { answers: [soa(answer.apex)], authorities: [] };
    case "ns":
      return { answers: [{ name: answer.apex, type: "NS", ttl, data: nameServer }], authorities: [] };
    case "address":
      return {
        answers: [{ name: nameOf(question), type: "AAAA", ttl, data: formatIpv6(answer.address) }],
        authorities: [],
      };
    case "ipv4-address":
      return {
        answers: [{ name: nameOf(question), type: "A", ttl, data: formatIpv4(answer.address) }],
        authorities: [],
      };
  }
}

/** A name with an address is made of letters, digits and hyphens: its labels are text. The client's case is kept. */
function nameOf({ labels }: AnsweredQuery["question"]): string {
  return labels.map((label) => String.fromCharCode(...label)).join(".");
}

function assemble(query: AnsweredQuery, transport: Transport, content: Records): DnsResponse {
  const whole = message(query, 0, content);
  if (whole.length <= mostOctets(transport, query.edns)) {
    return { octets: whole, rcode: content.rcode, truncated: false };
  }
  const empty: Records = { ...content, answers: [], authorities: [] };
  return { octets: message(query, Flag.TC, empty), rcode: content.rcode, truncated: true };
}

function mostOctets(transport: Transport, edns: Edns | undefined): number {
  if (transport === "tcp") return MOST_TCP_OCTETS;
  if (edns === undefined) return PLAIN_UDP_OCTETS;
  return Math.min(Math.max(edns.udpSize, PLAIN_UDP_OCTETS), MOST_UDP_OCTETS); // RFC 6891 §6.2.3
}

/** Header, the question octet for octet, and the records, which dns-packet writes without compression. */
function message(query: AnsweredQuery, extra: number, content: Records): Uint8Array {
  const code = Rcode[content.rcode];
  const kept = query.flags & (Flag.RD | Flag.CD);
  const flags = kept | extra | (content.authoritative === undefined ? 0 : Flag.AA) | (code & 0xf);
  const encoded = encode({
    type: "response",
    id: query.id,
    flags,
    answers: content.answers,
    authorities: content.authorities,
    additionals: query.edns === undefined ? [] : [opt(query.edns, code)],
  });
  const { octets: question } = query.question;
  const octets = new Uint8Array(encoded.length + question.length);
  octets.set(encoded.subarray(0, 12));
  octets[5] = 1; // QDCOUNT
  octets.set(question, 12);
  octets.set(encoded.subarray(12), 12 + question.length);
  return octets;
}

function opt(edns: Edns, code: number): OptAnswer {
  return {
    type: "OPT",
    name: ".",
    udpPayloadSize: MOST_UDP_OCTETS,
    extendedRcode: code >>> 4,
    ednsVersion: 0,
    flags: edns.dnssecOk ? 0x8000 : 0, // copied: RFC 3225 §3
    flag_do: edns.dnssecOk,
    options: [],
  };
}

/** A header and nothing else, for what could not be read. */
function bare({ id, flags }: { readonly id: number; readonly flags: number }, rcode: RcodeName): DnsResponse {
  const octets = new Uint8Array(12);
  const view = new DataView(octets.buffer);
  view.setUint16(0, id);
  view.setUint16(2, Flag.QR | (flags & 0x7800) | (flags & Flag.RD) | Rcode[rcode]);
  return { octets, rcode, truncated: false };
}
