import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type CapabilityName, capabilityId, fromHex, parseIpv6 } from "../../src/base/index.ts";
import type { PolicyPeer } from "../../src/bgp/policy/index.ts";
import { encodeCapability, routeTarget } from "../../src/bgp/wire/index.ts";
import { policyBook } from "../../src/daemon/policy.ts";
import { policyRows } from "../../src/daemon/policy-rows.ts";
import { parseConfiguration } from "../../src/management/index.ts";
import type { AttributeSet } from "../../src/rib/index.ts";
import { semanticSample, setSample } from "../bgp/wire/samples.ts";
import { ALL_FILES, edited } from "../management/documents.ts";
import { keptYang } from "../management/kept-yang.ts";
import { listed } from "../management/listed.ts";
import { ROUTING_POLICY, withPolicy } from "../management/policy-document.ts";

const PARTS = { yang: keptYang(), files: ALL_FILES };
const parse = (text: string) => parseConfiguration(text, "/etc/semrd", PARTS);

const PEER: PolicyPeer = {
  address: "fd00:ffff::1",
  kind: "internal",
  remoteAs: 65000,
  family: "capability",
  ownNextHop: parseIpv6("fd00:ffff::2")!,
};

const keyOf = (name: string): Uint8Array =>
  encodeCapability({
    type: "site",
    routeDistinguisher: fromHex("0000fde800000001"),
    capabilityId: capabilityId(name as CapabilityName, 1),
    originId: 1,
  });

/** What the policy `p` of this configuration says about a route. */
async function decide(
  statements: readonly object[],
  sets: Readonly<Record<string, unknown>>,
  route: Partial<AttributeSet>,
  { peer = PEER, key = keyOf("/vision/ocr") }: { readonly peer?: PolicyPeer; readonly key?: Uint8Array } = {},
) {
  const text = withPolicy(statements as readonly Record<string, unknown>[], sets);
  const judgement = policyBook(await parse(text)).chain(["p"])(setSample(route), peer);
  return judgement.verdict === "by-key" ? judgement.of(key, 0) : judgement;
}

const REJECT = { "policy-result": "reject-route" };

