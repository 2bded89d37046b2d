import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHex, parseIpv6 } from "../../../src/base/index.ts";
import {
  type ExtendedCommunityPattern,
  type Judgement,
  NO_EXPORT,
  PolicyBook,
  type PolicyConditions,
  type PolicyPeer,
  type PolicyStatement,
} from "../../../src/bgp/policy/index.ts";
import { linkBandwidth, routeTarget } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { keySample, semanticSample, setSample } from "../wire/samples.ts";
import {
  ANY16,
  ANY32,
  FACTS,
  INSIDE,
  idOf,
  interval,
  OUTSIDE,
  OWN,
  path,
  prefix,
  prefixKey,
  statement,
} from "./world.ts";

const community = (administrator: number, value: number): number => ((administrator << 16) | value) >>> 0;
const large = (globalAdministrator: number, data1: number, data2: number) => ({ globalAdministrator, data1, data2 });
const members = <M>(...list: M[]) => ({ members: list });
const target = (value: number): ExtendedCommunityPattern => ({
  forms: [
    {
      fields: [
        { at: 0, octets: 2, values: interval(2) },
        { at: 4, octets: 4, values: interval(value) },
      ],
    },
  ],
});
const many = "many" as const;
const labels = (...list: [string, boolean][]) => ({
  semantic: semanticSample({ labels: list.map(([text, critical]) => ({ text, critical })) }),
});
const { semantic: _, ...PLAIN } = setSample();

interface ConditionCase {
  readonly name: string;
  readonly see: string;
  readonly conditions: PolicyConditions;
  readonly fits: readonly Partial<AttributeSet>[];
  readonly not: readonly Partial<AttributeSet>[];
}

const marks = setSample({ communities: [community(65000, 1), community(65000, 2)] });

