import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fromHex, parseIpv6 } from "../../src/base/index.ts";
import { ConfigurationError, type ConfigurationFault, parseConfiguration } from "../../src/management/index.ts";
import { ALL_FILES, type Editable, edited } from "./documents.ts";
import { keptYang } from "./kept-yang.ts";
import { listed } from "./listed.ts";
import { ROUTING_POLICY, withPolicy } from "./policy-document.ts";

const PARTS = { yang: keptYang(), files: ALL_FILES };
const parse = (text: string) => parseConfiguration(text, "/etc/semrd", PARTS);

async function faultsOf(text: string): Promise<readonly Omit<ConfigurationFault, "line">[]> {
  try {
    await parse(text);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.faults.map(({ line: _, ...fault }) => fault);
    throw error;
  }
  return [];
}

const interval = (minimum: number, maximum = minimum) => ({ minimum, maximum });
const ALL_16 = interval(0, 0xffff);
const ALL_32 = interval(0, 0xffffffff);
const field = (at: number, octets: number, values: { minimum: number; maximum: number }) => ({ at, octets, values });

describe("routing policy in the configuration", () => {
  it("comes out with every name replaced by what it stands for", async () => {
    const { routingPolicy, bgp } = await parse(
      edited((router) => {
        router["semrd-policy:routing-policy"] = ROUTING_POLICY;
        const [first, second] = router["semrd-bgp:bgp"].neighbors.neighbor;
        first["import-policy"] = ["everything"];
        second["export-policy"] = ["outward", "everything"];
      }),
    );
    assert.deepEqual(
      bgp?.neighbors.map(({ importPolicy, exportPolicy }) => [importPolicy, exportPolicy]),
      [
        [["everything"], []],
        [[], ["outward", "everything"]],
      ],
    );
    const [everything, outward] = routingPolicy.policies;
    assert.deepEqual(outward, {
      name: "outward",
      statements: [{ name: "self", conditions: {}, actions: { nextHop: "self" }, result: "next-statement" }],
    });
    const [conditions, actions] = everything!.statements;
    assert.equal(conditions!.result, "reject");
    assert.deepEqual(conditions!.actions, {});
    assert.deepEqual(
      listed(conditions!.conditions),
      listed({
        prefixes: {
          option: "invert",
          set: {
            name: "customers",
            members: [
              { address: Uint8Array.of(10, 0, 0, 0), length: 8, lengths: interval(16, 24) },
              { address: parseIpv6("2001:db8::")!, length: 32, lengths: interval(32, 48) },
            ],
          },
        },
        capabilities: {
          option: "any",
          set: {
            name: "seeing",
            capabilities: [
              { name: "/vision/ocr", majorVersion: 1 },
              { name: "/audio/speech", majorVersion: 1 },
            ],
          },
        },
        neighbors: {
          option: "any",
          set: { name: "edges", addresses: [parseIpv6("fd00:ffff::1")!, parseIpv6("fd00:ffff::3")!] },
        },
        communities: {
          option: "all",
          set: {
            name: "marks",
            members: [
              { text: "65000:1", administrator: interval(65000), value: interval(1) },
              { text: "65000:10-19", administrator: interval(65000), value: interval(10, 19) },
              { text: "*:666", administrator: ALL_16, value: interval(666) },
              { text: "no-export", administrator: interval(0xffff), value: interval(0xff01) },
            ],
          },
        },
        extendedCommunities: {
          option: "any",
          set: {
            name: "targets",
            members: [
              {
                text: "target:65000:1",
                forms: [
                  { fields: [field(0, 2, interval(0x0002)), field(2, 2, interval(65000)), field(4, 4, interval(1))] },
                ],
              },
              {
                text: "target:4200000000:7",
                forms: [
                  {
                    fields: [
                      field(0, 2, interval(0x0202)),
                      field(2, 4, interval(4200000000)),
                      field(6, 2, interval(7)),
                    ],
                  },
                ],
              },
              {
                text: "origin:192.0.2.1:*",
                forms: [
                  { fields: [field(0, 2, interval(0x0103)), field(2, 4, interval(0xc0000201)), field(6, 2, ALL_16)] },
                ],
              },
              {
                text: "target:*:5",
                forms: [
                  { fields: [field(0, 2, interval(0x0002)), field(2, 2, ALL_16), field(4, 4, interval(5))] },
                  { fields: [field(0, 2, interval(0x0102)), field(2, 4, ALL_32), field(6, 2, interval(5))] },
                  { fields: [field(0, 2, interval(0x0202)), field(2, 4, ALL_32), field(6, 2, interval(5))] },
                ],
              },
              {
                text: "0x8353000000000001",
                forms: [{ fields: [field(0, 4, interval(0x83530000)), field(4, 4, interval(1))] }],
              },
            ],
          },
        },
        largeCommunities: {
          option: "any",
          set: {
            name: "large",
            members: [
              {
                text: "4200000000:*:1-3",
                globalAdministrator: interval(4200000000),
                data1: ALL_32,
                data2: interval(1, 3),
              },
            ],
          },
        },
        asPath: {
          option: "any",
          set: {
            name: "paths",
            members: [
              { text: "", tokens: [] },
              { text: "65001 ? * 65010-65019", tokens: [interval(65001), ALL_32, "many", interval(65010, 65019)] },
              { text: "* 7 *", tokens: ["many", interval(7), "many"] },
              { text: "* 8", tokens: ["many", interval(8)] },
              { text: "9 *", tokens: [interval(9), "many"] },
            ],
          },
        },
        labels: { option: "any", set: { name: "law", members: [{ text: "gdpr", critical: true }, { text: "eu" }] } },
        families: ["capability", "ipv6-unicast"],
        tenants: [{ name: "acme", importTargets: [fromHex("0002 fde8 00000001")] }],
        asPathLength: interval(1, 65535),
        score: interval(0, 5),
        states: ["up", "degraded"],
        nextHops: [
          { address: parseIpv6("fd00::")!, length: 16 },
          { address: Uint8Array.of(192, 0, 2, 0), length: 24 },
        ],
      }),
    );
    assert.equal(actions!.result, "accept");
    assert.deepEqual(actions!.conditions, {});
    const { communities, extendedCommunities, largeCommunities, ...others } = actions!.actions;
    assert.deepEqual(others, {
      localPref: 200,
      multiExitDisc: 0,
      prepend: { count: 2, autonomousSystem: 65009 },
      labels: { operation: "add", members: [{ text: "eu" }] },
    });
    const texts = [communities, extendedCommunities, largeCommunities].map((change) => [
      change!.operation,
      ...change!.members.map(({ text }) => text),
    ]);
    assert.deepEqual(texts, [
      ["add", "65000:1", "graceful-shutdown"],
      ["add", "target:4200000000:7", "0x8353000000000001"],
      ["remove", "*:*:*"],
    ]);
  });
});

