import { attribute, type Case, EXTERNAL_AS, type Kind, MEMBER_AS, type Outcome, update } from "./case.ts";

const u16 = (value: number): string => value.toString(16).padStart(4, "0");
const u32 = (value: number): string => value.toString(16).padStart(8, "0");
const SEGMENTS = "RFC 7606 §7.2";
const ZERO = "RFC 7607 §2";
const INSIDE_ONLY = "RFC 5065 §5";

type Row = readonly [name: string, see: string, kind: Kind, value: string, outcome: Outcome, loop?: string];

/** A sequence of so many numbers that are nobody's loop. */
const long = (count: number): string => {
  let value = "";
  for (let left = count; left > 0; left -= 255) {
    const here = Math.min(left, 255);
    value += `02${here.toString(16).padStart(2, "0")}${u32(64512).repeat(here)}`;
  }
  return value;
};

const PATHS: readonly Row[] = [
  ["empty, from inside", "RFC 4271 §5.1.2", "internal", "", "accept"],
  ["of a set", "RFC 4271 §4.3 b)", "internal", `0102${u32(1)}${u32(2)}`, "accept"],
  ["of a sequence and a set", "RFC 4271 §4.3 b)", "external", `0201${u32(EXTERNAL_AS)}0101${u32(5)}`, "accept"],
  ["of 255 numbers", "RFC 4271 §4.3 b)", "internal", long(255), "accept"],
  ["of 900 numbers", "RFC 4271 §4.3 b)", "internal", long(900), "accept"],
  ["with a segment of type 0", SEGMENTS, "internal", `0001${u32(1)}`, "withdraw"],
  ["with a segment of type 5", SEGMENTS, "internal", `0501${u32(1)}`, "withdraw"],
  ["with a segment of type 255", SEGMENTS, "external", `ff01${u32(1)}`, "withdraw"],
  ["with a bad type behind a good segment", SEGMENTS, "external", `0201${u32(EXTERNAL_AS)}0901${u32(1)}`, "withdraw"],
  ["with an empty segment", SEGMENTS, "internal", "0200", "withdraw"],
  ["with an empty set behind a sequence", SEGMENTS, "external", `0201${u32(EXTERNAL_AS)}0100`, "withdraw"],
  ["whose segment is one number too long", SEGMENTS, "internal", `0202${u32(1)}`, "withdraw"],
  ["whose segment claims 255 numbers", SEGMENTS, "internal", `02ff${u32(1)}`, "withdraw"],
  ["whose segment is one octet too long", SEGMENTS, "internal", "0201000000", "withdraw"],
  ["with one octet left over", SEGMENTS, "internal", `0201${u32(1)}02`, "withdraw"],
  ["of one octet", SEGMENTS, "internal", "02", "withdraw"],
  ["of 2-octet numbers on a 4-octet session", SEGMENTS, "internal", `0201${u16(1)}`, "withdraw"],
  ["of 4-octet numbers on a 2-octet session", SEGMENTS, "old", `0201${u32(EXTERNAL_AS)}`, "withdraw"],
  ["of 2-octet numbers, one too many", SEGMENTS, "old", `0202${u16(EXTERNAL_AS)}`, "withdraw"],
  ["with AS 0", ZERO, "internal", `0201${u32(0)}`, "withdraw"],
  ["with AS 0 in a set", ZERO, "external", `0201${u32(EXTERNAL_AS)}0102${u32(4)}${u32(0)}`, "withdraw"],
  ["with AS 0 of two octets", ZERO, "old", `0202${u16(EXTERNAL_AS)}${u16(0)}`, "withdraw"],
  ["with a confederation's sequence, from another AS", INSIDE_ONLY, "external", `0301${u32(EXTERNAL_AS)}`, "withdraw"],
  [
    "with a confederation's set behind, from another AS",
    INSIDE_ONLY,
    "external",
    `0201${u32(EXTERNAL_AS)}0401${u32(7)}`,
    "withdraw",
  ],
  ["empty, from another member AS", INSIDE_ONLY, "confederation", "", "withdraw"],
  ["that begins outside, from another member AS", INSIDE_ONLY, "confederation", `0201${u32(MEMBER_AS)}`, "withdraw"],
  ["that begins with a confederation's set", INSIDE_ONLY, "confederation", `0401${u32(MEMBER_AS)}`, "withdraw"],
  ["of members, then others", "RFC 5065 §4.1", "confederation", `0301${u32(MEMBER_AS)}0201${u32(9)}`, "accept"],
  ["with this AS", "RFC 4271 §9.1.2", "external", `0202${u32(EXTERNAL_AS)}${u32(65000)}`, "refuse", "as-loop"],
  ["with this AS in a set", "RFC 4271 §9.1.2", "internal", `0101${u32(65000)}`, "refuse", "as-loop"],
  [
    "with this member AS among the members",
    "RFC 5065 §4",
    "confederation",
    `0302${u32(MEMBER_AS)}${u32(65000)}`,
    "refuse",
    "confederation-loop",
  ],
  [
    "with the confederation outside",
    "RFC 5065 §4",
    "confederation",
    `0301${u32(MEMBER_AS)}0201${u32(64999)}`,
    "refuse",
    "as-loop",
  ],
  ["that begins with another AS", "RFC 4271 §6.3", "external", `0201${u32(9)}`, "refuse", "first-as"],
  ["empty, from another AS", "RFC 4271 §6.3", "external", "", "refuse", "first-as"],
];

