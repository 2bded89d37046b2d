import { fromHex } from "../../../src/base/index.ts";
import {
  attribute,
  base,
  type Case,
  KEYS,
  type Kind,
  message,
  NEW_HOP,
  type Outcome,
  reach,
  routed,
  type Target,
  unreach,
  update,
} from "./case.ts";

const SYNTAX = "RFC 7606 §5.3";
const NEXT_HOP = "RFC 7606 §7.11; RFC 4760 §7";
const STRONGEST = "RFC 7606 §3 h)";
const MALFORMED_LIST: Outcome = { reset: "0301" };
const BAD_NETWORK: Outcome = { reset: "030a" };

type Parts = Parameters<typeof update>[2];

const case_ = (
  name: string,
  see: string,
  target: Target,
  outcome: Outcome,
  parts: Parts,
  more: Partial<Case> & { kind?: Kind } = {},
): Case => {
  const kind = more.kind ?? "internal";
  return { name, see, kind, target, body: update(kind, target, parts), outcome, ...more };
};

const skipped = (why: "malformed" | "unknown") =>
  ({ counts: ["semrd_bgp_skipped_routes_total", "why", why] as const }) satisfies Partial<Case>;

/** Next hops of lengths that a family does not have. */
function nextHops(): Case[] {
  const of = (target: Target, lengths: readonly number[]): Case[] =>
    lengths.map((length) => {
      const hop = "20".repeat(length);
      const parts = { reach: reach(target, hop, KEYS[target][0]), nlri: "", with: { 3: undefined } };
      return case_(`${target}: a next hop of ${length} octets`, NEXT_HOP, target, "disable", parts);
    });
  const lying = [0, 15, 17, 64, 255].map((length) => {
    const said = length.toString(16).padStart(2, "0");
    const octets = attribute(0x80, 14, `000201${said}${NEW_HOP}00${KEYS["ipv6-unicast"][0]}`);
    return case_(`a next hop that says ${length} octets`, NEXT_HOP, "ipv6-unicast", "disable", { reach: octets });
  });
  const linkLocal = "fe800000000000000000000000000001";
  const key = KEYS["ipv6-unicast"][0];
  const via = (hop: string) => ({ reach: reach("ipv6-unicast", hop, key) });
  const martian = { counts: ["semrd_bgp_refused_routes_total", "reason", "martian-next-hop"] as const };
  const useless = "RFC 4271 §6.3; RFC 7606 §7.11";
  return [
    ...of("ipv6-unicast", [0, 1, 4, 8, 12, 15, 17, 24, 31, 33, 48, 255]),
    ...of("ipv4-unicast", [0, 1, 3, 5, 12, 15, 17, 24]),
    ...of("capability", [0, 4, 15, 17, 32, 255]),
    ...lying,
    case_("a next hop with a link-local one", "RFC 2545 §3", "ipv6-unicast", "accept", via(NEW_HOP + linkLocal)),
    case_("a link-local next hop alone", useless, "ipv6-unicast", "refuse", via(linkLocal), martian),
    case_("the unspecified next hop", useless, "ipv6-unicast", "refuse", via("00".repeat(16)), martian),
    case_("a multicast next hop", useless, "ipv6-unicast", "refuse", via(`ff02${"00".repeat(13)}01`), martian),
  ];
}

/** IPv4 next hops in NEXT_HOP and in MP_REACH_NLRI: an address that nothing can be sent to is no host's. */
function nextHops4(): Case[] {
  const see = "RFC 4271 §6.3; RFC 7606 §7.3";
  const martian = { counts: ["semrd_bgp_refused_routes_total", "reason", "martian-next-hop"] as const };
  const key = KEYS["ipv4-unicast"][0];
  return ["00000000", "7f000001", "e0000001", "f0000001", "ffffffff"].flatMap((hop) => [
    case_(`NEXT_HOP ${hop}`, see, "ipv4-unicast", "refuse", { with: { 3: attribute(0x40, 3, hop) } }, martian),
    case_(
      `MP_REACH_NLRI of IPv4 with the next hop ${hop}`,
      "RFC 4760 §3; RFC 4271 §6.3",
      "ipv4-unicast",
      "refuse",
      { reach: reach("ipv4-unicast", hop, key), nlri: "", with: { 3: undefined } },
      martian,
    ),
  ]);
}

