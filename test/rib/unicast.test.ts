import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6Prefix, seconds } from "../../src/base/index.ts";
import type { AttributeSet, PeerIndex, Rib, RouteOutput, UnicastFamily, UnicastRow } from "../../src/rib/index.ts";
import { address, announce, attributeSet, batch, EPOCH, ribPeer, siteKey, world } from "./world.ts";

const encoder = new TextEncoder();

function key(text: string): Uint8Array {
  const [v4, bits] = text.split("/") as [string, string];
  const octets = new Uint8Array(4);
  if (!v4.includes(":")) new DataView(octets.buffer).setUint32(0, parseIpv4(v4)!);
  const whole = v4.includes(":") ? parseIpv6Prefix(text)!.address : octets;
  return Uint8Array.of(Number(bits), ...whole.subarray(0, (Number(bits) + 7) >> 3));
}

function tell(rib: Rib, family: UnicastFamily, peer: PeerIndex, set: Partial<AttributeSet>, ...prefixes: string[]) {
  const whole = attributeSet({ withoutSemantic: true, extendedCommunities: [], ...set });
  const octets = encoder.encode(`${family} ${JSON.stringify(whole)}`);
  const id = rib.attributes.intern(octets, 0, octets.length, () => whole, family);
  rib.unicast(family).announce(peer, batch(...prefixes.map(key)), id);
}

function text({ address: octets, length, peer, best, stale, step }: UnicastRow): string {
  const prefix = octets.length === 16 ? formatIpv6(octets) : formatIpv4(new DataView(octets.buffer).getUint32(0));
  return `${prefix}/${length} ${peer}${best ? " best" : ` ${step}`}${stale ? " stale" : ""}`;
}

const rows = (rib: Rib, family: UnicastFamily, peer?: PeerIndex): string[] =>
  [...rib.unicast(family).rowsOf(peer === undefined ? {} : { peer })].map(text).sort();

function told(output: RouteOutput): string[] {
  const seen: string[] = [];
  const note = (what: string) => (octets: Uint8Array, start: number, length: number) =>
    seen.push(`${what} ${[...octets.subarray(start, start + length)].join(".")}`) > 0;
  output.drain(
    {
      admit: () => true,
      announce: (_, octets, start, length) => note("+")(octets, start, length),
      withdraw: note("-"),
    },
    1000,
  );
  return seen.sort();
}

const sequence = (...numbers: number[]) => [{ type: "sequence", numbers }] as const;