describe("policies of a configuration", () => {
  const CASES: readonly {
    readonly name: string;
    readonly conditions: object;
    readonly sets?: Readonly<Record<string, unknown>>;
    readonly fits: Partial<AttributeSet>;
    readonly not: Partial<AttributeSet>;
  }[] = [
    {
      name: "communities with a range",
      conditions: { "match-community-set": { "community-set": "c" } },
      sets: { "community-sets": { "community-set": [{ name: "c", member: ["65000:10-19", "no-export"] }] } },
      fits: { communities: [0xfde80013] },
      not: { communities: [0xfde80014, 0xffffff02] },
    },
    {
      name: "route targets of any type",
      conditions: { "match-ext-community-set": { "ext-community-set": "e" } },
      sets: { "ext-community-sets": { "ext-community-set": [{ name: "e", member: ["target:*:7"] }] } },
      fits: { extendedCommunities: [routeTarget(4200000000, 7)] },
      not: { extendedCommunities: [routeTarget(7, 8), fromHex("0003fde800000007")] },
    },
    {
      name: "a tenant",
      conditions: { tenant: ["acme"] },
      fits: { extendedCommunities: [routeTarget(65000, 1)] },
      not: { extendedCommunities: [routeTarget(65000, 2)] },
    },
    {
      name: "next hops of both families",
      conditions: { "next-hop-in": ["192.0.2.0/24", "2001:db8:7::/48"] },
      fits: { nextHop: parseIpv6("::ffff:192.0.2.9")! },
      not: { nextHop: parseIpv6("2001:db8:8::1")! },
    },
    {
      name: "where an AS path begins",
      conditions: { "match-as-path-set": { "as-path-set": "a" } },
      sets: { "as-path-sets": { "as-path-set": [{ name: "a", "originated-by": [7], member: ["1 ? 3"] }] } },
      fits: { asPath: [{ type: "sequence", numbers: [5, 6, 7] }] },
      not: { asPath: [{ type: "sequence", numbers: [7, 6] }] },
    },
    {
      name: "labels",
      conditions: { "match-label-set": { "label-set": "l", "match-set-options": "all" } },
      sets: {
        "label-sets": { "label-set": [{ name: "l", label: [{ text: "eu" }, { text: "gdpr", critical: true }] }] },
      },
      fits: {
        semantic: semanticSample({
          labels: [
            { text: "gdpr", critical: true },
            { text: "eu", critical: false },
          ],
        }),
      },
      not: { semantic: semanticSample({ labels: [{ text: "eu", critical: true }] }) },
    },
    {
      name: "a score and a state",
      conditions: { score: { minimum: 5 }, "site-state": ["draining"] },
      fits: { semantic: semanticSample({ score: 5, state: "draining" }) },
      not: { semantic: semanticSample({ score: 5, state: "up" }) },
    },
  ];
  for (const { name, conditions, sets, fits, not } of CASES) {
    it(name, async () => {
      const statements = [{ name: "s", conditions, actions: REJECT }];
      assert.equal((await decide(statements, sets ?? {}, fits)).verdict, "reject");
      assert.equal((await decide(statements, sets ?? {}, not)).verdict, "accept");
    });
  }

  it("capabilities below a name, and neighbours", async () => {
    const sets = {
      "capability-sets": { "capability-set": [{ name: "c", "capability-prefix": ["/vision"] }] },
      "neighbor-sets": { "neighbor-set": [{ name: "n", address: ["FD00:FFFF:0::1"] }] },
    };
    const conditions = {
      "match-capability-set": { "capability-set": "c" },
      "match-neighbor-set": { "neighbor-set": "n" },
    };
    const verdict = async (key: Uint8Array, peer = PEER) =>
      (await decide([{ name: "s", conditions, actions: REJECT }], sets, {}, { key, peer })).verdict;
    assert.equal(await verdict(keyOf("/vision/ocr")), "reject");
    assert.equal(await verdict(keyOf("/audio/speech")), "accept");
    assert.equal(await verdict(keyOf("/vision/ocr"), { ...PEER, address: "fd00:ffff::3" }), "accept");
  });

  it("prefixes with lengths", async () => {
    const entry = { "ip-prefix": "10.0.0.0/8", "mask-length-lower": 9, "mask-length-upper": 16 };
    const sets = { "prefix-sets": { "prefix-set": [{ name: "x", prefixes: { "prefix-list": [entry] } }] } };
    const statements = [{ name: "s", conditions: { "match-prefix-set": { "prefix-set": "x" } }, actions: REJECT }];
    const peer: PolicyPeer = { ...PEER, family: "ipv4-unicast" };
    const verdict = async (...key: number[]) =>
      (await decide(statements, sets, {}, { peer, key: Uint8Array.from(key) })).verdict;
    assert.deepEqual([await verdict(16, 10, 1), await verdict(8, 10)], ["reject", "accept"]);
  });

  it("actions become the values that are sent", async () => {
    const actions = {
      "policy-result": "accept-route",
      "set-local-preference": 200,
      "set-community": { options: "replace", value: ["65000:1", "blackhole"] },
      "set-ext-community": {
        value: ["target:4200000000:7", "origin:192.0.2.1:5", "target:65000:70000", "0x8353000000000001"],
      },
      "set-large-community": { value: ["4200000000:1:2"] },
      "set-as-path-prepend": { "repeat-n": 2, asn: 65009 },
      "set-label": { label: [{ text: "eu" }, { text: "gdpr", critical: true }] },
    };
    const verdict = await decide([{ name: "s", actions }], {}, { communities: [5] });
    assert.ok(verdict.verdict === "replace");
    const { localPref, communities, extendedCommunities, largeCommunities, asPath, semantic } = verdict.attributes;
    assert.deepEqual(
      { localPref, communities, extendedCommunities, largeCommunities, asPath, labels: semantic!.labels },
      {
        localPref: 200,
        communities: [0xfde80001, 0xffff029a],
        extendedCommunities: ["0202fa56ea000007", "0103c00002010005", "0002fde800011170", "8353000000000001"].map(
          fromHex,
        ),
        largeCommunities: [{ globalAdministrator: 4200000000, data1: 1, data2: 2 }],
        asPath: [{ type: "sequence", numbers: [65009, 65009] }],
        labels: [
          { text: "eu", critical: false },
          { text: "gdpr", critical: true },
        ],
      },
    );
  });

  it("what operators read of them", async () => {
    const configuration = await parse(
      edited((router) => {
        router["semrd-policy:routing-policy"] = ROUTING_POLICY;
        const [first, second] = router["semrd-bgp:bgp"].neighbors.neighbor;
        first["import-policy"] = ["everything"];
        delete second.description;
        second["export-policy"] = ["outward", "everything"];
      }),
    );
    const book = policyBook(configuration);
    const judgement = book.chain(["everything"])(setSample(), PEER);
    assert.ok(judgement.verdict === "replace");
    judgement.hits!.add(4);
    assert.deepEqual(
      listed([...policyRows(configuration, book.hits())]),
      listed([
        {
          policy: "everything",
          statement: "all-conditions",
          position: 1,
          conditions: [
            "none of prefix-set customers",
            "capability-set seeing",
            "neighbor-set edges",
            "all of community-set marks",
            "ext-community-set targets",
            "large-community-set large",
            "as-path-set paths",
            "label-set law",
            "family capability or ipv6-unicast",
            "tenant acme",
            "as-path-length 1-65535",
            "score 0-5",
            "site-state up or degraded",
            "next-hop-in fd00::/16 or 192.0.2.0/24",
          ],
          actions: [],
          result: "reject",
          sets: "0",
          routes: "0",
          usedBy: ["import from r1", "export to fd00:ffff::3"],
        },
        {
          policy: "everything",
          statement: "all-actions",
          position: 2,
          conditions: [],
          actions: [
            "local-preference 200",
            "med 0",
            "add community 65000:1 graceful-shutdown",
            "add ext-community target:4200000000:7 0x8353000000000001",
            "remove large-community *:*:*",
            "prepend 65009 × 2",
            "add label eu",
          ],
          result: "accept",
          sets: "1",
          routes: "4",
          usedBy: ["import from r1", "export to fd00:ffff::3"],
        },
        {
          policy: "outward",
          statement: "self",
          position: 1,
          conditions: [],
          actions: ["next-hop self"],
          result: "next-statement",
          sets: "0",
          routes: "0",
          usedBy: ["export to fd00:ffff::3"],
        },
      ]),
    );
  });
});
