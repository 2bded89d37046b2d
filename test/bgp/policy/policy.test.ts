import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseIpv6 } from "../../../src/base/index.ts";
import {
  ACCEPT,
  defaultPolicy,
  exportRefusal,
  exportSet,
  type ImportFacts,
  importRefusal,
  mayPass,
  NO_ADVERTISE,
  NO_EXPORT,
  NO_EXPORT_SUBCONFED,
  offeredSet,
  type Standing,
} from "../../../src/bgp/policy/index.ts";
import { linkBandwidth, routeTarget } from "../../../src/bgp/wire/index.ts";
import { digestOf } from "../../../src/rib/index.ts";
import { setSample } from "../wire/samples.ts";

const OWN = parseIpv6("2001:db8::99")!;
const facts = (changes: Partial<ImportFacts> = {}): ImportFacts => ({
  localAs: 65000,
  remoteAs: 65001,
  kind: "external",
  bgpIdentifier: 0x0a000001,
  clusterId: 0xc0000201,
  family: "capability",
  ownNextHop: OWN,
  enforceFirstAs: true,
  ...changes,
});
const path = (...numbers: number[]) => [{ type: "sequence", numbers } as const];
const external = setSample({ asPath: path(65001, 65002) });

const IMPORTS = [
  { name: "a good route", see: "RFC 4271 §9", set: external, want: undefined },
  {
    name: "our AS in the path",
    see: "RFC 4271 §9.1.2",
    set: setSample({ asPath: path(65001, 65000) }),
    want: "as-loop",
  },
  {
    name: "we were the originator",
    see: "RFC 4456 §8",
    set: setSample({ asPath: path(65001), originatorId: 0x0a000001 }),
    want: "originator-loop",
  },
  {
    name: "our cluster",
    see: "RFC 4456 §8",
    set: setSample({ asPath: path(65001), clusterList: [1, 0xc0000201] }),
    want: "cluster-loop",
  },
  { name: "another first AS", see: "RFC 4271 §6.3", set: setSample({ asPath: path(65002) }), want: "first-as" },
  { name: "an empty path from outside", see: "RFC 4271 §6.3", set: setSample(), want: "first-as" },
  {
    name: "our next hop",
    see: "RFC 4271 §5.1.3",
    set: setSample({ asPath: path(65001), nextHop: OWN }),
    want: "next-hop-self",
  },
  ...["::", "::1", "fe80::1", "ff02::1", "::ffff:10.0.0.1"].map((text) => ({
    name: `next hop ${text}`,
    see: "RFC 4271 §6.3",
    set: setSample({ asPath: path(65001), nextHop: parseIpv6(text)! }),
    want: "martian-next-hop",
  })),
];

describe("import checks", () => {
  for (const { name, see, set, want } of IMPORTS) {
    it(`${name} (${see})`, () => assert.equal(importRefusal(set, facts()), want));
  }

  it("the first AS is not looked at inside the AS, or where it is not enforced", () => {
    assert.equal(importRefusal(setSample(), facts({ kind: "internal" })), undefined);
    assert.equal(importRefusal(setSample({ asPath: path(65002) }), facts({ enforceFirstAs: false })), undefined);
  });
});

describe("export", () => {
  const to = (kind: "internal" | "external", nextHopSelf = false) => ({
    kind,
    localAs: 65000,
    ownNextHop: OWN,
    nextHopSelf,
    clusterId: 0xc0000201,
  });

  it("well-known communities (RFC 1997)", () => {
    const refusal = (community: number, kind: "internal" | "external") =>
      exportRefusal(digestOf(setSample({ communities: [1, community] })).marks, { kind });
    assert.deepEqual([refusal(NO_EXPORT, "internal"), refusal(NO_EXPORT, "external")], [undefined, "no-export"]);
    assert.equal(refusal(NO_EXPORT_SUBCONFED, "external"), "no-export");
    assert.deepEqual(
      [refusal(NO_ADVERTISE, "internal"), refusal(NO_ADVERTISE, "external")],
      ["no-advertise", "no-advertise"],
    );
  });

  it("inside: everything stays, LOCAL_PREF is there", () => {
    const { localPref: _, ...without } = external;
    assert.deepEqual(exportSet(without, to("internal")), { ...without, localPref: 100 });
    assert.deepEqual(exportSet(external, to("internal", true)).nextHop, OWN);
  });

  it("outside: path, next hop, and nothing that is meant for inside (RFC 4271 §5.1)", () => {
    const target = routeTarget(65000, 1);
    const inside = setSample({
      originatorId: 1,
      clusterList: [1],
      multiExitDisc: 5,
      extendedCommunities: [target, linkBandwidth(65000, 3)],
    });
    const sent = exportSet(inside, to("external"));
    const { localPref: _, originatorId: _o, clusterList: _c, ...rest } = inside;
    assert.deepEqual(sent, { ...rest, asPath: path(65000), nextHop: OWN, extendedCommunities: [target] });
    const foreign = setSample({ asPath: path(65001), multiExitDisc: 5 });
    assert.equal(offeredSet(foreign, "internal"), foreign);
    assert.equal(offeredSet(inside, "external"), inside);
    const passing = exportSet(offeredSet(foreign, "external"), to("external"));
    assert.equal("multiExitDisc" in passing, false, "MULTI_EXIT_DISC of another AS goes no further (§5.1.4)");
    assert.deepEqual(passing.asPath, path(65000, 65001));
  });

  it("who may have what (RFC 4271 §9.2; RFC 4456 §6)", () => {
    const client = { kind: "internal", reflectorClient: true } as const;
    const others = ["local", "internal", "external"].map((kind) => ({ kind }) as Standing);
    const pairs = [...others, client].map((from) => [
      mayPass(from, { kind: "internal" }),
      mayPass(from, { kind: "external" }),
      mayPass(from, client),
    ]);
    assert.deepEqual(pairs, [
      [true, true, true],
      [false, true, true],
      [true, true, true],
      [true, true, true],
    ]);
  });

  it("reflected: originator once, cluster in front, next hop as it was (RFC 4456 §8 and §10)", () => {
    const first = exportSet(setSample(), to("internal", true), 0x0a000007);
    assert.deepEqual(first, { ...setSample(), originatorId: 0x0a000007, clusterList: [0xc0000201] });
    const second = exportSet({ ...first, clusterList: [1, 2] }, to("internal"), 0x0a000008);
    assert.deepEqual(second, { ...first, clusterList: [0xc0000201, 1, 2] });
  });
});

it("without a policy: everything inside, nothing across the border (RFC 8212 §2)", () => {
  const peer = { address: "2001:db8::1", remoteAs: 65001, family: "capability", ownNextHop: OWN } as const;
  const decide = (acceptExternal: boolean, kind: "internal" | "external") =>
    defaultPolicy({ acceptExternal })(external, { ...peer, kind });
  assert.equal(decide(false, "internal"), ACCEPT);
  assert.deepEqual(decide(false, "external"), { verdict: "reject", reason: "no-policy" });
  assert.equal(decide(true, "external"), ACCEPT);
});
