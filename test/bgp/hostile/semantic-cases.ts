import { attribute, type Case, LEASE, MAGIC, type Outcome, update } from "./case.ts";

const TLVS = "DESIGN 4.4; RFC 7606 §2";

/** The value behind the magic, unless it begins with `!`. */
const ROWS: readonly (readonly [name: string, value: string, outcome: Outcome])[] = [
  ["a lease alone", LEASE, "accept"],
  ["empty", "!", "withdraw"],
  ["another magic", `!53454d00${LEASE}`, "withdraw"],
  ["half a magic", "!5345", "withdraw"],
  ["no lease", "000900010000".slice(0, 10), "withdraw"],
  ["two leases", LEASE + LEASE, "withdraw"],
  ["a lease of 19 octets", `00070013${LEASE.slice(8, -2)}`, "withdraw"],
  ["a lease of 21 octets", `00070015${LEASE.slice(8)}00`, "withdraw"],
  ["half a TLV header", `${LEASE}0009`, "withdraw"],
  ["a TLV longer than the attribute", `${LEASE}0009000200`, "withdraw"],
  ["a TLV of 65535 octets", `${LEASE}0009ffff00`, "withdraw"],
  ["a state of no meaning", `${LEASE}00090001ff`, "withdraw"],
  ["a name that is none", `${LEASE}00010001ff`, "withdraw"],
  ["a critical label that is no text", `${LEASE}0008000380c328`, "withdraw"],
  ["a malformed metric: the worst score", `${LEASE}0003000102`, "accept"],
  ["an unknown TLV", `${LEASE}7777000102`, "accept"],
  ["an unknown TLV, empty", `${LEASE}77770000`, "accept"],
];

/** The attribute of the capability family. */
export function semanticCases(): readonly Case[] {
  const row = (name: string, octets: string, outcome: Outcome, see = TLVS): Case => ({
    name: `SEMANTIC: ${name}`,
    see,
    kind: "internal",
    target: "capability",
    body: update("internal", "capability", { with: { 255: octets } }),
    outcome,
  });
  const good = attribute(0x80, 255, MAGIC + LEASE);
  const bad = attribute(0x80, 255, MAGIC);
  return [
    ...ROWS.map(([name, value, outcome]) =>
      row(name, attribute(0x80, 255, value.startsWith("!") ? value.slice(1) : MAGIC + value), outcome),
    ),
    ...[0x00, 0x40, 0xc0].map((flags) =>
      row(`flags ${flags.toString(16)}`, attribute(flags, 255, MAGIC + LEASE), "withdraw", "RFC 7606 §3 c)"),
    ),
    row("partial and low bits", attribute(0xaf, 255, MAGIC + LEASE).replace(/^(..)/, "af"), "accept"),
    row("twice", good + good, "discard", "RFC 7606 §3 g)"),
    row("twice, the first one malformed", bad + good, "withdraw", "RFC 7606 §3 g) h)"),
    row("one octet longer than the attributes", attribute(0x80, 255, MAGIC + LEASE, 29), "withdraw", "RFC 7606 §4"),
  ];
}
