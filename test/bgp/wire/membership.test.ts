import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toHex } from "../../../src/base/index.ts";
import {
  AttributeCodec,
  DEFAULT_DIALECT,
  encodeMembership,
  familyName,
  NlriBatch,
  ROUTE_TARGET_MEMBERSHIP,
  routeFamily,
  routeTarget,
  UpdateDecoder,
  UpdateEncoder,
  wireFamily,
} from "../../../src/bgp/wire/index.ts";
import { encodedSet, octets, setSample } from "./samples.ts";

const scan = (wire: string): NlriBatch | undefined => {
  const message = octets(wire);
  const batch = new NlriBatch();
  return batch.scan(message, 0, message.length, "route-target") ? batch : undefined;
};
const keysOf = (batch: NlriBatch): string[] =>
  Array.from({ length: batch.count }, (_, i) =>
    toHex(batch.octets.subarray(batch.starts[i]!, batch.starts[i]! + batch.lengths[i]!)),
  );

describe("route-target membership on the wire (RFC 4684 §4)", () => {
  it("AFI 1, SAFI 132", () => {
    assert.deepEqual(wireFamily("route-target", DEFAULT_DIALECT), { afi: 1, safi: 132 });
    assert.equal(routeFamily({ afi: 1, safi: 132 }, DEFAULT_DIALECT), "route-target");
    assert.equal(familyName(ROUTE_TARGET_MEMBERSHIP), "ipv4/route-target");
  });

  const VECTORS: { name: string; wire: string; keys: string[] | undefined; malformed?: number }[] = [
    { name: "AS and route target", wire: "60 0000fde8 0002fde800000001", keys: ["600000fde80002fde800000001"] },
    { name: "default", wire: "00", keys: ["00"] },
    { name: "an AS", wire: "20 0000fde8", keys: ["200000fde8"] },
    { name: "the beginning of route targets", wire: "40 0000fde8 0002fde8", keys: ["400000fde80002fde8"] },
    { name: "bits behind the length", wire: "31 0000fde8 0002ff", keys: ["310000fde8000280"] },
    { name: "two", wire: "00 60 0000fde8 0002fde800000001", keys: ["00", "600000fde80002fde800000001"] },
    { name: "a part of an AS is left out alone", wire: "10 0000 00", keys: ["00"], malformed: 1 },
    { name: "97 bits", wire: "61 0000fde8 0002fde800000001 00", keys: undefined },
    { name: "cut short", wire: "60 0000fde8 0002fde8000000", keys: undefined },
  ];
  for (const { name, wire, keys, malformed = 0 } of VECTORS) {
    it(name, () => {
      const batch = scan(wire);
      assert.deepEqual(batch && keysOf(batch), keys);
      if (batch !== undefined) assert.equal(batch.malformed, malformed);
    });
  }

  it("is made as it is read, and nothing shorter is taken for it", () => {
    const target = routeTarget(65000, 1);
    const key = encodeMembership(65000, target);
    assert.equal(toHex(key), "600000fde80002fde800000001");
    assert.equal(toHex(encodeMembership(65000, undefined)), "00");
    assert.throws(() => encodeMembership(65000, target.subarray(1)), RangeError);
    for (let length = 1; length < key.length; length++) assert.equal(scan(toHex(key.subarray(0, length))), undefined);
    fc.assert(
      fc.property(fc.nat(8 * key.length - 1), (flip) => {
        const bent = key.slice();
        bent[flip >>> 3]! ^= 1 << (flip & 7);
        const batch = scan(toHex(bent));
        if (batch !== undefined) assert.ok(batch.count + batch.malformed > 0);
      }),
    );
  });

  for (const nextHop of ["10 20010db8000000000000000000000001", "04 c0000201"]) {
    it(`an UPDATE with a next hop of ${Number.parseInt(nextHop, 16)} octets is read (§4: IPv4 or IPv6)`, () => {
      const codec = new AttributeCodec(DEFAULT_DIALECT);
      const decoder = new UpdateDecoder(codec, { asWidth: 4, internal: true }, { families: ["route-target"] });
      const value = octets(`0001 84 ${nextHop} 00 60 0000fde8 0002fde800000001`);
      const rest = octets("40010100 400200 40050400000064");
      const attributes = Uint8Array.of(0x80, 14, value.length, ...value, ...rest);
      const body = Uint8Array.of(0, 0, 0, attributes.length, ...attributes);
      const outcome = decoder.decode(body, 0, body.length);
      assert.equal(outcome.kind, "routes");
      assert.deepEqual(keysOf(decoder.announced), ["600000fde80002fde800000001"]);
      assert.equal(decoder.announcedFamily, "route-target");
    });
  }

  it("an UPDATE that the encoder made is read back", () => {
    const codec = new AttributeCodec(DEFAULT_DIALECT);
    const encoder = new UpdateEncoder(ROUTE_TARGET_MEMBERSHIP);
    const { semantic: _, ...set } = setSample();
    const key = encodeMembership(65000, routeTarget(65000, 1));
    const context = { asWidth: 4, internal: true } as const;
    assert.ok(encoder.announce(encodedSet(codec.encode(set, context), set.nextHop), key, 0, key.length));
    const message = encoder.take()!;
    const decoder = new UpdateDecoder(codec, context, { families: ["route-target"] });
    assert.equal(decoder.decode(message, 19, message.length).kind, "routes");
    assert.deepEqual(keysOf(decoder.announced), [toHex(key)]);
  });
});
