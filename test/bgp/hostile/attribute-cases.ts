import { fromHex } from "../../../src/base/index.ts";
import { attribute, base, type Case, type Kind, type Outcome, type Target, update } from "./case.ts";

/** What the standard says of one attribute, as far as its header and its length are concerned. */
interface Spec {
  readonly code: number;
  readonly name: string;
  readonly see: string;
  readonly flags: number;
  readonly kinds: readonly Kind[];
  readonly target?: Target;
  /** One element, in hexadecimal. */
  readonly value: string;
  /** Whether so many octets make sense. */
  readonly fits: (length: number) => boolean;
  readonly onFault: "withdraw" | "discard";
  /** Discarded whatever it says: from these neighbours it means nothing. */
  readonly foreign?: true;
}

const one =
  (width: number) =>
  (length: number): boolean =>
    length === width;
const many =
  (width: number) =>
  (length: number): boolean =>
    length > 0 && length % width === 0;
const INSIDE: readonly Kind[] = ["internal", "confederation"];
const OUTSIDE: readonly Kind[] = ["external"];
const EITHER: readonly Kind[] = ["internal", "external"];

const AGGREGATOR_SEE = "RFC 7606 §7.7";
const AS4_SEE = "RFC 6793 §6";

const SPECS: readonly Spec[] = [
  {
    code: 1,
    name: "ORIGIN",
    see: "RFC 7606 §7.1",
    flags: 0x40,
    kinds: EITHER,
    value: "00",
    fits: one(1),
    onFault: "withdraw",
  },
  {
    code: 3,
    name: "NEXT_HOP",
    see: "RFC 7606 §7.3",
    flags: 0x40,
    kinds: EITHER,
    target: "ipv4-unicast",
    value: "c0000202",
    fits: one(4),
    onFault: "withdraw",
  },
  {
    code: 3,
    name: "NEXT_HOP beside MP_REACH_NLRI",
    see: "RFC 7606 §7.3; RFC 4760 §3",
    flags: 0x40,
    kinds: ["internal"],
    value: "c0000202",
    fits: one(4),
    onFault: "withdraw",
  },
  {
    code: 4,
    name: "MULTI_EXIT_DISC",
    see: "RFC 7606 §7.4",
    flags: 0x80,
    kinds: EITHER,
    value: "00000005",
    fits: one(4),
    onFault: "withdraw",
  },
  {
    code: 5,
    name: "LOCAL_PREF",
    see: "RFC 7606 §7.5",
    flags: 0x40,
    kinds: INSIDE,
    value: "00000064",
    fits: one(4),
    onFault: "withdraw",
  },
  {
    code: 5,
    name: "LOCAL_PREF from another AS",
    see: "RFC 7606 §7.5",
    flags: 0x40,
    kinds: OUTSIDE,
    value: "00000064",
    fits: one(4),
    onFault: "discard",
    foreign: true,
  },
  {
    code: 6,
    name: "ATOMIC_AGGREGATE",
    see: "RFC 7606 §7.6",
    flags: 0x40,
    kinds: EITHER,
    value: "",
    fits: one(0),
    onFault: "discard",
  },
  {
    code: 7,
    name: "AGGREGATOR",
    see: AGGREGATOR_SEE,
    flags: 0xc0,
    kinds: EITHER,
    value: "0000fde90a000001",
    fits: one(8),
    onFault: "discard",
  },
  {
    code: 7,
    name: "AGGREGATOR of 2-octet AS numbers",
    see: AGGREGATOR_SEE,
    flags: 0xc0,
    kinds: ["old"],
    value: "fde90a000001",
    fits: one(6),
    onFault: "discard",
  },
  {
    code: 8,
    name: "COMMUNITIES",
    see: "RFC 7606 §7.8",
    flags: 0xc0,
    kinds: EITHER,
    value: "fde80001",
    fits: many(4),
    onFault: "withdraw",
  },
  {
    code: 9,
    name: "ORIGINATOR_ID",
    see: "RFC 7606 §7.9",
    flags: 0x80,
    kinds: ["internal"],
    value: "0a000009",
    fits: one(4),
    onFault: "withdraw",
  },
  {
    code: 9,
    name: "ORIGINATOR_ID from another AS",
    see: "RFC 7606 §7.9",
    flags: 0x80,
    kinds: OUTSIDE,
    value: "0a000009",
    fits: one(4),
    onFault: "discard",
    foreign: true,
  },
  {
    code: 10,
    name: "CLUSTER_LIST",
    see: "RFC 7606 §7.10",
    flags: 0x80,
    kinds: ["internal"],
    value: "0a000009",
    fits: many(4),
    onFault: "withdraw",
  },
  {
    code: 10,
    name: "CLUSTER_LIST from another AS",
    see: "RFC 7606 §7.10",
    flags: 0x80,
    kinds: OUTSIDE,
    value: "0a000009",
    fits: many(4),
    onFault: "discard",
    foreign: true,
  },
  {
    code: 16,
    name: "EXTENDED COMMUNITIES",
    see: "RFC 7606 §7.14",
    flags: 0xc0,
    kinds: EITHER,
    value: "0002fde800000001",
    fits: many(8),
    onFault: "withdraw",
  },
  {
    code: 17,
    name: "AS4_PATH from a speaker of 4-octet AS numbers",
    see: AS4_SEE,
    flags: 0xc0,
    kinds: EITHER,
    value: "02010000fde9",
    fits: many(6),
    onFault: "discard",
    foreign: true,
  },
  {
    code: 17,
    name: "AS4_PATH",
    see: AS4_SEE,
    flags: 0xc0,
    kinds: ["old"],
    value: "02010000fde9",
    fits: many(6),
    onFault: "discard",
  },
  {
    code: 18,
    name: "AS4_AGGREGATOR from a speaker of 4-octet AS numbers",
    see: AS4_SEE,
    flags: 0xc0,
    kinds: EITHER,
    value: "0000fde90a000001",
    fits: one(8),
    onFault: "discard",
    foreign: true,
  },
  {
    code: 18,
    name: "AS4_AGGREGATOR",
    see: AS4_SEE,
    flags: 0xc0,
    kinds: ["old"],
    value: "0000fde90a000001",
    fits: one(8),
    onFault: "discard",
  },
  {
    code: 25,
    name: "IPV6 EXTENDED COMMUNITIES",
    see: "RFC 7606 §7.15; RFC 5701 §2",
    flags: 0xc0,
    kinds: EITHER,
    value: "000220010db8000000000000000000000001fde8",
    fits: many(20),
    onFault: "withdraw",
  },
  {
    code: 32,
    name: "LARGE_COMMUNITY",
    see: "RFC 8092 §5",
    flags: 0xc0,
    kinds: EITHER,
    value: "0000fde80000000100000002",
    fits: many(12),
    onFault: "withdraw",
  },
  {
    code: 35,
    name: "ONLY_TO_CUSTOMER",
    see: "RFC 9234 §5",
    flags: 0xc0,
    kinds: EITHER,
    value: "0000fde9",
    fits: one(4),
    onFault: "withdraw",
  },
];

