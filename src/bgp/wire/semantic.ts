import { Reader, ShortRead, type Writer } from "../../base/index.ts";
import type { RouteLease, SemanticAttribute, SiteState } from "../../rib/index.ts";
import { TLV_ROWS, type TlvRow } from "./semantic-tlvs.ts";

/** First four octets of the value: "SEMR". */
export const SEMANTIC_MAGIC = 0x53454d52;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A SEMANTIC attribute while its TLVs are read. */
export interface SemanticDraft extends Omit<Mutable<SemanticAttribute>, "lease" | "labels" | "opaque" | "score"> {
  lease?: RouteLease;
  score?: number;
  metrics: number;
  state: SiteState;
  labels: { text: string; critical: boolean }[];
  opaque: { type: number; value: Uint8Array }[];
}

const BY_TYPE = new Map<number, TlvRow>(TLV_ROWS.map((row) => [row.type, row]));

/**
 * The SEMANTIC attribute of a value, or what is wrong with it (then the routes are treated as withdrawn: what it says
 * decides about the choice, so it is never merely discarded). A malformed metric is the worst score instead.
 *
 *     | magic u32 = "SEMR" | { type u16, length u16, value }* |
 *
 * Unknown TLVs are kept. The answer holds copies only.
 * @see DESIGN sections 4.2 and 4.4; RFC 7606 §2
 */
export function decodeSemantic(value: Uint8Array): SemanticAttribute | string {
  const reader = new Reader(value);
  if (reader.left < 4 || reader.u32() !== SEMANTIC_MAGIC) return "no magic";
  const draft: SemanticDraft = { metrics: 0, state: "up", labels: [], opaque: [] };
  const seen = new Set<number>();
  while (reader.left > 0) {
    if (reader.left < 4) return "half a TLV header";
    const type = reader.u16();
    const length = reader.u16();
    if (length > reader.left) return `TLV ${type} longer than the attribute`;
    const body = reader.within(length);
    const row = BY_TYPE.get(type);
    if (row === undefined) {
      draft.opaque.push({ type, value: body.rest().slice() });
      continue;
    }
    if (!row.repeats && seen.has(type)) return `${row.name} twice`;
    seen.add(type);
    if (!decodeTlv(row, body, draft)) return `malformed ${row.name}`;
  }
  if (draft.lease === undefined) return "no lease";
  const { metrics, score, lease, ...others } = draft;
  // Two scores contradict each other: that is a malformed metric.
  return { ...others, lease, score: metrics === 1 ? (score ?? 0) : 0 };
}

function decodeTlv(row: TlvRow, body: Reader, draft: SemanticDraft): boolean {
  try {
    return row.decode(body, draft) && body.left === 0;
  } catch (cause) {
    if (cause instanceof ShortRead) return false;
    throw cause;
  }
}

/** Without the TLVs that only this domain may know what to do with. Metrics of other levels are known, if not used. @see DESIGN section 4.4 */
export function withoutUnknownTlvs(semantic: SemanticAttribute): SemanticAttribute {
  const known = semantic.opaque.filter(({ type }) => BY_TYPE.has(type));
  return known.length === semantic.opaque.length ? semantic : { ...semantic, opaque: known };
}

/** The value of the attribute. TLVs come in the order of their types, unknown ones last. */
export function encodeSemantic(semantic: SemanticAttribute, out: Writer): void {
  out.u32(SEMANTIC_MAGIC);
  const tlv = (type: number, value: Uint8Array): void => {
    out.u16(type).lengthPrefixed16(() => out.bytes(value));
  };
  for (const row of TLV_ROWS) for (const value of row.encode(semantic)) tlv(row.type, value);
  for (const { type, value } of semantic.opaque) tlv(type, value);
}
