import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv6 } from "../../../src/base/index.ts";
import { exportBorder, isSiteWord } from "../../../src/bgp/brownfield/index.ts";
import { defaultPolicy } from "../../../src/bgp/policy/index.ts";
import type { AttributeSet } from "../../../src/rib/index.ts";
import { A, B, C, Scene } from "../speaker/scene.ts";
import { changing, Member, reflected, T, UNICAST } from "./over-others.ts";
import { address, domain, mirrored, siteSet } from "./samples.ts";

describe("the border of a domain", () => {
  it("lets only marked /128s in, and nothing of the domain out elsewhere", async (t) => {
    const scene = new Scene(t);
    const { a, b, between } = await reflected(scene, {
      b: { others: [{ address: C, families: UNICAST }] },
    });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: B, families: UNICAST }] });
    scene.quiet(a.router, b.router, between, c);
    const { semantic: _, ...plain } = siteSet({ extendedCommunities: [] });
    const originate = (text: string, length: number, set: AttributeSet): void =>
      between.speaker.originateUnicast({ family: "ipv6-unicast", address: address(text), length }, set);
    const [unique] = mirrored(siteSet()).addresses;
    originate(formatIpv6(unique), 128, plain);
    originate("fd5e:3d00:1:1::", 64, plain);
    originate("2001:db8:99::", 48, plain);
    const { extendedCommunities: _e, ...others } = mirrored(siteSet()).set;
    originate("fd5e:3d00:1:1:1:1:1:9", 128, { ...others, extendedCommunities: [] });
    scene.clock.advance(200);
    assert.deepEqual([...b.router.rib.unicast("ipv6-unicast").rowsOf({})], []);
    const refused = (reason: string) => b.router.metrics.sum("semrd_bgp_refused_routes_total", { peer: T, reason });
    const reasons = ["unmarked", "prefix-length", "other-prefix", "mark-lost"].map((reason) => `brownfield-${reason}`);
    assert.deepEqual(reasons.map(refused), [1, 1, 1, 1]);
  });

  it("routes of this router stay away from neighbours without brownfield", async (t) => {
    const scene = new Scene(t);
    const otherwise = defaultPolicy({ acceptExternal: false });
    const closed = exportBorder({
      domain: domain(),
      session: undefined,
      bgpIdentifier: 0x0a000001,
      policy: undefined,
      otherwise,
    });
    const { a, b, between } = await reflected(scene, {
      a: { others: [{ address: C, families: UNICAST, exportPolicy: closed }] },
    });
    const c = await scene.router({ address: C, identifier: "10.0.0.3", peers: [{ address: A, families: UNICAST }] });
    a.say();
    const { semantic: _, ...plain } = siteSet();
    const other = { family: "ipv6-unicast", address: address("2001:db8:99::"), length: 48 } as const;
    a.router.speaker.originateUnicast(other, plain);
    scene.quiet(a.router, b.router, between, c);
    scene.clock.advance(100);
    const prefixes = [...c.rib.unicast("ipv6-unicast").rowsOf({})].map((row) => formatIpv6(row.address));
    assert.deepEqual(prefixes, ["2001:db8:99::"]);
    assert.equal(b.selection().group.length, 1);
    const there = [...between.rib.unicast("ipv6-unicast").rowsOf({})].map(({ length }) => length);
    assert.deepEqual(there, [128, 128], "and other prefixes away from neighbours that have only brownfield");
  });

  it("a route of this router that comes back poorer is reported", async (t) => {
    const scene = new Scene(t);
    const system = (localAs: number, ...peers: object[]) => ({
      localAs,
      speaker: { acceptExternal: true },
      peers: peers as never,
    });
    const strip = changing((set) => ({ ...set, largeCommunities: set.largeCommunities.filter((w) => !isSiteWord(w)) }));
    const peer = (where: string, remoteAs: number, more: object = {}) => ({
      address: where,
      remoteAs,
      families: UNICAST,
      ...more,
    });
    // A says its routes to B; B to C, which strips them and sends them back to A.
    const b = await scene.router({
      address: B,
      identifier: "10.0.0.2",
      ...system(65002, peer(A, 65001), peer(C, 65003)),
    });
    const c = await scene.router({
      address: C,
      identifier: "10.0.0.3",
      ...system(65003, peer(B, 65002), peer(A, 65001, { exportPolicy: strip })),
    });
    const a = await Member.start(scene, {
      address: A,
      identifier: "10.0.0.1",
      localAs: 65001,
      through: { address: C, remoteAs: 65003, exportPolicy: () => ({ verdict: "reject", reason: "test" }) },
      others: [peer(B, 65002, { exportPolicy: changing((set) => set) })],
    });
    a.say();
    scene.quiet(a.router, b, c);
    scene.until("it came round", () => a.imported.status(C)!.returnedPoorer > 0);
    assert.ok(a.router.log.has("brownfield.returned-poorer"));
    assert.ok(a.router.metrics.sum("semrd_brownfield_attributes_lost_total", { peer: C, attribute: "metric" }) > 0);
  });
});