/** Of a speaker of 2-octet AS numbers. */
const AS4_PATHS: readonly Row[] = [
  ["of a confederation's segment", "RFC 6793 §6", "old", `0301${u32(EXTERNAL_AS)}`, "accept"],
  ["with a segment of type 0", "RFC 6793 §6", "old", `0001${u32(1)}`, "discard"],
  ["with an empty segment", "RFC 6793 §6", "old", "0200", "discard"],
  ["whose segment is one number too long", "RFC 6793 §6", "old", `0202${u32(1)}`, "discard"],
  ["with AS 0", ZERO, "old", `0201${u32(0)}`, "discard"],
  ["longer than AS_PATH", "RFC 6793 §4.2.3", "old", `0202${u32(1)}${u32(2)}`, "accept"],
];

function caseOf(code: number, flags: number, name: string, [what, see, kind, value, outcome, loop]: Row): Case {
  return {
    name: `${name} ${what}`,
    see,
    kind,
    target: "ipv6-unicast",
    body: update(kind, "ipv6-unicast", { with: { [code]: attribute(flags, code, value) } }),
    outcome,
    ...(outcome === "discard" ? { gone: code } : {}),
    ...(loop === undefined ? {} : { counts: ["semrd_bgp_refused_routes_total", "reason", loop] }),
  };
}

/** What AS_PATH and AS4_PATH may hold. */
export function pathCases(): readonly Case[] {
  const loops: readonly [string, number, string, string][] = [
    ["ORIGINATOR_ID of this router", 9, "0a000001", "originator-loop"],
    ["CLUSTER_LIST with this router", 10, "0a0000090a000001", "cluster-loop"],
  ];
  return [
    ...PATHS.map((row) => caseOf(2, 0x40, "AS_PATH", row)),
    ...AS4_PATHS.map((row) => caseOf(17, 0xc0, "AS4_PATH", row)),
    ...loops.map(
      ([name, code, value, reason]): Case => ({
        name,
        see: "RFC 4456 §8",
        kind: "internal",
        target: "ipv6-unicast",
        body: update("internal", "ipv6-unicast", { with: { [code]: attribute(0x80, code, value) } }),
        outcome: "refuse",
        counts: ["semrd_bgp_refused_routes_total", "reason", reason],
      }),
    ),
  ];
}