const POLICY = "/semrd-router:router/semrd-policy:routing-policy";
const SETS = `${POLICY}/defined-sets`;
const STATEMENT = `${POLICY}/policy-definitions/policy-definition[name='p']/statements/statement[name='s']`;
const NEIGHBOR = "/semrd-router:router/semrd-bgp:bgp/neighbors/neighbor[address='fd00:ffff::1']";
const statement = (conditions: object, actions: object = {}) => [{ name: "s", conditions, actions }];
const communitySet = (...member: string[]) => ({ "community-sets": { "community-set": [{ name: "c", member }] } });
const prefixSet = (prefix: string, lower: number, upper: number) => ({
  "prefix-sets": {
    "prefix-set": [
      {
        name: "x",
        prefixes: {
          "prefix-list": [{ "ip-prefix": prefix, "mask-length-lower": lower, "mask-length-upper": upper }],
        },
      },
    ],
  },
});
const prefixEntry = (prefix: string, lower: number, upper: number) =>
  `${SETS}/prefix-sets/prefix-set[name='x']/prefixes/prefix-list[ip-prefix='${prefix}'][mask-length-lower='${lower}'][mask-length-upper='${upper}']`;

interface FaultCase {
  readonly name: string;
  readonly text: string;
  readonly want: readonly Omit<ConfigurationFault, "line">[];
}