const CONDITIONS: readonly ConditionCase[] = [
  { name: "nothing asked", see: "RFC 9067 §4.2", conditions: {}, fits: [{}, { communities: [1] }], not: [] },
  {
    name: "any community of a set",
    see: "RFC 1997; RFC 9067 §4.2",
    conditions: {
      communities: {
        option: "any",
        set: members(
          { administrator: interval(65000), value: interval(2) },
          { administrator: interval(65010, 65020), value: ANY16 },
        ),
      },
    },
    fits: [marks, { communities: [community(65010, 0)] }, { communities: [9, community(65020, 65535)] }],
    not: [{}, { communities: [community(65000, 3), community(65021, 2), community(2, 65000)] }],
  },
  {
    name: "all communities of a set",
    see: "RFC 9067 §4.2",
    conditions: {
      communities: {
        option: "all",
        set: members(
          { administrator: interval(65000), value: interval(1) },
          { administrator: interval(65000), value: interval(2, 9) },
        ),
      },
    },
    fits: [marks],
    not: [{}, { communities: [community(65000, 1)] }, { communities: [community(65000, 2), community(65000, 3)] }],
  },
  {
    name: "no community of a set",
    see: "RFC 9067 §4.2",
    conditions: {
      communities: { option: "invert", set: members({ administrator: interval(65000), value: ANY16 }) },
    },
    fits: [{}, { communities: [community(65001, 1)] }],
    not: [marks],
  },
  {
    name: "a well-known community is a value like others",
    see: "RFC 1997",
    conditions: {
      communities: { option: "any", set: members({ administrator: interval(0xffff), value: interval(0xff01) }) },
    },
    fits: [{ communities: [NO_EXPORT] }],
    not: [{ communities: [0xffffff02] }],
  },
  {
    name: "extended communities by their fields",
    see: "RFC 4360 §2",
    conditions: { extendedCommunities: { option: "any", set: members(target(7), target(8)) } },
    fits: [{ extendedCommunities: [linkBandwidth(65000, 1), routeTarget(65000, 8)] }],
    not: [{}, { extendedCommunities: [routeTarget(65000, 9)] }, { extendedCommunities: [routeTarget(4200000000, 7)] }],
  },
  {
    name: "large communities with numbers of 32 bits",
    see: "RFC 8092 §3",
    conditions: {
      largeCommunities: {
        option: "any",
        set: members({ globalAdministrator: interval(4200000000), data1: interval(1, 2), data2: ANY32 }),
      },
    },
    fits: [{ largeCommunities: [large(4200000000, 2, 0xffffffff)] }],
    not: [{}, { largeCommunities: [large(4200000000, 3, 0), large(4200000001, 1, 0)] }],
  },
  {
    name: "tenants by their route targets",
    see: "RFC 4364 §4.3.1",
    conditions: { routeTargets: [routeTarget(65000, 1), routeTarget(65000, 2)] },
    fits: [{ extendedCommunities: [routeTarget(65000, 2)] }],
    not: [{}, { extendedCommunities: [routeTarget(65000, 3)] }],
  },
  {
    name: "the path contains an AS",
    see: "RFC 4271 §4.3 b)",
    conditions: { asPath: { option: "any", set: members([many, interval(65010), many]) } },
    fits: [{ asPath: path(65010) }, { asPath: path(1, 65010, 2) }, { asPath: [{ type: "set", numbers: [1, 65010] }] }],
    not: [{}, { asPath: path(65011) }, { asPath: [{ type: "confed-sequence", numbers: [65010] }] }],
  },
  {
    name: "the path comes from a neighbour, and begins at an origin",
    see: "RFC 4271 §5.1.2",
    conditions: { asPath: { option: "all", set: members([interval(65001), many], [many, interval(65010, 65020)]) } },
    fits: [{ asPath: path(65001, 7, 65015) }, { asPath: path(65001, 65010) }],
    not: [{ asPath: path(65001) }, { asPath: path(7, 65001, 65015) }, { asPath: path(65001, 65015, 7) }, {}],
  },
  {
    name: "no path of a set",
    see: "RFC 9067 §4.2",
    conditions: { asPath: { option: "invert", set: members([], [interval(1), interval(2)]) } },
    fits: [{ asPath: path(1) }, { asPath: path(1, 2, 3) }],
    not: [{}, { asPath: path(1, 2) }],
  },
  {
    name: "length as the decision counts it",
    see: "RFC 4271 §9.1.2.2 a)",
    conditions: { asPathLength: interval(2, 3) },
    fits: [{ asPath: path(1, 2) }, { asPath: [...path(1, 1), { type: "set", numbers: [2, 3, 4] }] }],
    not: [{}, { asPath: path(1) }, { asPath: path(1, 2, 3, 4) }],
  },
  {
    name: "labels by text",
    see: "DESIGN 4.2",
    conditions: { labels: { option: "any", set: members({ text: "eu" }, { text: "gdpr" }) } },
    fits: [labels(["x", false], ["gdpr", true])],
    not: [labels(["EU", false]), {}],
  },
  {
    name: "labels that are critical",
    see: "DESIGN 4.2",
    conditions: { labels: { option: "all", set: members({ text: "eu", critical: true }) } },
    fits: [labels(["eu", true])],
    not: [labels(["eu", false]), labels()],
  },
  {
    name: "score",
    see: "DESIGN 4.2",
    conditions: { score: interval(3, 5) },
    fits: [{ semantic: semanticSample({ score: 3 }) }, { semantic: semanticSample({ score: 5 }) }],
    not: [{ semantic: semanticSample({ score: 6 }) }, { semantic: semanticSample({ score: 2 }) }],
  },
  {
    name: "state of the site",
    see: "DESIGN 4.2",
    conditions: { states: ["degraded", "draining"] },
    fits: [{ semantic: semanticSample({ state: "draining" }) }],
    not: [{}, { semantic: semanticSample({ state: "down" }) }],
  },
  {
    name: "next hop inside a prefix",
    see: "RFC 4271 §5.1.3",
    conditions: { nextHops: [prefix("2001:db8:2::/47"), prefix("::ffff:10.0.0.0/104")] },
    fits: [{ nextHop: parseIpv6("2001:db8:3::1")! }, { nextHop: parseIpv6("::ffff:10.1.2.3")! }],
    not: [{ nextHop: parseIpv6("2001:db8:4::1")! }, { nextHop: parseIpv6("::ffff:11.0.0.1")! }],
  },
  {
    name: "all of several conditions",
    see: "RFC 9067 §4.2",
    conditions: { score: interval(7, 10), asPathLength: interval(1, 9) },
    fits: [{ asPath: path(1) }],
    not: [{}, { asPath: path(1), semantic: semanticSample({ score: 6 }) }],
  },
];

