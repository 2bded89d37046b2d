import type { Outcome } from "../../../src/dataplane/memory/outcome.ts";
import { tagsOf } from "../../../src/dataplane/memory/vlan.ts";
import type { Step } from "./arbitrary.ts";

type PacketStep = Extract<Step, { type: "packet" }>;

const GOES_ON = new Set(["encapsulated", "hair-pinned", "delivered", "returned", "reject-too-big", "drop-fragment"]);

/** What a packet is, of which each is a feature of the pass of its own. */
function traits({ frame: before, port, hook }: PacketStep, { frame, effects }: Outcome): string[] {
  const tags = (tagsOf(port, before)?.length ?? 0) / 4;
  const at = 14 + 4 * tags;
  const outer = before[at + 6]!;
  const isOut = port.role === "core" && (outer === 41 || outer === 43 || outer === 17);
  const next = outer === 41 ? before[at + 46]! : outer;
  const sent = frame[12] === 0x86 ? frame[20]! : 0;
  const isSyn = next === 6 && (before[at + (isOut ? 93 : 53)]! & 0x12) === 2;
  return [
    ...(tags > 0 ? [tags === 1 ? "a tag" : "two tags"] : []),
    ...(isOut ? [`out of ${{ 41: "IPv6", 43: "segments", 17: "VXLAN" }[outer as 41]}`] : []),
    ...(sent === 43 ? ["into segments"] : sent === 17 && before.length + 60 < frame.length ? ["into VXLAN"] : []),
    ...(next === 44 ? ["a fragment"] : []),
    ...([0, 43, 60].includes(next) && !(isOut && outer === 43) ? ["extension headers"] : []),
    ...(next === 58 ? ["an error or an echo"] : []),
    ...(isSyn && port.clampsMss === true ? ["a SYN to be clamped"] : []),
    ...(port.partialChecksums && hook === "xdp" ? ["maybe unfinished"] : []),
    ...(port.sources === undefined ? [] : ["sources looked at"]),
    ...(effects.some(({ type }) => type === "take-turn") ? ["in turn"] : []),
    ...(effects.some(({ type }) => type === "apply-policy") ? ["under a policy"] : []),
  ];
}

/** Each two of its traits, with what became of it. */
export function combinations(step: PacketStep, outcome: Outcome): string[] {
  if (!GOES_ON.has(outcome.verdict)) return [];
  const all = traits(step, outcome);
  return all.flatMap((one, i) =>
    all.slice(i + 1).map((other) => `${outcome.verdict}, ${step.hook}: ${one} + ${other}`),
  );
}

/** Some that must be among what is compared, on either hook. */
export const MUST_COMBINE: readonly string[] = ["tc", "xdp"].flatMap((hook) =>
  [
    ["hair-pinned", "a tag + a fragment"],
    ["hair-pinned", "two tags + out of VXLAN"],
    ["hair-pinned", "out of VXLAN + into segments"],
    ["hair-pinned", "into segments + a fragment"],
    ["encapsulated", "into segments + a fragment"],
    ["encapsulated", "into VXLAN + extension headers"],
    ["encapsulated", "into VXLAN + a SYN to be clamped"],
    ["encapsulated", "into VXLAN + in turn"],
    ["encapsulated", "into VXLAN + an error or an echo"],
    ["encapsulated", "a fragment + sources looked at"],
    ["reject-too-big", "two tags + a fragment"],
    ["returned", "a tag + a fragment"],
    ["returned", "two tags + an error or an echo"],
    ["delivered", "two tags + a fragment"],
  ].map(([verdict, traits]) => `${verdict}, ${hook}: ${traits}`),
);