/** The same route in both directions, and attributes that bring routes beside others. */
function both(): Case[] {
  const v6 = KEYS["ipv6-unicast"][0];
  const v4 = KEYS["ipv4-unicast"][0];
  const again = reach("ipv6-unicast", NEW_HOP, v6);
  const classic = reach("ipv4-unicast", "c0000202", v4);
  return [
    case_("withdrawn and announced in the fields of IPv4: announced", "RFC 4271 §4.3", "ipv4-unicast", "accept", {
      withdrawn: v4,
    }),
    case_(
      "withdrawn and announced in attributes, in this order: announced",
      "RFC 4271 §4.3",
      "ipv6-unicast",
      "accept",
      {
        reach: unreach("ipv6-unicast", v6) + again,
      },
    ),
    case_(
      "announced and withdrawn in attributes, in this order: announced",
      "RFC 4271 §4.3",
      "ipv6-unicast",
      "accept",
      {
        reach: again + unreach("ipv6-unicast", v6),
      },
    ),
    case_("withdrawn in the field of IPv4, announced in MP_REACH_NLRI", "RFC 4271 §4.3", "ipv4-unicast", "accept", {
      withdrawn: v4,
      reach: classic,
      nlri: "",
      with: { 3: undefined },
    }),
    case_("withdrawn in MP_UNREACH_NLRI, announced in the field of IPv4", "RFC 4271 §4.3", "ipv4-unicast", "accept", {
      reach: unreach("ipv4-unicast", v4),
    }),
    case_("the same route twice in one field", "RFC 4271 §4.3", "ipv4-unicast", "accept", { nlri: v4 + v4 }),
    case_("IPv4 in MP_REACH_NLRI and in its field", "RFC 4760 §5; RFC 7606 §5.1", "ipv4-unicast", "accept", {
      reach: reach("ipv4-unicast", "c0000202", "180a0901"),
    }),
    case_("a reserved octet that is not 0", "RFC 4760 §3", "ipv6-unicast", "accept", {
      reach: attribute(0x80, 14, `00020110${NEW_HOP}ff${v6}`),
    }),
    ...["0000", "0001", "ffff"].map((label) =>
      case_(`a family of AFI ${label}, SAFI 0`, "RFC 4760 §8", "ipv6-unicast", "keep", {
        reach: attribute(0x80, 14, `${label}0004c000020100${v4}`),
      }),
    ),
  ];
}

/** Attributes that bring routes and lead out of the message's attributes: whose routes they are can be read, no more. */
function overruns(): Case[] {
  const see = "RFC 7606 §4, §3 j); RFC 4760 §7";
  const value = (target: "ipv6-unicast" | "capability") =>
    `${target === "capability" ? "0002fb" : "000201"}10${NEW_HOP}00${KEYS[target][0]}`;
  const lying = (octets: string, code: 14 | 15, more: number) =>
    attribute(0x80, code, octets, fromHex(octets).length + more);
  const cases: Case[] = [];
  for (const target of ["ipv6-unicast", "capability"] as const) {
    for (const more of [1, 255 - fromHex(value(target)).length]) {
      const what = `${target}: ${more} octets longer than the attributes`;
      cases.push(
        case_(`MP_REACH_NLRI of ${what}`, see, target, "disable", { reach: "", tail: lying(value(target), 14, more) }),
        {
          ...case_(`MP_UNREACH_NLRI of ${what}`, see, target, "disable", {}),
          body: message("", lying(`${value(target).slice(0, 6)}${KEYS[target][0]}`, 15, more), ""),
        },
      );
    }
    cases.push(
      case_(`MP_REACH_NLRI, the name of ${target} and no more`, see, target, "disable", {
        reach: "",
        tail: lying(value(target).slice(0, 6), 14, 100),
      }),
    );
  }
  return [
    ...cases,
    case_("MP_REACH_NLRI of another family, longer than the attributes", "RFC 4760 §8", "ipv6-unicast", "keep", {
      reach: "",
      tail: lying(`00010204c000020100${KEYS["ipv4-unicast"][0]}`, 14, 9),
    }),
    case_(
      "a good route, and MP_UNREACH_NLRI of another family that leads out",
      "RFC 7606 §4",
      "ipv6-unicast",
      "withdraw",
      {
        tail: lying("00010230", 15, 9),
      },
    ),
    case_("MP_REACH_NLRI that does not even name its family", "RFC 7606 §5.2, §5.3", "ipv6-unicast", MALFORMED_LIST, {
      reach: "",
      tail: lying("0002", 14, 9),
    }),
    case_("MP_REACH_NLRI, and a second one that leads out", "RFC 7606 §3 g)", "ipv6-unicast", MALFORMED_LIST, {
      tail: lying(value("ipv6-unicast"), 14, 9),
    }),
  ];
}