describe("unicast tables", () => {
  it("keep prefixes of every length apart, the default route among them", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(2, "external"));
    tell(rib, "ipv6-unicast", peer, {}, "::/0", "2000::/3", "2001:db8::/32", "2001:db8::/33", "2001:db8::/128");
    tell(rib, "ipv4-unicast", peer, {}, "0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.1.2.3/32");
    assert.deepEqual(rows(rib, "ipv6-unicast"), [
      "2000::/3 1 best",
      "2001:db8::/128 1 best",
      "2001:db8::/32 1 best",
      "2001:db8::/33 1 best",
      "::/0 1 best",
    ]);
    assert.equal(rib.unicast("ipv4-unicast").routes, 4);
    rib.unicast("ipv6-unicast").withdraw(peer, batch(key("2001:db8::/32"), key("2002::/16")));
    assert.equal(rib.unicast("ipv6-unicast").routes, 4);
    assert.equal(rib.capability.routes, 0);
  });

  it("refuse a key that is not one of theirs", () => {
    const { rib } = world();
    const peer = rib.openPeer(ribPeer(2));
    assert.throws(() => rib.unicast("ipv4-unicast").withdraw(peer, batch(Uint8Array.of(32, 1, 2, 3))), RangeError);
  });

  const DECISIONS: readonly {
    readonly name: string;
    readonly see: string;
    readonly better: Partial<AttributeSet>;
    readonly worse: Partial<AttributeSet>;
    readonly step: string;
  }[] = [
    {
      name: "higher LOCAL_PREF",
      see: "RFC 4271 §9.1.1",
      better: { localPref: 200, asPath: sequence(1, 2, 3) },
      worse: { localPref: 100 },
      step: "local-preference",
    },
    {
      name: "shorter AS_PATH",
      see: "RFC 4271 §9.1.2.2 a)",
      better: { asPath: sequence(1), origin: "incomplete" },
      worse: { asPath: sequence(1, 2) },
      step: "as-path-length",
    },
    {
      name: "lower ORIGIN",
      see: "RFC 4271 §9.1.2.2 b)",
      better: { asPath: sequence(1), multiExitDisc: 9 },
      worse: { asPath: sequence(1), origin: "egp" },
      step: "origin",
    },
    {
      name: "lower MED of one neighbouring AS; none counts as 0",
      see: "RFC 4271 §9.1.2.2 c)",
      better: { asPath: sequence(1, 7) },
      worse: { asPath: sequence(1, 8), multiExitDisc: 1 },
      step: "multi-exit-disc",
    },
    {
      name: "MED of different ASes is not compared: the lower identifier",
      see: "RFC 4271 §9.1.2.2 c) and f)",
      better: { asPath: sequence(1), multiExitDisc: 9 },
      worse: { asPath: sequence(2), multiExitDisc: 1 },
      step: "router-id",
    },
  ];
  for (const { name, see, better, worse, step } of DECISIONS)
    it(`${name} (${see})`, () => {
      for (const order of ["better first", "worse first"] as const) {
        const { rib } = world();
        const [a, b] = [rib.openPeer(ribPeer(2, "external")), rib.openPeer(ribPeer(3, "external"))];
        if (order === "better first") tell(rib, "ipv4-unicast", a, better, "10.0.0.0/8");
        tell(rib, "ipv4-unicast", b, worse, "10.0.0.0/8");
        if (order === "worse first") tell(rib, "ipv4-unicast", a, better, "10.0.0.0/8");
        assert.deepEqual(rows(rib, "ipv4-unicast"), [`10.0.0.0/8 ${a} best`, `10.0.0.0/8 ${b} ${step}`], order);
      }
    });

  it("need neither tenant nor lease: SEMANTIC means nothing to them", () => {
    const { rib, clock } = world();
    const [a, b] = [rib.openPeer(ribPeer(2, "external")), rib.openPeer(ribPeer(3, "external"))];
    const { semantic } = attributeSet({
      semantic: { lease: { sequence: 1n, validUntil: seconds(EPOCH + 5), renew: seconds(1) } },
    });
    tell(rib, "ipv6-unicast", a, { localPref: 200, semantic: semantic! }, "2001:db8::/32");
    tell(rib, "ipv6-unicast", b, {}, "2001:db8::/32");
    clock.advance(10_000);
    assert.deepEqual(rows(rib, "ipv6-unicast", a), [`2001:db8::/32 ${a} best`]);
  });

  it("tell each neighbour what changed, and never what it said itself", () => {
    const { rib } = world();
    const [a, b] = [rib.openPeer(ribPeer(2, "external")), rib.openPeer(ribPeer(3, "external"))];
    const table = rib.unicast("ipv4-unicast");
    const [toA, toB] = [table.openOutput(a), table.openOutput(b)];
    tell(rib, "ipv4-unicast", a, {}, "0.0.0.0/0", "10.128.0.0/9");
    assert.deepEqual([told(toA), told(toB)], [[], ["+ 0", "+ 9.10.128"]]);
    table.withdraw(a, batch(key("0.0.0.0/0")));
    assert.deepEqual([told(toA), told(toB)], [[], ["- 0"]]);
  });

  it("are stale each on their own, and swept each on their own", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(2));
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    tell(rib, "ipv6-unicast", peer, {}, "2001:db8::/32", "2001:db9::/32");
    tell(rib, "ipv4-unicast", peer, {}, "10.0.0.0/8");
    rib.unicast("ipv6-unicast").markStale(peer);
    clock.advance(10);
    assert.deepEqual(rows(rib, "ipv6-unicast"), ["2001:db8::/32 1 best stale", "2001:db9::/32 1 best stale"]);
    assert.deepEqual(rows(rib, "ipv4-unicast"), ["10.0.0.0/8 1 best"]);
    assert.deepEqual(
      [...rib.capability.routesOf({})].map(({ stale }) => stale),
      [false],
    );
    tell(rib, "ipv6-unicast", peer, {}, "2001:db9::/32");
    assert.equal(rib.unicast("ipv6-unicast").sweepStale(peer, 100), true);
    assert.deepEqual(rows(rib, "ipv6-unicast"), ["2001:db9::/32 1 best"]);
    assert.deepEqual([rib.unicast("ipv4-unicast").routes, rib.capability.routes], [1, 1]);
  });

  it("leases that end while another family is looked at again are not overlooked", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(2));
    announce(
      rib,
      peer,
      attributeSet({ semantic: { lease: { sequence: 1n, validUntil: seconds(EPOCH + 5), renew: seconds(1) } } }),
      siteKey(1, 2),
    );
    tell(rib, "ipv6-unicast", peer, {}, "2001:db8::/32");
    while (rib.capability.drainDestinations(() => {}, 10) > 0);
    clock.advance(4_999);
    rib.unicast("ipv6-unicast").markStale(peer);
    clock.advance(1_002);
    const groups: number[] = [];
    rib.capability.drainDestinations(({ group }) => groups.push(group.length), 10);
    assert.deepEqual(groups, [0]);
  });

  it("lose everything of a neighbour that goes, in every family", () => {
    const { rib, clock } = world();
    const peer = rib.openPeer(ribPeer(2));
    announce(rib, peer, attributeSet(), siteKey(1, 2));
    tell(rib, "ipv6-unicast", peer, { nextHop: address("2001:db8::9") }, "2001:db8::/32");
    tell(rib, "ipv4-unicast", peer, {}, "10.0.0.0/8");
    rib.closePeer(peer);
    clock.advance(50);
    const { capability } = rib;
    assert.deepEqual(
      [capability, rib.unicast("ipv6-unicast"), rib.unicast("ipv4-unicast")].map(({ paths }) => paths),
      [0, 0, 0],
    );
    assert.equal(rib.peer(peer), undefined);
  });
});
