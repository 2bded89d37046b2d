import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { toHex } from "../../../src/base/index.ts";
import type { RoutePolicy } from "../../../src/bgp/policy/index.ts";
import { shorten } from "../../../src/bgp/speaker/too-large.ts";
import { AttributeCodec, DEFAULT_DIALECT, mappedIpv4 } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet, UnicastFamily } from "../../../src/rib/index.ts";
import { setSample } from "../wire/samples.ts";
import type { Router } from "./router.ts";
import { A, B, Scene } from "./scene.ts";

const LIMIT = 4096;
/** Octets of the value of an unknown attribute: around each of them a route begins not to fit. */
const FROM = 3930;
const TO = 4060;
const AGGREGATOR = { flags: 0xc0, code: 7, value: Uint8Array.of(0, 1, 0, 0, 1, 2, 3, 4) };
const ATOMIC_AGGREGATE = { flags: 0x40, code: 6, value: new Uint8Array(0) };

const filler = (octets: number) => ({ flags: 0xc0, code: 200, value: new Uint8Array(octets) });

function tell(router: Router, family: UnicastFamily, n: number, changes: Partial<AttributeSet>): void {
  const nextHop = family === "ipv6-unicast" ? router.nextHop : mappedIpv4(Uint8Array.of(192, 0, 2, 1));
  const { localPref: _, semantic: _s, ...set } = setSample({ nextHop, ...changes });
  const address = new Uint8Array(family === "ipv6-unicast" ? 16 : 4);
  address[0] = 0x2a;
  new DataView(address.buffer).setUint16(1, n);
  router.speaker.originateUnicast({ family, address, length: family === "ipv6-unicast" ? 128 : 32 }, set);
}

const numberOf = (address: Uint8Array): number => (address[1]! << 8) | address[2]!;
const heard = (router: Router, family: UnicastFamily) =>
  [...router.rib.unicast(family).rowsOf({})].filter(({ peer }) => peer !== 0);

/** The lengths of messages that stand one behind the other. */
function* lengths(messages: Uint8Array): Generator<number> {
  for (let at = 0; at < messages.length; at += (messages[at + 16]! << 8) | messages[at + 17]!)
    yield (messages[at + 16]! << 8) | messages[at + 17]!;
}

/** A, which offers no messages of more than 4096 octets, and B; what A says is measured. */
async function pair(
  t: TestContext,
  options: {
    readonly families: readonly UnicastFamily[];
    readonly addPath?: boolean;
    readonly exportPolicy?: RoutePolicy;
    readonly external?: boolean;
  },
) {
  const scene = new Scene(t);
  const families = options.families.map((family) => ({
    family,
    ...(options.addPath === true ? { addPath: { send: "all" as const, receive: true } } : {}),
  }));
  let longest = 0;
  const speaker = { acceptExternal: true };
  const observer = () => () => ({
    ...{ received() {}, stateChanged() {}, established() {}, ended() {}, announced() {}, withdrawn() {} },
    ...{ swept() {}, gone() {} },
    sent(messages: Uint8Array) {
      for (const length of lengths(messages)) longest = Math.max(longest, length);
    },
  });
  const bAs = options.external === true ? 65001 : 65000;
  const policy = options.exportPolicy === undefined ? {} : { exportPolicy: options.exportPolicy };
  const a = await scene.router({
    ...{ address: A, identifier: "10.0.0.1", speaker, observer },
    peers: [{ address: B, remoteAs: bAs, extendedMessages: false, families, ...policy }],
  });
  const b = await scene.router({
    ...{ address: B, identifier: "10.0.0.2", speaker, localAs: bAs },
    peers: [{ address: A, remoteAs: 65000, families }],
  });
  return {
    scene,
    a,
    b,
    longest: () => longest,
    /** What is withheld at A, as an operator sees it. */
    withheld: () => a.metrics.sum("semrd_bgp_withheld_routes_total", { peer: B, reason: "too-large" }),
    settle: () => scene.quiet(a, b),
  };
}

const WITH_MANY: RoutePolicy = (set) => ({
  verdict: "replace",
  attributes: { ...set, communities: Array.from({ length: 500 }, (_, n) => (65000 << 16) + n) },
});