/** Flags and lengths of the attributes that bring routes. */
function multiprotocol(): Case[] {
  const cases: Case[] = [];
  for (const target of ["ipv6-unicast", "capability"] as const) {
    for (const flags of [0x00, 0x40, 0xc0]) {
      const what = `${target} with flags ${flags.toString(16).padStart(2, "0")}`;
      const key = KEYS[target][0];
      cases.push(
        case_(`MP_REACH_NLRI of ${what}`, SYNTAX, target, "disable", { reach: reach(target, NEW_HOP, key, flags) }),
        {
          ...case_(`MP_UNREACH_NLRI of ${what}`, SYNTAX, target, "disable", {}),
          body: message("", unreach(target, key, flags), ""),
        },
      );
    }
  }
  for (const length of [0, 1, 2, 3, 4]) {
    const value = "00020110".slice(0, 2 * length);
    const outcome = length < 3 ? MALFORMED_LIST : "disable";
    const parts = { reach: attribute(0x80, 14, value) };
    cases.push(case_(`MP_REACH_NLRI of ${length} octets`, SYNTAX, "ipv6-unicast", outcome, parts));
    if (length >= 3) continue;
    const body = message("", attribute(0x80, 15, value), "");
    cases.push({ ...case_(`MP_UNREACH_NLRI of ${length} octets`, SYNTAX, "ipv6-unicast", MALFORMED_LIST, {}), body });
  }
  const key = KEYS["ipv6-unicast"][0];
  const once = reach("ipv6-unicast", NEW_HOP, key);
  const gone = unreach("ipv6-unicast", key);
  return [
    ...cases,
    case_("MP_REACH_NLRI twice", "RFC 7606 §3 g)", "ipv6-unicast", MALFORMED_LIST, { reach: once + once }),
    case_("MP_REACH_NLRI of two families", "RFC 7606 §3 g)", "ipv6-unicast", MALFORMED_LIST, {
      reach: once + reach("capability", NEW_HOP, KEYS.capability[0]),
    }),
    case_("MP_UNREACH_NLRI twice", "RFC 7606 §3 g)", "ipv6-unicast", MALFORMED_LIST, { reach: once + gone + gone }),
    case_("MP_REACH_NLRI last", "RFC 7606 §5.1", "ipv6-unicast", "accept", { reach: "", tail: once }),
    case_("MP_REACH_NLRI in the short form of the header with low bits", "RFC 4271 §4.3", "ipv6-unicast", "accept", {
      reach: reach("ipv6-unicast", NEW_HOP, key, 0x8f & ~0x10),
    }),
    case_("MP_REACH_NLRI without a route", "RFC 7606 §5.2", "ipv6-unicast", "keep", {
      reach: reach("ipv6-unicast", NEW_HOP, ""),
    }),
    case_(
      "a family that was not agreed",
      "RFC 4760 §8",
      "ipv6-unicast",
      "keep",
      {
        reach: attribute(0x80, 14, `00010204c000020100${KEYS["ipv4-unicast"][0]}`),
      },
      { counts: ["semrd_bgp_not_agreed_total", "", ""] },
    ),
    case_(
      "a family that was not agreed, cut short",
      "RFC 4760 §8",
      "ipv6-unicast",
      "keep",
      {
        reach: attribute(0x80, 14, "00190602"),
      },
      { counts: ["semrd_bgp_not_agreed_total", "", ""] },
    ),
  ];
}

/** Routes that do not end where they should. */
function lengths(): Case[] {
  const cases: Case[] = [];
  const bad: Readonly<Record<Target, readonly [string, string][]>> = {
    "ipv6-unicast": [
      ["a prefix of 129 bits", `81${"20".repeat(17)}`],
      ["a prefix of 255 bits", `ff${"20".repeat(32)}`],
      ["a prefix one octet too short", "3020010db800"],
      ["a prefix without an address", "80"],
    ],
    "ipv4-unicast": [
      ["a prefix of 33 bits", "210a01020304"],
      ["a prefix of 255 bits", `ff${"0a".repeat(32)}`],
      ["a prefix one octet too short", "180a01"],
      ["a prefix without an address", "20"],
    ],
    capability: [
      ["a route one octet too short", KEYS.capability[0].slice(0, -2)],
      ["a route of 255 octets that are not there", "02ff00"],
      ["a type without a length", "02"],
    ],
  };
  for (const target of ["ipv6-unicast", "ipv4-unicast", "capability"] as const) {
    const hop = target === "ipv4-unicast" ? "c0000202" : NEW_HOP;
    const good = KEYS[target][0];
    for (const [what, octets] of bad[target]) {
      for (const [where, routes] of [
        ["", octets],
        [" behind a good one", good + octets],
      ] as const) {
        const parts = { reach: reach(target, hop, routes), nlri: "", with: { 3: undefined } };
        cases.push(case_(`MP_REACH_NLRI, ${target}: ${what}${where}`, SYNTAX, target, "disable", parts));
        const body = message("", unreach(target, routes), "");
        cases.push({ ...case_(`MP_UNREACH_NLRI, ${target}: ${what}${where}`, SYNTAX, target, "disable", {}), body });
      }
      if (target !== "ipv4-unicast") continue;
      cases.push(
        case_(`NLRI: ${what}`, SYNTAX, target, BAD_NETWORK, { nlri: good + octets }),
        case_(`withdrawn routes: ${what}`, `${SYNTAX}; §3 i)`, target, BAD_NETWORK, { withdrawn: octets }),
      );
    }
  }
  return cases;
}

