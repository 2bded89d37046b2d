import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatIpv6, fromHex, parseIpv6, toHex } from "../../../src/base/index.ts";
import {
  type AgreedFamilies,
  AttributeCodec,
  type AttributeContext,
  DEFAULT_DIALECT,
  encodeEndOfRib,
  encodeUnicast,
  IPV4_UNICAST,
  IPV6_UNICAST,
  mappedIpv4,
  NlriBatch,
  UpdateDecoder,
  UpdateEncoder,
  type UpdateOutcome,
} from "../../../src/bgp/wire/index.ts";
import type { AttributeSet, UnicastFamily } from "../../../src/rib/index.ts";
import { encodedSet, setSample, updateBody } from "./samples.ts";

const codec = new AttributeCodec(DEFAULT_DIALECT);
const EXTERNAL: AttributeContext = { asWidth: 4, internal: false };
const ALL: AgreedFamilies = { families: ["capability", "ipv6-unicast", "ipv4-unicast"] };
const WITH_8950: AgreedFamilies = { ...ALL, extendedNextHop: true };

const ORIGIN = "40010100";
const PATH = "400206 0201 0000fde9";
const NEXT_HOP_4 = "400304 c0000201";
const GLOBAL = "20010db8000000000000000000000001";
const LINK_LOCAL = "fe800000000000000000000000000001";
const REST = ORIGIN + PATH;

const attribute = (code: string, value: string): string => {
  const octets = fromHex(value);
  return `90${code}${octets.length.toString(16).padStart(4, "0")}${toHex(octets)}`;
};
const reach6 = (routes: string, nextHop = `10${GLOBAL}`): string => attribute("0e", `000201${nextHop}00${routes}`);
const reach4 = (routes: string, nextHop: string): string => attribute("0e", `000101${nextHop}00${routes}`);
const unreach6 = (routes: string): string => attribute("0f", `000201${routes}`);

function keysOf(batch: NlriBatch): string[] {
  return Array.from({ length: batch.count }, (_, i) =>
    toHex(batch.octets.subarray(batch.starts[i]!, batch.starts[i]! + batch.lengths[i]!)),
  );
}

/** In one line: each kind of routes, next hop where they have attributes, and every fault. */
function verdict(decoder: UpdateDecoder, outcome: UpdateOutcome): string {
  if (outcome.kind === "reset") return `reset ${outcome.fault.code}/${outcome.fault.subcode}`;
  if (outcome.kind === "end-of-rib") return `end-of-rib ${outcome.family.afi}/${outcome.family.safi}`;
  const faults = outcome.faults.map(({ name, action }) => `${name} ${action}`);
  if (outcome.kind === "disable-family") return faults.join(", ");
  const { announced, withdrawn, classic } = decoder;
  const via = (attributes: { readonly set: AttributeSet } | undefined): string =>
    attributes === undefined ? "nothing" : formatIpv6(attributes.set.nextHop);
  const parts = [
    withdrawn.count > 0 && `${decoder.withdrawnFamily} - ${keysOf(withdrawn)}`,
    classic.withdrawn.count > 0 && `classic - ${keysOf(classic.withdrawn)}`,
    announced.count > 0 && `${decoder.announcedFamily} + ${keysOf(announced)} via ${via(outcome.attributes)}`,
    classic.announced.count > 0 && `classic + ${keysOf(classic.announced)} via ${via(outcome.classicAttributes)}`,
  ];
  return [...parts.filter((part) => part !== false), ...faults].join("; ");
}

function decode(body: Uint8Array, agreed = ALL, context = EXTERNAL): string {
  const decoder = new UpdateDecoder(codec, context, agreed);
  return verdict(decoder, decoder.decode(body, 0, body.length));
}