/** So many octets of the element, over and over. */
function filled(value: string, length: number): string {
  const unit = value === "" ? "00" : value;
  return unit.repeat(1 + Math.ceil(length / fromHex(unit).length)).slice(0, 2 * length);
}

function casesOf(spec: Spec, kind: Kind): Case[] {
  const { code, name, see, flags, value, fits, onFault, foreign } = spec;
  const target = spec.target ?? "ipv6-unicast";
  const width = fromHex(value).length;
  const fault: Outcome = onFault;
  const sane: Outcome = foreign === true ? "discard" : "accept";
  const row = (what: string, section: string, octets: string, outcome: Outcome, tail = ""): Case => ({
    name: `${name} ${what}`,
    see: section,
    kind,
    target,
    body: update(kind, target, { with: { [code]: octets }, tail }),
    outcome,
    ...(outcome === "discard" ? { gone: code } : {}),
  });
  const cases: Case[] = [];
  for (const length of new Set([0, 1, width - 1, width, width + 1, 2 * width, 2 * width + 1])) {
    if (length < 0) continue;
    const outcome = foreign === true ? "discard" : fits(length) ? "accept" : fault;
    const section = length === 0 && !fits(0) ? `RFC 7606 §4; ${see}` : see;
    cases.push(row(`of ${length} octets`, section, attribute(flags, code, filled(value, length)), outcome));
  }
  cases.push(row("in the extended form", "RFC 4271 §4.3", attribute(flags | 0x10, code, value), sane));
  cases.push(row("with the low bits of the flags", "RFC 4271 §4.3", attribute(flags | 0x0f, code, value), sane));
  for (const wrong of [0x00, 0x40, 0x80, 0xc0].filter((other) => other !== flags)) {
    const what = `with flags ${wrong.toString(16).padStart(2, "0")}`;
    cases.push(row(what, "RFC 7606 §3 c)", attribute(wrong, code, value), "withdraw"));
  }
  if ((flags & 0xc0) === 0xc0) {
    cases.push(row("marked partial", "RFC 4271 §4.3", attribute(flags | 0x20, code, value), sane));
  }
  const good = attribute(flags, code, value);
  const bad = attribute(flags, code, filled(value, width + 1));
  // The first one stays.
  const twice = { ...row("twice", "RFC 7606 §3 g)", good + good, "discard") };
  cases.push(foreign === true ? twice : keeping(twice));
  const second = row("twice, the second one malformed", "RFC 7606 §3 g)", good + bad, "discard");
  cases.push(foreign === true ? second : keeping(second));
  if (foreign !== true) cases.push(row("twice, the first one malformed", "RFC 7606 §3 g) h)", bad + good, fault));
  // As the last attribute of the message, which it leads out of.
  const lying = (length: number, form: number): string => attribute(flags | form, code, value, length);
  const overruns: readonly [string, string][] = [
    ["one octet longer than the attributes", lying(width + 1, 0)],
    ["of 255 octets that are not there", lying(255, 0)],
    ["of 65535 octets that are not there", lying(0xffff, 0x10)],
  ];
  for (const [what, octets] of overruns) {
    const others = { [code]: undefined };
    cases.push({
      name: `${name} ${what}`,
      see: "RFC 7606 §4",
      kind,
      target,
      body: update(kind, target, { with: others, tail: octets }),
      outcome: "withdraw",
    });
  }
  return cases;
}