/** Routes that are found, and are not what they should be. */
function contents(): Case[] {
  const v6 = (routes: string) => ({ reach: reach("ipv6-unicast", NEW_HOP, routes) });
  const semantics = "RFC 4271 §6.3";
  const good = KEYS["ipv6-unicast"][0];
  const capability = (route: string) => ({ reach: reach("capability", NEW_HOP, KEYS.capability[0] + route) });
  const typed = "RFC 7606 §5.4";
  return [
    case_(
      "bits behind the length of an IPv6 prefix",
      "RFC 4760 §5",
      "ipv6-unicast",
      "accept",
      v6(`${good}2f20010db800ff`),
      {},
    ),
    case_("bits behind the length of an IPv4 prefix", "RFC 4271 §4.3", "ipv4-unicast", "accept", {
      nlri: "100a01170a01ff",
    }),
    case_(
      "a multicast prefix beside a good one",
      semantics,
      "ipv6-unicast",
      "accept",
      v6(`08ff${good}`),
      skipped("malformed"),
    ),
    case_(
      "a link-local prefix beside a good one",
      semantics,
      "ipv6-unicast",
      "accept",
      v6(`0afe80${good}`),
      skipped("malformed"),
    ),
    case_(
      "a multicast prefix of IPv4 beside a good one",
      semantics,
      "ipv4-unicast",
      "accept",
      { nlri: "100a0108e0" },
      skipped("malformed"),
    ),
    case_("a capability route of type 9", typed, "capability", "accept", capability("0903aabbcc"), skipped("unknown")),
    case_("a capability route of type 0, empty", typed, "capability", "accept", capability("0000"), skipped("unknown")),
    case_(
      "a site route of 27 octets",
      typed,
      "capability",
      "accept",
      capability(`021b${"00".repeat(27)}`),
      skipped("malformed"),
    ),
    case_(
      "an instance route of 28 octets",
      typed,
      "capability",
      "accept",
      capability(`011c${"00".repeat(28)}`),
      skipped("malformed"),
    ),
    case_(
      "a prefix route whose label leads past its end",
      typed,
      "capability",
      "accept",
      capability(`0310${"00".repeat(8)}0a00010201096e6c`),
      skipped("malformed"),
    ),
    case_("path identifiers, one route", "RFC 7911 §3", "ipv6-unicast", "accept", {}, { kind: "paths" }),
    case_(
      "half a path identifier at the end",
      "RFC 7911 §3; RFC 7606 §5.3",
      "ipv6-unicast",
      "disable",
      v6(`${routed("paths", good)}0000`),
      { kind: "paths" },
    ),
    case_(
      "a path identifier without a route",
      "RFC 7911 §3; RFC 7606 §5.3",
      "ipv6-unicast",
      "disable",
      v6(routed("paths", "")),
      { kind: "paths" },
    ),
    case_(
      "no path identifiers where they were agreed",
      "RFC 7911 §5; RFC 7606 §5.3",
      "ipv6-unicast",
      "disable",
      v6(`80${"20".repeat(16)}`),
      { kind: "paths" },
    ),
    case_(
      "path identifiers where none were agreed",
      "RFC 7911 §5; RFC 7606 §5.3",
      "ipv6-unicast",
      "disable",
      v6(`ffffffff${good}`),
    ),
  ];
}