const judge = (statements: readonly PolicyStatement[], set: AttributeSet, peer: PolicyPeer = INSIDE): Judgement =>
  new PolicyBook([{ name: "p", statements }], FACTS).chain(["p"])(set, peer);

describe("conditions over attribute sets", () => {
  for (const { name, see, conditions, fits, not } of CONDITIONS) {
    it(`${name} (${see})`, () => {
      const verdict = (changes: Partial<AttributeSet>) =>
        judge([statement(conditions, "reject")], setSample(changes)).verdict;
      assert.deepEqual(
        fits.map(verdict),
        fits.map(() => "reject"),
        "fits",
      );
      assert.deepEqual(
        not.map(verdict),
        not.map(() => "accept"),
        "does not fit",
      );
    });
  }

  it("a route without a SEMANTIC attribute has neither score nor state nor labels", () => {
    const verdict = (conditions: PolicyConditions) => judge([statement(conditions, "reject")], PLAIN).verdict;
    assert.equal(verdict({ score: interval(0, 10) }), "accept");
    assert.equal(verdict({ states: ["up", "degraded", "draining", "down"] }), "accept");
    assert.equal(verdict({ labels: { option: "invert", set: members({ text: "eu" }) } }), "reject");
  });

  it("families and neighbours", () => {
    const verdict = (conditions: PolicyConditions, peer: PolicyPeer) =>
      judge([statement(conditions, "reject")], setSample(), peer).verdict;
    const unicast: PolicyPeer = { ...INSIDE, family: "ipv6-unicast" };
    assert.equal(verdict({ families: ["ipv6-unicast", "ipv4-unicast"] }, unicast), "reject");
    assert.equal(verdict({ families: ["ipv6-unicast", "ipv4-unicast"] }, INSIDE), "accept");
    const set = { addresses: ["2001:db8::2"] };
    const other: PolicyPeer = { ...INSIDE, address: "2001:db8::4" };
    assert.deepEqual(
      [verdict({ peers: { option: "any", set } }, INSIDE), verdict({ peers: { option: "any", set } }, other)],
      ["reject", "accept"],
    );
    assert.deepEqual(
      [verdict({ peers: { option: "invert", set } }, INSIDE), verdict({ peers: { option: "invert", set } }, other)],
      ["accept", "reject"],
    );
  });
});