describe("routes that 4096 octets do not hold (RFC 8654 §4)", () => {
  for (const { name, added = 0, ...options } of [
    { name: "IPv6", families: ["ipv6-unicast"] },
    { name: "IPv4, in the classic fields", families: ["ipv4-unicast"] },
    { name: "IPv6 with path identifiers", families: ["ipv6-unicast"], addPath: true },
    { name: "IPv6 to another AS", families: ["ipv6-unicast"], external: true },
    {
      name: "IPv6 with 500 communities that export policy adds",
      families: ["ipv6-unicast"],
      exportPolicy: WITH_MANY,
      added: 2004,
    },
  ] as const)
    it(`${name}: at every size around the bound a route is told or withheld, and no message is longer`, async (t) => {
      const { scene, a, b, longest, withheld, settle } = await pair(t, options);
      const [family] = options.families;
      for (let octets = FROM; octets < TO; octets++) tell(a, family, octets, { opaque: [filler(octets - added)] });
      settle();
      const told = heard(b, family)
        .map(({ address }) => numberOf(address))
        .sort((x, y) => x - y);
      assert.deepEqual(
        told,
        Array.from(told, (_, i) => FROM + i),
        "the smaller ones, without a gap",
      );
      assert.equal(withheld(), TO - FROM - told.length);
      assert.ok(told.length > 10 && told.length < TO - FROM - 10, `${told.length}`);
      assert.ok(
        longest() <= LIMIT && longest() >= LIMIT - 25,
        `${longest()}: no room is given away but that of the longest key`,
      );

      // What has grown too large is withdrawn, and comes again when it is smaller.
      tell(a, family, FROM, { opaque: [filler(TO - added)] });
      scene.clock.advance(100);
      assert.equal(heard(b, family).length, told.length - 1);
      tell(a, family, FROM, { opaque: [filler(FROM - added)] });
      scene.clock.advance(100);
      assert.equal(heard(b, family).length, told.length);
      assert.deepEqual([a.peer().flaps, b.peer().flaps, b.metrics.sum("semrd_bgp_malformed_total")], [0, 0, 0]);
      const [line, ...more] = a.log.lines.filter(({ event }) => event === "bgp.routes.too-large");
      assert.equal(more.length, 0, "said once in a minute");
      assert.match(`${line!.fields!.attributes}`, /^attribute 200 \d+, |^COMMUNITIES 2004/);
      assert.deepEqual([line!.fields!.peer, line!.fields!.family, line!.fields!.limit], [B, family, LIMIT]);
    });

  it("a path of a thousand ASes: told, and withheld where ours makes it too long", async (t) => {
    const { a, b, longest, withheld, settle } = await pair(t, { families: ["ipv6-unicast"], external: true });
    for (let n = 960; n < 1020; n++) {
      const numbers = Array.from({ length: n }, (_, i) => 4_200_000_000 + i);
      const asPath = Array.from({ length: Math.ceil(n / 255) }, (_, i) => ({
        type: "sequence" as const,
        numbers: numbers.slice(255 * i, 255 * (i + 1)),
      }));
      tell(a, "ipv6-unicast", n, { asPath });
    }
    settle();
    const told = heard(b, "ipv6-unicast").length;
    assert.ok(told > 10 && told < 50, `${told}`);
    assert.equal(withheld(), 60 - told);
    assert.ok(longest() <= LIMIT);
    assert.equal(b.peer().flaps, 0);
  });

  it("goes without what a route can do without first: AGGREGATOR, then ATOMIC_AGGREGATE", async (t) => {
    const { a, b, withheld, settle } = await pair(t, { families: ["ipv6-unicast"] });
    for (let octets = FROM; octets < TO; octets++) {
      tell(a, "ipv6-unicast", octets, { opaque: [ATOMIC_AGGREGATE, AGGREGATOR, filler(octets)] });
    }
    settle();
    const codes = heard(b, "ipv6-unicast")
      .sort((x, y) => numberOf(x.address) - numberOf(y.address))
      .map(({ attributes }) =>
        attributes.opaque
          .map(({ code }) => code)
          .sort((x, y) => x - y)
          .join(" "),
      );
    const runs = [...new Set(codes)].map((text) => [text, codes.filter((other) => other === text).length] as const);
    assert.deepEqual(
      runs.map(([text]) => text),
      ["6 7 200", "6 200", "200"],
    );
    // AGGREGATOR takes 11 octets, ATOMIC_AGGREGATE three.
    assert.deepEqual([runs[1]![1], runs[2]![1]], [11, 3]);
    assert.equal(a.metrics.sum("semrd_bgp_shortened_routes_total", { peer: B }), 14);
    assert.equal(withheld(), TO - FROM - codes.length);
    const said = a.log.lines.filter(({ event }) => event === "bgp.routes.shortened");
    assert.deepEqual([said.length, said[0]!.fields!.attributes], [1, "AGGREGATOR"]);
  });

  it("to a neighbour of two-octet AS numbers AS4_AGGREGATOR goes with AGGREGATOR: each half says nothing (RFC 6793 §4.2.3)", () => {
    const codec = new AttributeCodec(DEFAULT_DIALECT);
    const { localPref: _, semantic: _s, ...set } = setSample({ opaque: [ATOMIC_AGGREGATE, AGGREGATOR, filler(300)] });
    const octets = codec.encode(set, { asWidth: 2, internal: false, nextHopAttribute: false });
    const encoded = { octets, length: octets.length, nextHop: set.nextHop, version: 0 };
    // 2-octet AGGREGATOR: 9 octets with its header; AS4_AGGREGATOR: 11.
    const without = shorten(encoded, ({ length }) => length < octets.length);
    assert.deepEqual([without, octets.length - encoded.length], [[7, 18], 9 + 11]);
    const left = codec.encode({ ...set, opaque: [ATOMIC_AGGREGATE, filler(300)] }, { asWidth: 2, internal: false });
    assert.equal(toHex(encoded.octets.subarray(0, encoded.length)), toHex(left));
  });
});