/** Lengths of the message's fields, and attributes without room for a header. */
function framing(): Case[] {
  const key = KEYS["ipv4-unicast"][0];
  const attributes = [...base("internal", "ipv4-unicast").values()].join("");
  const raw = (name: string, see: string, body: string, outcome: Outcome): Case => ({
    name,
    see,
    kind: "internal",
    target: "ipv4-unicast",
    body: fromHex(body),
    outcome,
  });
  const total = (fromHex(attributes).length + 100).toString(16).padStart(4, "0");
  const half = (tail: string): Case[] =>
    (["ipv6-unicast", "ipv4-unicast"] as const).map((target) =>
      case_(`an attribute header of ${tail}, ${target}`, "RFC 7606 §4", target, "withdraw", {
        tail,
      }),
    );
  return [
    raw("withdrawn routes longer than the message", "RFC 7606 §3 b)", `ffff0000`, MALFORMED_LIST),
    raw("withdrawn routes one octet too long", "RFC 7606 §3 b)", `00010000`, MALFORMED_LIST),
    raw("path attributes longer than the message", "RFC 7606 §3 b)", `0000${total}${attributes}${key}`, MALFORMED_LIST),
    raw("path attributes one octet too long", "RFC 7606 §3 b)", "00000001", MALFORMED_LIST),
    raw("path attributes of 65535 octets", "RFC 7606 §3 b)", "0000ffff", MALFORMED_LIST),
    ...half("40"),
    ...half("c008"),
    ...half("d008"),
    ...half("d00800"),
  ];
}

/** More than one thing is wrong, or there is no route to withdraw. */
function several(): Case[] {
  const badMed = attribute(0x80, 4, "01");
  const badAtomic = attribute(0x40, 6, "01");
  const badKey = `81${"20".repeat(17)}`;
  const v6 = KEYS["ipv6-unicast"][0];
  const gone = unreach("ipv6-unicast", v6);
  const elsewhere = [...base("internal", "ipv6-unicast").values()].join("");
  const clean = { clean: true } as const;
  const alone = (name: string, see: string, attributes: string, outcome: Outcome, more: Partial<Case> = {}): Case => ({
    name,
    see,
    kind: "internal",
    target: "ipv6-unicast",
    body: message("", attributes, ""),
    outcome,
    ...more,
  });
  const noReach = "RFC 7606 §5.2";
  return [
    case_("one to discard and one to withdraw for", STRONGEST, "ipv6-unicast", "withdraw", {
      with: { 4: badMed, 6: badAtomic },
    }),
    case_("one to withdraw for and a lost family", STRONGEST, "ipv6-unicast", "disable", {
      with: { 4: badMed },
      reach: reach("ipv6-unicast", NEW_HOP, badKey),
    }),
    case_(
      "one to withdraw for and an unknown well-known one",
      STRONGEST,
      "ipv6-unicast",
      { reset: "030240630101" },
      { with: { 4: badMed, 99: attribute(0x40, 99, "01") } },
    ),
    case_(
      "a lost family and an unknown well-known one",
      STRONGEST,
      "ipv6-unicast",
      { reset: "030240630101" },
      { reach: reach("ipv6-unicast", NEW_HOP, badKey), with: { 99: attribute(0x40, 99, "01") } },
    ),
    case_("a lost family and MP_UNREACH_NLRI twice", STRONGEST, "ipv6-unicast", MALFORMED_LIST, {
      reach: reach("ipv6-unicast", NEW_HOP, badKey) + gone + gone,
    }),
    case_("a lost family and good IPv4 routes", "RFC 7606 §2 (AFI/SAFI disable)", "ipv6-unicast", "disable", {
      reach: reach("ipv6-unicast", NEW_HOP, badKey),
      with: { 3: attribute(0x40, 3, "c0000202") },
      nlri: "180a0901",
    }),
    alone("withdrawn routes alone", noReach, gone, "withdraw", clean),
    alone("withdrawn routes with attributes that are fine", noReach, gone + elsewhere, "withdraw", clean),
    alone("withdrawn routes with one to discard", noReach, gone + elsewhere + badAtomic, "withdraw", clean),
    alone("withdrawn routes with one to withdraw for", noReach, gone + elsewhere + badMed, MALFORMED_LIST),
    alone(
      "withdrawn routes with an attribute that does not end",
      noReach,
      gone + attribute(0xc0, 8, "fde8", 4),
      MALFORMED_LIST,
    ),
    alone("attributes without routes, one malformed", noReach, elsewhere + badMed, MALFORMED_LIST),
    alone("attributes without routes", noReach, elsewhere, "keep"),
  ];
}

/** NLRI and what carries them. */
export function routeCases(): readonly Case[] {
  return [
    ...nextHops(),
    ...nextHops4(),
    ...both(),
    ...overruns(),
    ...multiprotocol(),
    ...lengths(),
    ...contents(),
    ...framing(),
    ...several(),
  ];
}