const FAULTS: readonly FaultCase[] = [
  {
    name: "a neighbour names a policy that is not there",
    text: edited((router) => {
      router["semrd-bgp:bgp"].neighbors.neighbor[0]["export-policy"] = ["nowhere"];
    }),
    want: [
      {
        path: `${NEIGHBOR}/export-policy[.='nowhere']`,
        value: '"nowhere"',
        reason: "there is no /router/routing-policy/policy-definitions/policy-definition with the name nowhere",
        tag: "instance-required",
      },
    ],
  },
  {
    name: "a condition names a set that is not there",
    text: withPolicy(statement({ "match-community-set": { "community-set": "c" } })),
    want: [
      {
        path: `${STATEMENT}/conditions/match-community-set/community-set`,
        value: '"c"',
        reason: "there is no /router/routing-policy/defined-sets/community-sets/community-set with the name c",
        tag: "instance-required",
      },
    ],
  },
  {
    name: "a tenant that is not there",
    text: withPolicy(statement({ tenant: ["nobody"] })),
    want: [
      {
        path: `${STATEMENT}/conditions/tenant[.='nobody']`,
        value: '"nobody"',
        reason: "there is no /router/tenants/tenant with the name nobody",
        tag: "instance-required",
      },
    ],
  },
  {
    name: "capabilities that the taxonomy does not have",
    text: withPolicy([], {
      "capability-sets": {
        "capability-set": [{ name: "x", capability: ["/vision/unknown"], "capability-prefix": ["/vision/ocr"] }],
      },
    }),
    want: [
      {
        path: `${SETS}/capability-sets/capability-set[name='x']/capability[.='/vision/unknown']`,
        value: '"/vision/unknown"',
        reason: "this capability is not in the taxonomy",
        tag: "capability-unknown",
      },
      {
        path: `${SETS}/capability-sets/capability-set[name='x']/capability-prefix[.='/vision/ocr']`,
        value: '"/vision/ocr"',
        reason: "no capability of the taxonomy is below this name",
        tag: "capability-unknown",
      },
    ],
  },
  {
    name: "a set without members",
    text: withPolicy([], { "as-path-sets": { "as-path-set": [{ name: "x" }] } }),
    want: [
      {
        path: `${SETS}/as-path-sets/as-path-set[name='x']`,
        reason: "an AS path set has at least one member",
        tag: "empty-set",
      },
    ],
  },
  {
    name: "prefix lengths the wrong way round",
    text: withPolicy([], prefixSet("10.0.0.0/8", 24, 16)),
    want: [
      {
        path: prefixEntry("10.0.0.0/8", 24, 16),
        reason: "mask-length-lower is at most mask-length-upper",
        tag: "mask-length-order",
      },
    ],
  },
  {
    name: "prefixes shorter than the prefix that they are inside of",
    text: withPolicy([], prefixSet("2001:db8::/32", 16, 48)),
    want: [
      {
        path: prefixEntry("2001:db8::/32", 16, 48),
        reason: "mask-length-lower is at least the length of the prefix",
        tag: "mask-length-lower",
      },
    ],
  },
  {
    name: "an IPv4 prefix of 33 bits",
    text: withPolicy([], prefixSet("10.0.0.0/8", 8, 33)),
    want: [
      {
        path: prefixEntry("10.0.0.0/8", 8, 33),
        reason: "an IPv4 prefix has at most 32 bits",
        tag: "mask-length-upper",
      },
    ],
  },
  {
    name: "text that is no community",
    text: withPolicy([], communitySet("65000")),
    want: [
      {
        path: `${SETS}/community-sets/community-set[name='c']/member[1]`,
        value: '"65000"',
        reason:
          "a community is AS:number, such as 65000:1, or the name of a well-known one; '*' and ranges such as 1-9 stand for several",
        tag: "bad-community",
      },
    ],
  },
  {
    name: "numbers that no community has",
    text: withPolicy([], communitySet("65000:1", "65536:1", "1:9-2")),
    want: [
      {
        path: `${SETS}/community-sets/community-set[name='c']/member[.='65536:1']`,
        value: '"65536:1"',
        reason: "a number here is at most 65535",
        tag: "bad-community",
      },
      {
        path: `${SETS}/community-sets/community-set[name='c']/member[.='1:9-2']`,
        value: '"1:9-2"',
        reason: "the first number of a range is the lower one",
        tag: "bad-community",
      },
    ],
  },
  {
    name: "an extended community whose number does not fit behind its AS, in an action",
    text: withPolicy(statement({}, { "set-ext-community": { value: ["target:65536:65536"] } })),
    want: [
      {
        path: `${STATEMENT}/actions/set-ext-community/value[.='target:65536:65536']`,
        value: '"target:65536:65536"',
        reason:
          "no extended community is like this: the number has 16 bits behind an address or an AS above 65535, else 32, and the first number of a range is the lower one",
        tag: "bad-ext-community",
      },
    ],
  },
  {
    name: "a large community and an AS of more than 32 bits",
    text: withPolicy([], {
      "large-community-sets": { "large-community-set": [{ name: "l", member: ["4294967296:1:1"] }] },
      "as-path-sets": { "as-path-set": [{ name: "a", member: ["4294967296"] }] },
    }),
    want: [
      {
        path: `${SETS}/large-community-sets/large-community-set[name='l']/member[.='4294967296:1:1']`,
        value: '"4294967296:1:1"',
        reason: "a number here is at most 4294967295",
        tag: "bad-large-community",
      },
      {
        path: `${SETS}/as-path-sets/as-path-set[name='a']/member[.='4294967296']`,
        value: '"4294967296"',
        reason: "a number here is at most 4294967295",
        tag: "bad-as-path",
      },
    ],
  },
  {
    name: "an AS path of 31 tokens",
    text: withPolicy([], {
      "as-path-sets": { "as-path-set": [{ name: "a", member: [Array.from({ length: 31 }, () => "?").join(" ")] }] },
    }),
    want: [
      {
        path: `${SETS}/as-path-sets/as-path-set[name='a']/member[1]`,
        value: JSON.stringify(Array.from({ length: 31 }, () => "?").join(" ")),
        reason:
          "an AS path is up to 30 of: an AS, a range such as 65001-65009, '?' for one AS, '*' for any number of them; with one space in between",
        tag: "bad-as-path",
      },
    ],
  },
  {
    name: "a pattern cannot be added",
    text: withPolicy(statement({}, { "set-community": { value: ["65000:*"] } })),
    want: [
      {
        path: `${STATEMENT}/actions/set-community/value[.='65000:*']`,
        value: '"65000:*"',
        reason: "a pattern can be removed, not added: give a value",
        tag: "pattern-as-value",
      },
    ],
  },
  {
    name: "a score the wrong way round",
    text: withPolicy(statement({ score: { minimum: 7, maximum: 3 } })),
    want: [
      {
        path: `${STATEMENT}/conditions/score`,
        reason: "the minimum is at most the maximum",
        tag: "interval-order",
      },
    ],
  },
  {
    name: "own next hop on import",
    text: withPolicy(statement({}, { "set-next-hop": "self" })),
    want: [
      {
        path: `${NEIGHBOR}/import-policy[.='p']`,
        value: '"p"',
        reason:
          "a route that is taken from a neighbour cannot get this router as its next hop: set-next-hop is for export",
        tag: "next-hop-on-import",
      },
    ],
  },
  {
    name: "own AS in front on import",
    text: withPolicy(statement({}, { "set-as-path-prepend": {} })),
    want: [
      {
        path: `${NEIGHBOR}/import-policy[.='p']`,
        value: '"p"',
        reason:
          "other routers refuse a path from outside that has their own AS in it: give the AS to prepend on import",
        tag: "own-as-on-import",
      },
    ],
  },
  {
    name: "own AS in front towards a neighbour of the own AS",
    text: withPolicy(statement({}, { "set-as-path-prepend": {} }), {}, (router: Editable) => {
      const [first, second] = router["semrd-bgp:bgp"].neighbors.neighbor;
      delete first["import-policy"];
      second["export-policy"] = ["p"];
    }),
    want: [
      {
        path: `${NEIGHBOR.replace("::1", "::3")}/export-policy[.='p']`,
        value: '"p"',
        reason: "a neighbour of this AS refuses a path with its own AS in it: give the AS to prepend",
        tag: "own-as-inside",
      },
    ],
  },
];

describe("a routing policy with faults", () => {
  for (const { name, text, want } of FAULTS) {
    it(name, async () => assert.deepEqual(listed(await faultsOf(text)), listed(want)));
  }

  it("own AS in front towards another AS is right, and so is another AS inside", async () => {
    const text = withPolicy(statement({}, { "set-as-path-prepend": { asn: 65009 } }), {}, (router: Editable) => {
      const [, second] = router["semrd-bgp:bgp"].neighbors.neighbor;
      Object.assign(second, { "remote-as": 65003, "export-policy": ["q"] });
      router["semrd-policy:routing-policy"]["policy-definitions"]["policy-definition"].push({
        name: "q",
        statements: { statement: [{ name: "s", actions: { "set-as-path-prepend": {} } }] },
      });
    });
    assert.deepEqual(await faultsOf(text), []);
  });
});