/** The attribute is discarded a second time, not the first. */
function keeping({ gone: _, ...others }: Case): Case {
  return others;
}

/** Attributes that must be there. @see RFC 7606 §3 d) */
function missing(): Case[] {
  const rows: readonly [Kind, Target, number, string][] = [
    ["internal", "ipv6-unicast", 1, "ORIGIN"],
    ["external", "ipv6-unicast", 1, "ORIGIN"],
    ["internal", "ipv6-unicast", 2, "AS_PATH"],
    ["external", "ipv4-unicast", 2, "AS_PATH"],
    ["internal", "ipv4-unicast", 3, "NEXT_HOP"],
    ["external", "ipv4-unicast", 3, "NEXT_HOP"],
    ["internal", "ipv6-unicast", 5, "LOCAL_PREF"],
    ["internal", "capability", 5, "LOCAL_PREF"],
  ];
  return rows.map(([kind, target, code, name]) => ({
    name: `no ${name}, ${target}`,
    see: "RFC 7606 §3 d)",
    kind,
    target,
    body: update(kind, target, { with: { [code]: undefined } }),
    outcome: "withdraw",
  }));
}

const UNKNOWN = [
  { code: 23, name: "TUNNEL_ENCAP (not known here)" },
  { code: 26, name: "AIGP (not known here)" },
  { code: 40, name: "PREFIX_SID (not known here)" },
  { code: 99, name: "attribute 99" },
  { code: 254, name: "attribute 254" },
] as const;

/** What is not known is carried, ignored, or ends the session, whatever it holds. @see RFC 4271 §5 and §6.3 */
function unknown(): Case[] {
  return UNKNOWN.flatMap(({ code, name }) =>
    [
      { flags: 0xc0, value: "", outcome: "accept" as const, what: "optional transitive, empty" },
      { flags: 0xc0, value: "01020304", outcome: "accept" as const, what: "optional transitive" },
      { flags: 0xe0, value: "ff".repeat(300), outcome: "accept" as const, what: "optional transitive, partial, long" },
      { flags: 0x80, value: "01", outcome: "accept" as const, what: "optional" },
      { flags: 0x40, value: "01", outcome: { reset: `0302${attribute(0x40, code, "01")}` }, what: "well-known" },
      { flags: 0x00, value: "01", outcome: { reset: `0302${attribute(0x00, code, "01")}` }, what: "of no kind" },
    ].map(({ flags, value, outcome, what }) => ({
      name: `${name}, ${what}`,
      see: "RFC 4271 §5, §6.3",
      kind: "external" as const,
      target: "ipv6-unicast" as const,
      body: update("external", "ipv6-unicast", { with: { [code]: attribute(flags, code, value) } }),
      outcome,
    })),
  );
}

/** Values of ORIGIN, and AS 0 where it may not be. */
function values(): Case[] {
  const rows: readonly (readonly [string, string, Kind, number, string, Outcome])[] = [
    ...["03", "04", "ff"].map(
      (value) => [`ORIGIN ${value}`, "RFC 7606 §7.1", "internal", 1, attribute(0x40, 1, value), "withdraw"] as const,
    ),
    ["AGGREGATOR of AS 0", "RFC 7607 §2", "internal", 7, attribute(0xc0, 7, "000000000a000001"), "discard"],
    ["AS4_AGGREGATOR of AS 0", "RFC 7607 §2", "old", 18, attribute(0xc0, 18, "000000000a000001"), "discard"],
  ];
  return rows.map(([name, see, kind, code, octets, outcome]) => ({
    name,
    see,
    kind,
    target: "ipv6-unicast",
    body: update(kind, "ipv6-unicast", { with: { [code]: octets } }),
    outcome,
    ...(outcome === "discard" ? { gone: code } : {}),
  }));
}

/** Header and length of each attribute, those that are missing, and those that nobody knows. */
export function attributeCases(): readonly Case[] {
  const known = SPECS.flatMap((spec) => spec.kinds.flatMap((kind) => casesOf(spec, kind)));
  const mandatory = base("internal", "ipv6-unicast");
  if (mandatory.size !== 3) throw new Error("cases of missing attributes do not fit the base any more");
  return [...known, ...missing(), ...values(), ...unknown()];
}