const ACTIONS = [
  { name: "local preference", see: "RFC 4271 §5.1.5", actions: { localPref: 50 }, from: {}, want: { localPref: 50 } },
  { name: "MED", see: "RFC 4271 §5.1.4", actions: { multiExitDisc: 0 }, from: {}, want: { multiExitDisc: 0 } },
  {
    name: "communities are added once, behind those that are there",
    see: "RFC 1997",
    actions: { communities: { operation: "add", values: [1, 7] } },
    from: { communities: [9, 1] },
    want: { communities: [9, 1, 7] },
  },
  {
    name: "communities are removed by pattern",
    see: "RFC 1997",
    actions: {
      communities: { operation: "remove", patterns: [{ administrator: interval(65000), value: interval(1, 5) }] },
    },
    from: { communities: [community(65000, 1), community(65000, 6), community(65000, 5)] },
    want: { communities: [community(65000, 6)] },
  },
  {
    name: "communities are replaced",
    see: "RFC 1997",
    actions: { communities: { operation: "replace", values: [3] } },
    from: { communities: [1, 2] },
    want: { communities: [3] },
  },
  {
    name: "extended communities",
    see: "RFC 4360",
    actions: { extendedCommunities: { operation: "remove", patterns: [target(7)] } },
    from: { extendedCommunities: [routeTarget(1, 7), routeTarget(1, 8)] },
    want: { extendedCommunities: [routeTarget(1, 8)] },
  },
  {
    name: "large communities",
    see: "RFC 8092",
    actions: { largeCommunities: { operation: "add", values: [large(1, 2, 3), large(1, 2, 4)] } },
    from: { largeCommunities: [large(1, 2, 3)] },
    want: { largeCommunities: [large(1, 2, 3), large(1, 2, 4)] },
  },
  {
    name: "own AS in front",
    see: "RFC 4271 §5.1.2",
    actions: { prepend: { count: 3 } },
    from: { asPath: path(1) },
    want: { asPath: path(65000, 65000, 65000, 1) },
  },
  {
    name: "another AS in front",
    see: "RFC 4271 §5.1.2",
    actions: { prepend: { count: 1, autonomousSystem: 65009 } },
    from: {},
    want: { asPath: path(65009) },
  },
  { name: "own next hop", see: "RFC 4271 §5.1.3", actions: { nextHop: "self" }, from: {}, want: { nextHop: OWN } },
  {
    name: "a label that is added replaces its namesake",
    see: "DESIGN 4.2",
    actions: { labels: { operation: "add", values: [{ text: "eu", critical: true }] } },
    from: labels(["eu", false], ["x", false]),
    want: labels(["x", false], ["eu", true]),
  },
  {
    name: "labels are removed",
    see: "DESIGN 4.2",
    actions: { labels: { operation: "remove", patterns: [{ text: "eu" }, { text: "x", critical: true }] } },
    from: labels(["eu", true], ["x", false]),
    want: labels(["x", false]),
  },
] as const satisfies readonly {
  name: string;
  see: string;
  actions: PolicyStatement["actions"];
  from: Partial<AttributeSet>;
  want: Partial<AttributeSet>;
}[];

describe("actions", () => {
  for (const { name, see, actions, from, want } of ACTIONS) {
    it(`${name} (${see})`, () => {
      const before = setSample(from);
      const judgement = judge([statement({}, "accept", actions)], before);
      assert.ok(judgement.verdict === "replace");
      assert.deepEqual(judgement.attributes, setSample({ ...from, ...want }));
      // What changes nothing is no replacement, so that nothing is interned again; a path grows each time.
      if ("prepend" in actions) return;
      assert.equal(judge([statement({}, "accept", actions)], judgement.attributes).verdict, "accept");
    });
  }

  it("a label cannot be put on a route without a SEMANTIC attribute", () => {
    const actions = { labels: { operation: "add", values: [{ text: "eu", critical: false }] } } as const;
    assert.equal(judge([statement({}, "accept", actions)], PLAIN).verdict, "accept");
  });
});

