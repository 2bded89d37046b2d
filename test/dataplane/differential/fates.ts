import type { Outcome } from "../../../src/dataplane/memory/outcome.ts";
import type { PlanTables } from "../../../src/dataplane/memory/plan-tables.ts";
import { tagsOf } from "../../../src/dataplane/memory/vlan.ts";
import type { Step } from "./arbitrary.ts";
import { OPTIONS } from "./pool.ts";

/** What ICMPv6 errors come to when their quote has a flow, and the error that the pass tells a site about its way back. */
export const ERRORS = [
  "error delivered",
  "error returned",
  "error encapsulated",
  "error hair-pinned",
  "reject-too-big on the way back",
  "drop-fragment answered",
  "drop-fragment answered on the way back",
  "sent to another tenant",
  "delivered with a tag",
  "marked",
  ...["first", "later"].flatMap((one) =>
    ["encapsulated", "delivered", "returned"].map((to) => `${one} fragment ${to}`),
  ),
  ...["encapsulated in turn", "delivered in turn"],
  ...["passed", "encapsulated", "delivered", "returned", "reject-tenant"].map((to) => `${to} tagged`),
  ...["encapsulated", "reject-too-big", "reject-empty-group", "drop-capability-rate", "reject-no-route"].map(
    (to) => `${to} without an entry`,
  ),
];

/** The row of ERRORS that an outcome belongs to. */
export function errorText(
  { frame: before, port }: Extract<Step, { type: "packet" }>,
  { verdict, action, frame }: Outcome,
): string | undefined {
  if (verdict === "drop-fragment" && action === "reply") {
    const isBack = port.role === "agent" && before[14 + 24] !== OPTIONS.domain.address[0];
    return `drop-fragment answered${isBack ? " on the way back" : ""}`;
  }
  if (action !== "forward" || before[12] !== 0x86) return undefined;
  if (verdict === "reject-too-big") return "reject-too-big on the way back";
  if (verdict === "encapsulated" || verdict === "hair-pinned")
    return frame[14 + 40 + 6] === 58 && frame[14 + 80]! < 128 ? `error ${verdict}` : undefined;
  return frame[20] === 58 && frame[54]! < 128 ? `error ${verdict}` : undefined;
}

/** Rows of ERRORS that are about policy. */
export function policyTexts(
  { frame: before }: Extract<Step, { type: "packet" }>,
  { action, frame, effects }: Outcome,
): string[] {
  const sent = effects.find((effect) => effect.type === "count-tenant" && effect.as === "sent");
  const isForeign = sent?.type === "count-tenant" && sent.tenantIndex !== before[14 + 24 + 7];
  const isMarked = action === "forward" && before[20] !== 41 && ((before[15]! ^ frame[15]!) & 0xc0) !== 0;
  return [
    ...(isForeign ? ["sent to another tenant"] : []),
    ...(effects.some(({ type }) => type === "count-tag") ? ["delivered with a tag"] : []),
    ...(isMarked ? ["marked"] : []),
  ];
}

/** Rows of ERRORS that are about how datagrams are spread. */
export function spreadTexts(
  { frame: before, port }: Extract<Step, { type: "packet" }>,
  { verdict, effects }: Outcome,
): string[] {
  const tags = tagsOf(port, before);
  const inner = verdict === "delivered" && port.role === "core" ? 54 : 14;
  const isFragment = before[inner + 6] === 44;
  const isLater = isFragment && ((before[inner + 42]! << 8) | before[inner + 43]!) >= 8;
  return [
    ...(isFragment && ["encapsulated", "delivered", "returned"].includes(verdict)
      ? [`${isLater ? "later" : "first"} fragment ${verdict}`]
      : []),
    ...(tags === undefined ? [] : [`${verdict} tagged`]),
    ...(effects.some(({ type }) => type === "take-turn") ? [`${verdict} in turn`] : []),
  ];
}

/** Rows of ERRORS that are about capabilities without an entry, below an aggregate. */
export function aggregateTexts(
  plan: PlanTables,
  { frame, port }: Extract<Step, { type: "packet" }>,
  { verdict }: Outcome,
): string[] {
  if (frame[12] !== 0x86 || frame[13] !== 0xdd) return [];
  const at = (offset: number): Uint8Array => frame.subarray(offset, offset + 16);
  // Of what came through a tunnel the inner one, which an aggregate here must not send on.
  const inside = { "reject-too-big": at(14 + 8), "reject-no-route": at(54 + 24) } as Record<string, Uint8Array>;
  const about = (port.role === "core" ? inside[verdict] : undefined) ?? at(14 + 24);
  if (about.length < 16 || plan.capability(about) !== undefined || plan.aggregate(about) === undefined) return [];
  return [`${verdict} without an entry`];
}
