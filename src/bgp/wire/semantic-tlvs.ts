import { parseCapabilityName, type Reader, seconds, Writer } from "../../base/index.ts";
import type { SemanticAttribute, SiteState } from "../../rib/index.ts";
import type { SemanticDraft } from "./semantic.ts";

/** One kind of TLV. */
export interface TlvRow {
  readonly type: number;
  readonly name: string;
  /** May occur more than once. */
  readonly repeats: boolean;
  /** False when the value is malformed; octets left over and a `ShortRead` mean the same. */
  decode(value: Reader, draft: SemanticDraft): boolean;
  /** Values to send; none when it is absent. */
  encode(semantic: SemanticAttribute): readonly Uint8Array[];
}

const STATES: readonly SiteState[] = ["up", "degraded", "draining", "down"];
const MAX_SCORE = 10;
/** Latency and cost are in 16 classes. @see DESIGN section 4.2 */
const MAX_CLASS = 15;
const METRIC_LENGTH = 11;
const LEVEL_2 = 2;
const CRITICAL = 0x80;
const PROTOCOLS = { tcp: 6, udp: 17 } as const;
/** Largest number of seconds that a double holds exactly. */
const MAX_SECONDS = BigInt(Number.MAX_SAFE_INTEGER);

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text, or `undefined` where it is empty or not UTF-8. */
function textOf(octets: Uint8Array): string | undefined {
  try {
    const text = DECODER.decode(octets);
    return text === "" ? undefined : text;
  } catch {
    return undefined; // the caller reports the TLV as malformed
  }
}

const octetsOf = (text: string): Uint8Array => ENCODER.encode(text);

function value(present: boolean, write: (out: Writer) => void): readonly Uint8Array[] {
  if (!present) return [];
  const out = new Writer(1024);
  write(out);
  return [out.finish()];
}