describe("order of statements and policies", () => {
  const low = { asPathLength: interval(0) };
  const chain = (policies: Readonly<Record<string, readonly PolicyStatement[]>>, peer: PolicyPeer = INSIDE) => {
    const definitions = Object.entries(policies).map(([name, statements]) => ({ name, statements }));
    const judgement = new PolicyBook(definitions, FACTS).chain(Object.keys(policies))(setSample(), peer);
    if (judgement.verdict === "replace") return judgement.attributes.localPref;
    return judgement.verdict === "reject" ? judgement.reason : judgement.verdict;
  };
  const set = (localPref: number) => ({ localPref });

  it("the first that decides ends it (RFC 9067 §4.1)", () => {
    assert.equal(chain({ p: [statement(low, "accept", set(1)), statement({}, "reject")] }), 1);
    assert.equal(chain({ p: [statement(low, "reject"), statement({}, "accept", set(1))] }), "policy");
  });
  it("one that does not decide goes on to the next, which sees its changes", () => {
    const marked = { communities: { option: "any", set: members({ administrator: interval(0), value: interval(5) }) } };
    const mark = { communities: { operation: "add", values: [5] } } as const;
    assert.equal(
      chain({ p: [statement({}, "next-statement", mark), statement(marked as PolicyConditions, "accept", set(9))] }),
      9,
    );
  });
  it("next-policy leaves the rest of a policy out", () => {
    const first = [statement({}, "next-policy", set(1)), statement({}, "reject")];
    assert.equal(chain({ a: first, b: [statement({}, "accept", set(2))] }), 2);
    assert.equal(chain({ a: first }), 1);
  });
  it("where nobody decides: everything inside with its changes, nothing across the border (RFC 8212 §2)", () => {
    assert.equal(chain({ p: [] }), "accept");
    assert.equal(chain({ p: [statement({}, "next-statement", set(3))] }), 3);
    assert.equal(chain({ p: [statement({}, "next-statement", set(3))] }, OUTSIDE), "no-policy");
    assert.equal(chain({ p: [statement({}, "accept", set(3))] }, OUTSIDE), 3);
  });
  it("names: twice the same, and one that is not there", () => {
    const policy = { name: "p", statements: [] };
    assert.throws(() => new PolicyBook([policy, policy], FACTS), /the policy p is defined twice/);
    const book = new PolicyBook([policy], FACTS);
    assert.throws(() => book.chain(["p", "q"]), /there is no policy q/);
    assert.equal(book.chain(["p", "p"]), book.chain(["p", "p"]));
  });
  it("says whether neighbours can share its answers", () => {
    const peers = { option: "any", set: { addresses: [] } } as const;
    const book = new PolicyBook(
      [
        { name: "a", statements: [statement({ score: interval(1) }, "accept")] },
        { name: "b", statements: [statement({ peers }, "accept")] },
      ],
      FACTS,
    );
    assert.deepEqual([book.chain(["a"]).looksAtPeer, book.chain(["a", "b"]).looksAtPeer], [false, true]);
  });
});