const VECTORS: readonly {
  readonly name: string;
  readonly see: string;
  readonly wire?: string;
  readonly withdrawn?: string;
  readonly nlri?: string;
  readonly agreed?: AgreedFamilies;
  readonly want: string;
}[] = [
  {
    name: "an IPv6 prefix and the default route",
    see: "RFC 4760 §5",
    wire: reach6("2020010db8 00") + REST,
    want: "ipv6-unicast + 2020010db8,00 via 2001:db8::1",
  },
  {
    name: "global and link-local next hop: the global one counts",
    see: "RFC 2545 §3",
    wire: reach6("2020010db8", `20${GLOBAL}${LINK_LOCAL}`) + REST,
    want: "ipv6-unicast + 2020010db8 via 2001:db8::1",
  },
  {
    name: "a link-local next hop alone",
    see: "RFC 2545 §2",
    wire: reach6("2020010db8", `10${LINK_LOCAL}`) + REST,
    want: "ipv6-unicast + 2020010db8 via fe80::1",
  },
  {
    name: "the same link-local next hop twice",
    see: "RFC 2545 §3",
    wire: reach6("2020010db8", `20${LINK_LOCAL}${LINK_LOCAL}`) + REST,
    want: "ipv6-unicast + 2020010db8 via fe80::1",
  },
  {
    name: "no global next hop in front of a link-local one",
    see: "RFC 2545 §3",
    wire: reach6("2020010db8", `20${"00".repeat(16)}${LINK_LOCAL}`) + REST,
    want: "ipv6-unicast + 2020010db8 via fe80::1",
  },
  {
    name: "no next hop in front of one that is not link-local",
    see: "RFC 2545 §3",
    wire: reach6("2020010db8", `20${"00".repeat(16)}${GLOBAL}`) + REST,
    want: "ipv6-unicast + 2020010db8 via ::",
  },
  {
    name: "a next hop of 24 octets",
    see: "RFC 7606 §7.11",
    wire: reach6("2020010db8", `18${GLOBAL}0000000000000000`) + REST,
    want: "MP_REACH_NLRI ipv6/unicast disable-family",
  },
  {
    name: "a next hop of 4 octets for IPv6",
    see: "RFC 7606 §7.11",
    wire: reach6("2020010db8", "04c0000201") + REST,
    want: "MP_REACH_NLRI ipv6/unicast disable-family",
  },
  {
    name: "bits behind the length mean nothing",
    see: "RFC 4271 §4.3",
    wire: reach6("2120010db8ff 2020010db8 01ff") + REST,
    want: "ipv6-unicast + 2120010db880,2020010db8,0180 via 2001:db8::1",
  },
  {
    name: "129 bits",
    see: "RFC 7606 §5.3",
    wire: reach6(`81${GLOBAL}00`) + REST,
    want: "MP_REACH_NLRI ipv6/unicast disable-family",
  },
  {
    name: "a prefix longer than the attribute",
    see: "RFC 7606 §5.3",
    wire: reach6("4020010db8") + REST,
    want: "MP_REACH_NLRI ipv6/unicast disable-family",
  },
  {
    name: "withdrawals that overrun",
    see: "RFC 7606 §5.3",
    wire: unreach6("4020010db8"),
    want: "MP_UNREACH_NLRI ipv6/unicast disable-family",
  },
  {
    name: "multicast and link-local prefixes are left out alone",
    see: "RFC 4271 §6.3; RFC 7606 §5.4",
    wire: reach6("08ff 0afe80 2020010db8 07fe") + REST,
    want: "ipv6-unicast + 2020010db8,07fe via 2001:db8::1",
  },
  {
    name: "IPv6 withdrawn and announced in one message",
    see: "RFC 4760 §4",
    wire: reach6("2020010db8") + unreach6("2020010db9") + REST,
    want: "ipv6-unicast - 2020010db9; ipv6-unicast + 2020010db8 via 2001:db8::1",
  },
  {
    name: "missing AS_PATH",
    see: "RFC 7606 §3 d)",
    wire: reach6("2020010db8") + ORIGIN,
    want: "ipv6-unicast + 2020010db8 via nothing; AS_PATH treat-as-withdraw",
  },
  { name: "IPv6 End-of-RIB", see: "RFC 4724 §2", wire: unreach6(""), want: "end-of-rib 2/1" },
  { name: "IPv4 End-of-RIB", see: "RFC 4724 §2", want: "end-of-rib 1/1" },
  {
    name: "IPv4 in the classic fields",
    see: "RFC 4271 §4.3",
    wire: REST + NEXT_HOP_4,
    withdrawn: "180a0001 00",
    nlri: "080a 11c0a8ff",
    want: "classic - 180a0001,00; classic + 080a,11c0a880 via ::ffff:c000:201",
  },
  {
    name: "classic withdrawals alone",
    see: "RFC 4271 §4.3",
    withdrawn: "180a0001",
    want: "classic - 180a0001",
  },
  {
    name: "classic NLRI without NEXT_HOP",
    see: "RFC 7606 §3 d)",
    wire: REST,
    nlri: "080a",
    want: "classic + 080a via nothing; NEXT_HOP treat-as-withdraw",
  },
  {
    name: "classic NLRI with a NEXT_HOP of 5 octets",
    see: "RFC 7606 §7.3",
    wire: `${REST}400305c000020100`,
    nlri: "080a",
    want: "classic + 080a via nothing; NEXT_HOP treat-as-withdraw",
  },
  {
    name: "classic NLRI of 33 bits",
    see: "RFC 4271 §6.3; RFC 7606 §5.3",
    wire: REST + NEXT_HOP_4,
    nlri: "210a00000000",
    want: "reset 3/10",
  },
  {
    name: "classic withdrawals that overrun",
    see: "RFC 4271 §6.3; RFC 7606 §5.3",
    withdrawn: "200a",
    want: "reset 3/10",
  },
  {
    name: "IPv4 multicast is left out alone",
    see: "RFC 4271 §6.3",
    wire: REST + NEXT_HOP_4,
    nlri: "04e0 080a",
    want: "classic + 080a via ::ffff:c000:201",
  },
  {
    name: "IPv4 in MP_REACH_NLRI, next hop of 4 octets",
    see: "RFC 4760 §3",
    wire: reach4("080a", "04c0000201") + REST,
    want: "ipv4-unicast + 080a via ::ffff:c000:201",
  },
  {
    name: "IPv4 with an IPv6 next hop",
    see: "RFC 8950 §3",
    wire: reach4("080a", `10${GLOBAL}`) + REST,
    agreed: WITH_8950,
    want: "ipv4-unicast + 080a via 2001:db8::1",
  },
  {
    name: "IPv4 with two IPv6 next hops",
    see: "RFC 8950 §3",
    wire: reach4("080a", `20${GLOBAL}${LINK_LOCAL}`) + REST,
    agreed: WITH_8950,
    want: "ipv4-unicast + 080a via 2001:db8::1",
  },
  {
    name: "IPv4 with an IPv6 next hop that was not agreed",
    see: "RFC 8950 §4",
    wire: reach4("080a", `10${GLOBAL}`) + REST,
    want: "MP_REACH_NLRI ipv4/unicast disable-family",
  },
  {
    name: "two families in one message",
    see: "RFC 7606 §5.1",
    wire: reach6("2020010db8") + REST + NEXT_HOP_4,
    nlri: "080a",
    want: "ipv6-unicast + 2020010db8 via 2001:db8::1; classic + 080a via ::ffff:c000:201",
  },
  {
    name: "SEMANTIC means nothing here, whatever it holds",
    see: "DESIGN 4.2; RFC 4271 §5 (unknown non-transitive)",
    wire: `${reach6("2020010db8")}${REST}80ff0100`,
    want: "ipv6-unicast + 2020010db8 via 2001:db8::1",
  },
  {
    name: "families that were not agreed",
    see: "RFC 4760 §8",
    wire: reach6("2020010db8") + REST + NEXT_HOP_4,
    nlri: "080a",
    agreed: { families: ["capability"] },
    want: "",
  },
];

