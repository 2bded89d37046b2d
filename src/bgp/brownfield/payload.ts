import { Writer } from "../../base/index.ts";
import type { AttributeSet, OpaqueAttribute, SemanticAttribute } from "../../rib/index.ts";
import { decodeSemantic, encodeSemantic } from "../wire/index.ts";

/** Optional and transitive. Others set the Partial bit, or do not: it means nothing here. */
const FLAGS = 0xc0;
/** More than this is not attached: other routers have been seen to carry so much. */
const LONGEST_PAYLOAD = 2000;
const ROOM = 8192;

/** Codes that have a meaning for this router, and those that end somebody's session. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 25, 26, 32, 35].map(
    (code) => [code, "this router gives it its own meaning"] as const,
  ),
  [22, "FRR 8 resets its session, and GoBGP 3 changes the value"],
  [23, "FRR 8 resets its session"],
  [40, "FRR 8 resets its session"],
  [254, "BIRD 2 uses it inside and withdraws the route"],
  [255, "OpenBGPD drops it, and it is that of the capability family"],
]);

/** What other daemons have been seen to do to a route with such an attribute, or what else the code stands for. */
const TROUBLE: ReadonlyMap<number, string> = new Map([
  [11, "FRR 8 withdraws the route"],
  [29, "GoBGP 3 withdraws the route"],
  [42, "it is assigned to metadata of edge services"],
]);

/** Whether an operator may choose this code for the payload attribute, and what to know about it. */
export function judgePayloadCode(
  code: number,
): { readonly usable: true; readonly warning?: string } | { readonly usable: false; readonly reason: string } {
  if (!Number.isInteger(code) || code < 1 || code > 255) return { usable: false, reason: "it has one octet" };
  const reason = REFUSED.get(code);
  if (reason !== undefined) return { usable: false, reason };
  const warning = TROUBLE.get(code);
  return warning === undefined ? { usable: true } : { usable: true, warning };
}

/** The attribute; `undefined` when it would be too long to be carried everywhere. */
export function payloadAttribute(semantic: SemanticAttribute, code: number): OpaqueAttribute | undefined {
  const out = new Writer(ROOM);
  encodeSemantic(semantic, out);
  const value = out.finish();
  return value.length > LONGEST_PAYLOAD ? undefined : { flags: FLAGS, code, value };
}

/** What it says; `undefined` where it is not there, or has been damaged on the way. */
export function readPayload(set: AttributeSet, code: number | undefined): SemanticAttribute | undefined {
  const attribute = code === undefined ? undefined : set.opaque.find((other) => other.code === code);
  if (attribute === undefined) return undefined;
  const semantic = decodeSemantic(attribute.value);
  return typeof semantic === "string" ? undefined : semantic;
}

/** The attributes without the payload. */
export function withoutPayload(set: AttributeSet, code: number | undefined): AttributeSet["opaque"] {
  return code === undefined ? set.opaque : set.opaque.filter((other) => other.code !== code);
}