describe("conditions over keys", () => {
  const set = {
    members: ["10.0.0.0/8 16-24", "10.1.2.0/24 24-32", "192.0.2.0/24", "2001:db8::/32 32-48", "::/0"].map(prefix),
  };
  const verdictOf = (conditions: PolicyConditions, family: PolicyPeer["family"], key: string | Uint8Array) => {
    const judgement = judge([statement(conditions, "reject")], setSample(), { ...INSIDE, family });
    if (judgement.verdict !== "by-key") return judgement.verdict;
    const { octets, start } =
      typeof key === "string" ? prefixKey(key) : { octets: Uint8Array.of(0, 0, ...key), start: 2 };
    return judgement.of(octets, start).verdict;
  };

  const PREFIXES = [
    ["10.5.0.0/16", true],
    ["10.5.6.0/24", true],
    ["10.5.6.128/25", false],
    ["10.0.0.0/8", false],
    ["10.1.2.3/32", true],
    ["11.0.0.0/16", false],
    ["192.0.2.0/24", true],
    ["192.0.2.0/25", false],
    ["192.0.0.0/16", false],
    ["0.0.0.0/0", false],
    ["2001:db8::/32", true],
    ["2001:db8:1::/48", true],
    ["2001:db8:1::/49", false],
    ["2001:db9::/32", false],
    ["::/0", true],
    ["::/1", false],
  ] as const;
  for (const [key, fits] of PREFIXES) {
    it(`${key} is ${fits ? "" : "not "}in a prefix set (RFC 9067 §4.2, mask-length-lower and -upper)`, () => {
      const family = key.includes(":") ? "ipv6-unicast" : "ipv4-unicast";
      assert.equal(verdictOf({ prefixes: { option: "any", set } }, family, key), fits ? "reject" : "accept");
      assert.equal(verdictOf({ prefixes: { option: "invert", set } }, family, key), fits ? "accept" : "reject");
    });
  }

  it("capability routes have no prefix, and unicast routes no capability: nothing to ask of the key", () => {
    const ids = { ids: [idOf(1)] };
    assert.equal(verdictOf({ prefixes: { option: "any", set } }, "capability", keySample(1)), "accept");
    assert.equal(verdictOf({ prefixes: { option: "invert", set } }, "capability", keySample(1)), "reject");
    assert.equal(verdictOf({ capabilities: { option: "any", set: ids } }, "ipv4-unicast", "10.5.0.0/16"), "accept");
  });

  it("capabilities by identifier, whatever the router and the tenant (DESIGN 4.1)", () => {
    const ids = { ids: Array.from({ length: 50 }, (_, n) => idOf(3 * n)) };
    for (let n = 0; n < 160; n++) {
      const want = n % 3 === 0 && n < 150 ? "reject" : "accept";
      const key = keySample(n, 0x0a000000 + n);
      assert.equal(verdictOf({ capabilities: { option: "any", set: ids } }, "capability", key), want, `${n}`);
    }
    const instance = Uint8Array.of(1, 36, ...keySample(3).subarray(2), ...new Uint8Array(8));
    const name = Uint8Array.of(3, 28, ...keySample(3).subarray(2));
    const short = Uint8Array.of(1, 20, ...keySample(3).subarray(2, 22));
    const answers = [instance, name, short].map((key) =>
      verdictOf({ capabilities: { option: "any", set: ids } }, "capability", key),
    );
    assert.deepEqual(answers, ["reject", "accept", "accept"]);
  });

  it("keys that fare alike get the same verdict, and each is worked out once", () => {
    const conditions = { capabilities: { option: "any", set: { ids: [idOf(1), idOf(2)] } } } as const;
    const book = new PolicyBook(
      [
        {
          name: "p",
          statements: [statement(conditions, "accept", { localPref: 7 }), statement({}, "reject", {}, "rest")],
        },
      ],
      FACTS,
    );
    const judgement = book.chain(["p"])(setSample(), INSIDE);
    assert.ok(judgement.verdict === "by-key");
    const [one, two, three] = [1, 2, 3].map((n) => judgement.of(keySample(n), 0));
    assert.equal(one, two);
    assert.deepEqual([one!.verdict, three!.verdict], ["replace", "reject"]);
    one!.hits?.add(5);
    assert.deepEqual(
      [...book.hits()],
      [
        { policy: "p", statement: "s", sets: 1, routes: 5 },
        { policy: "p", statement: "rest", sets: 1, routes: 0 },
      ],
    );
  });

  it("a chain that looks at nothing says so, and counts what it is asked without a set", () => {
    const end = statement({}, "accept", {}, "end");
    const blind = statement({}, "next-statement");
    const book = new PolicyBook(
      [
        { name: "blind", statements: [blind, end] },
        { name: "skips", statements: [statement({}, "next-policy"), statement({}, "reject")] },
        { name: "looks", statements: [statement({ score: interval(1) }, "reject"), end] },
        { name: "changes", statements: [statement({}, "accept", { localPref: 7 })] },
      ],
      FACTS,
    );
    const chain = book.chain(["blind"]);
    assert.equal(chain.always!(), chain(setSample(), INSIDE));
    chain.always!().hits?.add(5);
    const hits = [...book.hits()].filter(({ policy }) => policy === "blind");
    assert.deepEqual(
      hits.map(({ sets, routes }) => [sets, routes]),
      [
        [3, 5],
        [3, 5],
      ],
    );
    assert.equal(book.chain(["skips", "blind"]).always!().verdict, "accept");
    // What holds where no policy decides depends on the neighbour.
    for (const name of ["looks", "changes", "skips"]) assert.equal(book.chain([name]).always, undefined);
    assert.equal(book.chain(["looks", "blind"]).always, undefined);
  });

  it("is not asked where the attributes do not fit", () => {
    const conditions = { capabilities: { option: "any", set: { ids: [idOf(1)] } }, score: interval(1) } as const;
    assert.equal(judge([statement(conditions, "reject")], setSample()).verdict, "accept");
  });

  it("extended communities are compared octet for octet", () => {
    const octets = fromHex("8353000000000001");
    const exact = {
      forms: [{ fields: Array.from(octets, (octet, at) => ({ at, octets: 1, values: interval(octet) })) }],
    };
    const conditions = { extendedCommunities: { option: "any", set: members(exact) } } as const;
    const verdict = (hex: string) =>
      judge([statement(conditions, "reject")], setSample({ extendedCommunities: [fromHex(hex)] })).verdict;
    assert.deepEqual([verdict("8353000000000001"), verdict("8353000000000002")], ["reject", "accept"]);
  });
});