describe("UpdateDecoder, unicast", () => {
  for (const { name, see, wire = "", withdrawn = "", nlri = "", agreed = ALL, want } of VECTORS)
    it(`${name} (${see})`, () => assert.equal(decode(updateBody(wire, withdrawn, nlri), agreed), want));

  it("leaves the message as it was, though keys are made canonical", () => {
    const body = updateBody(reach6("2120010db8ff") + REST);
    const before = body.slice();
    decode(body);
    assert.deepEqual(body, before);
  });

  it("the same attributes of two families are two sets, and SEMANTIC is in neither", () => {
    const decoder = new UpdateDecoder(codec, EXTERNAL, WITH_8950);
    const identities = [reach6("2020010db8"), reach4("080a", `10${GLOBAL}`)].map((wire) => {
      const body = updateBody(wire + REST);
      const outcome = decoder.decode(body, 0, body.length);
      assert.ok(outcome.kind === "routes" && outcome.attributes !== undefined);
      assert.equal(outcome.attributes.set.semantic, undefined);
      return toHex(outcome.attributes.identity);
    });
    assert.notEqual(identities[0], identities[1]);
  });

  it("IPv4 is one set, whichever field it came in", () => {
    const decoder = new UpdateDecoder(codec, EXTERNAL, ALL);
    const first = updateBody(reach4("080a", "04c0000201") + REST);
    const second = updateBody(REST + NEXT_HOP_4, "", "090a00");
    const one = decoder.decode(first, 0, first.length);
    const other = decoder.decode(second, 0, second.length);
    assert.ok(one.kind === "routes" && other.kind === "routes");
    assert.deepEqual(one.attributes?.identity, other.classicAttributes?.identity);
    assert.deepEqual(one.attributes?.set, other.classicAttributes?.set);
  });

  it("takes as many routes as a message can hold", () => {
    const body = updateBody(REST + NEXT_HOP_4, "", "00".repeat(4000));
    const decoder = new UpdateDecoder(codec, EXTERNAL, ALL);
    assert.equal(decoder.decode(body, 0, body.length).kind, "routes");
    assert.equal(decoder.classic.announced.count, 4000);
  });

  const whole = updateBody(
    `${reach6("2020010db8 7f20010db8000000000000000000000000")}${REST}${NEXT_HOP_4}${unreach6("2020010db9")}`,
    "180a0001 10c0a8",
    "080a 16c0a8fc",
  );

  it("no truncation throws or gives an announcement that was not there", () => {
    for (let length = 0; length < whole.length; length++) {
      const said = decode(whole.subarray(0, length));
      const complete = /\+ 080a.* via/.test(said);
      assert.ok(
        length === whole.length - 4 ? complete : /^reset 3\/(1|10)$/.test(said) || said.includes("+"),
        `${length}: ${said}`,
      );
    }
  });

  it("no flipped bits throw; every key is canonical and inside its buffer", () => {
    const decoder = new UpdateDecoder(codec, EXTERNAL, WITH_8950);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 8 }), (flips) => {
        const bent = whole.slice();
        for (const flip of flips) bent[flip >>> 3]! ^= 1 << (flip & 7);
        decoder.decode(bent, 0, bent.length);
        for (const batch of [
          decoder.announced,
          decoder.withdrawn,
          decoder.classic.announced,
          decoder.classic.withdrawn,
        ]) {
          for (const key of keysOf(batch)) {
            const octets = fromHex(key);
            if (batch !== decoder.announced && batch !== decoder.withdrawn) assert.ok(octets[0]! <= 32);
            if (octets.length === 30) continue; // a capability, by two flips
            assert.equal(octets.length, 1 + Math.ceil(octets[0]! / 8));
            const surplus = 8 * (octets.length - 1) - octets[0]!;
            assert.equal(octets.at(-1)! & ((1 << surplus) - 1) & (octets.length === 1 ? 0 : 0xff), 0);
          }
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("prefixes come out of a field as they went in", () => {
    const prefix = (family: UnicastFamily, octets: number) =>
      fc.record({
        family: fc.constant(family),
        address: fc.uint8Array({ minLength: octets, maxLength: octets }).map((address) => {
          address[0] = address[0]! & 0x7f; // neither multicast nor link-local
          return address;
        }),
        length: fc.nat(8 * octets),
      });
    for (const arbitrary of [prefix("ipv4-unicast", 4), prefix("ipv6-unicast", 16)]) {
      fc.assert(
        fc.property(fc.array(arbitrary, { maxLength: 40 }), (prefixes) => {
          const keys = prefixes.map(encodeUnicast);
          const field = Uint8Array.of(9, ...keys.flatMap((key) => [...key]), 9);
          const batch = new NlriBatch();
          const family = prefixes[0]?.family ?? "ipv4-unicast";
          assert.equal(batch.scan(field, 1, field.length - 1, family), true);
          assert.deepEqual(keysOf(batch), keys.map(toHex));
        }),
      );
    }
  });
});

describe("UpdateEncoder, unicast", () => {
  const v6 = parseIpv6("2001:db8::1")!;
  const v4 = mappedIpv4(Uint8Array.of(192, 0, 2, 1));
  const set = setSample({ nextHop: v4 });
  const key = (n: number): Uint8Array =>
    encodeUnicast({ family: "ipv4-unicast", address: Uint8Array.of(10, n >>> 8, n, 0), length: 24 });

  function read(block: Uint8Array, context: AttributeContext): { said: string[]; sizes: number[] } {
    const decoder = new UpdateDecoder(codec, context, WITH_8950);
    const said: string[] = [];
    const sizes: number[] = [];
    for (let at = 0; at < block.length; ) {
      const length = (block[at + 16]! << 8) | block[at + 17]!;
      sizes.push(length);
      said.push(verdict(decoder, decoder.decode(block, at + 19, at + length)));
      at += length;
    }
    return { said, sizes };
  }

  it("IPv4 with an IPv4 next hop goes into the classic fields, with an IPv6 one into MP_REACH_NLRI (RFC 8950 §3)", () => {
    const encoder = new UpdateEncoder(IPV4_UNICAST);
    const context = { asWidth: 4, internal: true } as const;
    const classic = codec.encode(set, { ...context, nextHopAttribute: true });
    const extended = codec.encode({ ...set, nextHop: v6 }, context);
    encoder.announce(encodedSet(classic, v4), key(1), 0, 4);
    encoder.announce(encodedSet(classic, v4), key(2), 0, 4);
    encoder.announce(encodedSet(extended, v6), key(3), 0, 4);
    encoder.withdraw(key(4), 0, 4);
    encoder.withdraw(key(5), 0, 4);
    encoder.endOfRib();
    assert.deepEqual(read(encoder.take()!, context).said, [
      "classic + 180a0001,180a0002 via ::ffff:c000:201",
      "ipv4-unicast + 180a0003 via 2001:db8::1",
      "classic - 180a0004,180a0005",
      "end-of-rib 1/1",
    ]);
    assert.equal(encoder.messages, 4);
  });

  it("fills messages of 4096 octets and nothing beyond", () => {
    const encoder = new UpdateEncoder(IPV4_UNICAST);
    const context = { asWidth: 4, internal: true } as const;
    const attributes = codec.encode(set, { ...context, nextHopAttribute: true });
    const count = 3000;
    for (let n = 0; n < count; n++) assert.ok(encoder.announce(encodedSet(attributes, v4), key(n), 0, 4));
    for (let n = 0; n < count; n++) assert.ok(encoder.withdraw(key(n), 0, 4));
    const { said, sizes } = read(encoder.take()!, context);
    const keys = (sign: string): number =>
      said.filter((line) => line.includes(` ${sign} `)).reduce((sum, line) => sum + line.split(",").length, 0);
    assert.deepEqual([keys("+"), keys("-")], [count, count]);
    const last = said.findLastIndex((line) => line.includes(" + "));
    const full = sizes.filter((_, i) => i !== last && i !== sizes.length - 1);
    assert.ok(
      full.every((size) => size <= 4096 && size > 4096 - 4),
      `${sizes}`,
    );
  });

  it("attributes of 255 and 256 octets, the second with an extended length, come back as they went (RFC 4271 §4.3)", () => {
    const internal = { asWidth: 4, internal: true } as const;
    for (const length of [255, 256, 1200]) {
      const opaque = [{ flags: 0xc0, code: 99, value: new Uint8Array(length).fill(7) }];
      const communities = Array.from({ length: 63 + (length > 255 ? 1 : 0) }, (_, i) => 0xfde80000 + i);
      const sent: AttributeSet = { ...set, opaque, communities, nextHop: v6 };
      const attributes = codec.encode(sent, internal);
      const encoder = new UpdateEncoder(IPV6_UNICAST);
      encoder.announce(encodedSet(attributes, v6), Uint8Array.of(0), 0, 1);
      const block = encoder.take()!;
      const decoder = new UpdateDecoder(codec, internal, ALL);
      const outcome = decoder.decode(block, 19, block.length);
      assert.ok(outcome.kind === "routes" && outcome.attributes !== undefined);
      assert.deepEqual(outcome.attributes.set.communities, communities);
      assert.deepEqual(outcome.attributes.set.opaque, [{ flags: 0xe0, code: 99, value: opaque[0]!.value }]);
      assert.equal(toHex(attributes).includes("d008"), length > 255, "COMMUNITIES with an extended length");
    }
  });

  it("says End-of-RIB as the family does (RFC 4724 §2)", () => {
    for (const [family, want] of [
      [IPV4_UNICAST, "end-of-rib 1/1"],
      [IPV6_UNICAST, "end-of-rib 2/1"],
    ] as const) {
      const encoder = new UpdateEncoder(family);
      encoder.endOfRib();
      assert.deepEqual(read(encoder.take()!, EXTERNAL).said, [want]);
      assert.deepEqual(read(encodeEndOfRib(family), EXTERNAL).said, [want]);
    }
  });
});

describe("encodeUnicast", () => {
  it("refuses what is no prefix of the family", () => {
    const address = new Uint8Array(4);
    assert.throws(() => encodeUnicast({ family: "ipv4-unicast", address, length: 33 }), RangeError);
    assert.throws(() => encodeUnicast({ family: "ipv6-unicast", address, length: 8 }), RangeError);
  });
});