export const TLV_ROWS: readonly TlvRow[] = [
  {
    type: 1,
    name: "name",
    repeats: false,
    decode(body, draft) {
      const text = textOf(body.rest());
      const name = text === undefined ? undefined : parseCapabilityName(text);
      if (name !== undefined) draft.name = name;
      return name !== undefined;
    },
    encode: ({ name }) => (name === undefined ? [] : [octetsOf(name)]),
  },
  {
    type: 2,
    name: "version",
    repeats: false,
    decode(body, draft) {
      draft.version = { major: body.u16(), minor: body.u16(), compatibleMajor: body.u16() };
      return true;
    },
    encode: ({ version: v }) =>
      value(v !== undefined, (out) => out.u16(v!.major).u16(v!.minor).u16(v!.compatibleMajor)),
  },
  {
    // Level, type, format, source, statistics (u8 each), window u16 seconds, value u32. Only the Level 2 aggregate is a score;
    // well-formed metrics of other levels are passed on. @see draft-ietf-cats-metric-definition §4
    type: 3,
    name: "metric",
    repeats: true,
    decode(body, draft) {
      const whole = body.rest();
      if (whole.length === METRIC_LENGTH && whole[0] !== LEVEL_2) {
        draft.opaque.push({ type: 3, value: whole.slice() });
        return true;
      }
      const high = whole.length === METRIC_LENGTH ? whole[7]! | whole[8]! | whole[9]! | whole[1]! | whole[2]! : 1;
      const score = whole[10] ?? 0;
      draft.score = high === 0 && score <= MAX_SCORE ? score : 0;
      draft.metrics += 1;
      return true;
    },
    encode: ({ score }) =>
      value(true, (out) => out.u8(LEVEL_2).u8(0).u8(0).u8(0).u8(0).u16(0).u32(Math.min(score, MAX_SCORE))),
  },
  {
    type: 4,
    name: "capacity",
    repeats: false,
    decode(body, draft) {
      draft.capacity = { maximum: body.u32(), remaining: body.u32() };
      return true;
    },
    encode: ({ capacity: c }) => value(c !== undefined, (out) => out.u32(c!.maximum).u32(c!.remaining)),
  },
  {
    type: 5,
    name: "latency class",
    repeats: false,
    decode(body, draft) {
      draft.latencyClass = body.u8();
      return draft.latencyClass <= MAX_CLASS;
    },
    encode: ({ latencyClass: c }) => value(c !== undefined, (out) => out.u8(c!)),
  },
  {
    type: 6,
    name: "cost class",
    repeats: false,
    decode(body, draft) {
      draft.costClass = body.u8();
      return draft.costClass <= MAX_CLASS;
    },
    encode: ({ costClass: c }) => value(c !== undefined, (out) => out.u8(c!)),
  },
  {
    type: 7,
    name: "lease",
    repeats: false,
    decode(body, draft) {
      const sequence = body.u64();
      const validUntil = body.u64();
      draft.lease = { sequence, validUntil: seconds(Number(validUntil)), renew: seconds(body.u32()) };
      return validUntil <= MAX_SECONDS;
    },
    encode: ({ lease }) =>
      value(true, (out) =>
        out
          .u64(lease.sequence)
          .u64(BigInt(Math.floor(lease.validUntil)))
          .u32(lease.renew),
      ),
  },
  {
    type: 8,
    name: "label",
    repeats: true,
    decode(body, draft) {
      const critical = (body.u8() & CRITICAL) !== 0;
      const text = textOf(body.rest());
      if (text === undefined) return false;
      draft.labels.push({ text, critical });
      return true;
    },
    encode: ({ labels }) =>
      labels.map(({ text, critical }) => Uint8Array.of(critical ? CRITICAL : 0, ...octetsOf(text))),
  },
  {
    type: 9,
    name: "state",
    repeats: false,
    decode(body, draft) {
      const state = STATES[body.u8()];
      if (state !== undefined) draft.state = state;
      return state !== undefined;
    },
    encode: ({ state }) => value(true, (out) => out.u8(STATES.indexOf(state))),
  },
  {
    type: 10,
    name: "access",
    repeats: false,
    decode(body, draft) {
      const number = body.u8();
      const port = body.u16();
      const alpnOctets = body.bytes(body.u8());
      const digest = body.bytes(body.u8());
      const alpn = alpnOctets.length === 0 ? undefined : textOf(alpnOctets);
      if (alpnOctets.length > 0 && alpn === undefined) return false;
      if (number !== PROTOCOLS.tcp && number !== PROTOCOLS.udp) return false;
      draft.access = {
        protocol: number === PROTOCOLS.tcp ? "tcp" : "udp",
        port,
        ...(alpn === undefined ? {} : { alpn }),
        ...(digest.length === 0 ? {} : { descriptorDigest: digest.slice() }),
      };
      return true;
    },
    encode: ({ access: a }) =>
      value(a !== undefined, (out) => {
        const alpn = octetsOf(a!.alpn ?? "");
        const digest = a!.descriptorDigest ?? new Uint8Array(0);
        out.u8(PROTOCOLS[a!.protocol]).u16(a!.port).u8(alpn.length).bytes(alpn).u8(digest.length).bytes(digest);
      }),
  },
  {
    type: 11,
    name: "aggregate",
    repeats: false,
    decode(body, draft) {
      const [count, minimum, mean, maximum] = [body.u32(), body.u8(), body.u8(), body.u8()];
      draft.aggregate = { count, minimum, mean, maximum };
      return minimum <= mean && mean <= maximum && maximum <= MAX_SCORE;
    },
    encode: ({ aggregate: a }) =>
      value(a !== undefined, (out) => out.u32(a!.count).u8(a!.minimum).u8(a!.mean).u8(a!.maximum)),
  },
  {
    type: 12,
    name: "taxonomy revision",
    repeats: false,
    decode(body, draft) {
      draft.taxonomyRevision = body.u32();
      return true;
    },
    encode: ({ taxonomyRevision: r }) => value(r !== undefined, (out) => out.u32(r!)),
  },
  {
    type: 13,
    name: "attestation",
    repeats: false,
    decode(body, draft) {
      draft.attestation = body.rest().slice();
      return true;
    },
    encode: ({ attestation }) => (attestation === undefined ? [] : [attestation]),
  },
];
