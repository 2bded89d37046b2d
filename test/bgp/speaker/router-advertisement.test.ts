import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fromHex, toHex } from "../../../src/base/index.ts";
import {
  encodeRouterAdvertisement,
  encodeRouterSolicitation,
  readDiscovery,
} from "../../../src/bgp/speaker/router-advertisement.ts";

const FROM = "fe80::2%eth0";
const read = (wire: string, source = FROM, hopLimit = 255) =>
  readDiscovery({ octets: fromHex(wire.replaceAll(" ", "")), source, hopLimit });
/** As FRR 8.4.4 sends it: router lifetime 30 s, and its hardware address. */
const FRR = "86000000 4000001e 00000000 00000000 0101e6764ab0b9a6";

describe("router advertisements", () => {
  it("this router says that it is there, and is nobody's default router (RFC 4861 §4.2)", () => {
    assert.equal(toHex(encodeRouterAdvertisement()), "86000000000000000000000000000000");
    assert.equal(toHex(encodeRouterSolicitation()), "8500000000000000");
  });

  for (const { name, see, wire, source, hopLimit, want } of [
    { name: "FRR", see: "§4.2", wire: FRR, want: { kind: "router", source: FROM, lifetime: 30 } },
    {
      name: "this router",
      see: "§4.2",
      wire: toHex(encodeRouterAdvertisement()),
      want: { kind: "router", source: FROM, lifetime: 30 },
    },
    {
      name: "a lifetime of hours",
      see: "§6.2.1",
      wire: FRR.replace("001e", "ffff"),
      want: { kind: "router", source: FROM, lifetime: 9000 },
    },
    { name: "a question", see: "§4.1", wire: toHex(encodeRouterSolicitation()), want: { kind: "solicitation" } },
    {
      name: "a question of a host without address",
      see: "§4.1",
      wire: "8500000000000000",
      source: "::",
      want: { kind: "solicitation" },
    },
    { name: "from behind a router", see: "§6.1.2", wire: FRR, hopLimit: 254, want: undefined },
    { name: "from a global address", see: "§6.1.2", wire: FRR, source: "2001:db8::1", want: undefined },
    { name: "another code", see: "§6.1.2", wire: `8601${FRR.slice(4)}`, want: undefined },
    { name: "15 octets", see: "§6.1.2", wire: "860000004000001e00000000000000", want: undefined },
    { name: "an option of no length", see: "§6.1.2", wire: FRR.replace("0101e6", "0100e6"), want: undefined },
    {
      name: "an option that is longer than the message",
      see: "§4.6",
      wire: FRR.replace("0101e6", "0102e6"),
      want: undefined,
    },
    { name: "a neighbour solicitation", see: "§4.3", wire: `87${FRR.slice(2)}`, want: undefined },
    { name: "nothing", see: "§6.1.2", wire: "", want: undefined },
  ] as const)
    it(`${name} (RFC 4861 ${see})`, () => assert.deepEqual(read(wire, source, hopLimit), want));

  it("what came in fragments is not believed (RFC 6980 §5)", () => {
    for (const octets of [fromHex(FRR.replaceAll(" ", "")), encodeRouterSolicitation()]) {
      const message = { octets, source: FROM, hopLimit: 255 };
      assert.notEqual(readDiscovery(message), undefined);
      assert.equal(readDiscovery({ ...message, fragmented: true }), undefined);
    }
  });

  it("nothing makes it throw: whole messages cut at each octet, octets by chance", () => {
    const whole = fromHex(FRR.replaceAll(" ", ""));
    for (let end = 0; end < whole.length; end++) {
      const found = readDiscovery({ octets: whole.subarray(0, end), source: FROM, hopLimit: 255 });
      assert.equal(found?.kind, end === 16 ? "router" : undefined);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(133, 134), (octets, type) => {
        if (octets.length > 1) octets.set([type, 0]);
        const found = readDiscovery({ octets, source: FROM, hopLimit: 255 });
        if (found?.kind === "router") assert.ok(found.lifetime >= 30 && found.lifetime <= 9000);
      }),
      { numRuns: 3000 },
    );
  });
});
