import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseIpv6, toHex } from "../../../src/base/index.ts";
import {
  AttributeCodec,
  type CapabilitiesDraft,
  DEFAULT_DIALECT,
  decodeControl,
  encodeMembership,
  encodeOpen,
  encodeUnicast,
  frameMessage,
  IPV4_UNICAST,
  IPV6_UNICAST,
  mappedIpv4,
  NlriBatch,
  routeTarget,
  UpdateDecoder,
  UpdateEncoder,
  wireFamily,
} from "../../../src/bgp/wire/index.ts";
import type { RouteFamily } from "../../../src/rib/index.ts";
import { encodedSet, keySample, octets, setSample, updateBody } from "./samples.ts";

const codec = new AttributeCodec(DEFAULT_DIALECT);
const INTERNAL = { asWidth: 4, internal: true } as const;
const FAMILIES: readonly RouteFamily[] = ["capability", "ipv6-unicast", "ipv4-unicast", "route-target"];
const WITH_IDS = { families: FAMILIES, extendedNextHop: true, addPath: FAMILIES } as const;
const ORIGIN_PATH_PREF = "40010100 400200 40050400000064";

/** `7:20010db8`: identifier and key. */
function routesOf(batch: NlriBatch): string[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const start = batch.starts[i]!;
    const key = toHex(batch.octets.subarray(start, start + batch.lengths[i]!));
    return batch.pathIds === undefined ? key : `${batch.pathIds[i]! >>> 0}:${key}`;
  });
}

describe("ADD-PATH capability", () => {
  const open = (capabilities: string) =>
    `04 fde8 005a c0000201 ${(capabilities.length / 2 + 2).toString(16).padStart(2, "0")} 02 ${(capabilities.length / 2)
      .toString(16)
      .padStart(2, "0")} ${capabilities}`;
  const VECTORS: readonly {
    readonly name: string;
    readonly see: string;
    readonly wire: string;
    readonly want: Partial<CapabilitiesDraft>;
  }[] = [
    {
      name: "both directions of IPv6 unicast, sending of IPv4 unicast, receiving of capabilities",
      see: "RFC 7911 §4",
      wire: "450c 00020103 00010102 0002fb01",
      want: {
        addPath: [
          { family: IPV6_UNICAST, send: true, receive: true },
          { family: IPV4_UNICAST, send: true, receive: false },
          { family: DEFAULT_DIALECT.family, send: false, receive: true },
        ],
      },
    },
    { name: "directions 0: not understood", see: "RFC 7911 §4", wire: "4504 00010100", want: { unknown: [69] } },
    { name: "directions 4: not understood", see: "RFC 7911 §4", wire: "4504 00010104", want: { unknown: [69] } },
    { name: "of no family", see: "RFC 7911 §4", wire: "4500", want: { addPath: [] } },
    { name: "enhanced route refresh", see: "RFC 7313 §3.1", wire: "4600", want: { enhancedRouteRefresh: true } },
  ];
  for (const { name, see, wire, want } of VECTORS) {
    it(`${name} (${see})`, () => {
      const body = octets(open(wire.replaceAll(" ", "")));
      const answer = decodeControl({ kind: "message", type: 1, octets: body, start: 0, end: body.length });
      assert.ok(answer.ok && answer.value.type === "open");
      assert.deepEqual(answer.value.open.capabilities, { families: [], routeRefresh: false, unknown: [], ...want });
      if (want.unknown !== undefined) return;
      const frame = frameMessage(encodeOpen(answer.value.open), 0, 4096);
      assert.ok(frame.kind === "message");
      const again = decodeControl(frame);
      assert.ok(again.ok && again.value.type === "open");
      if (want.addPath?.length !== 0) assert.deepEqual(again.value.open.capabilities, answer.value.open.capabilities);
    });
  }

  it("cut in the middle of a family is malformed (RFC 5492 §4)", () => {
    for (const wire of ["4503000201", "45050002010300"]) {
      const body = octets(open(wire));
      const answer = decodeControl({ kind: "message", type: 1, octets: body, start: 0, end: body.length });
      assert.deepEqual(answer.ok ? "accepted" : [answer.fault.code, answer.fault.subcode], [2, 0]);
    }
  });
});

describe("routes with path identifiers", () => {
  const capability = toHex(keySample(1));
  const VECTORS = [
    {
      name: "IPv6: two paths of one prefix, identifiers 0 and 2^32-1",
      see: "RFC 7911 §3",
      body: updateBody(
        `800e27 000201 10 20010db8000000000000000000000001 00 00000000 2020010db8 ffffffff 2020010db8 ${ORIGIN_PATH_PREF}`,
      ),
      want: ["0:2020010db8", "4294967295:2020010db8"],
    },
    {
      name: "IPv4 in the classic fields, announced and withdrawn",
      see: "RFC 7911 §3",
      body: updateBody(`${ORIGIN_PATH_PREF} 400304c0000201`, "00000003 080b", "00000001 080a 00000002 080a"),
      want: ["1:080a", "2:080a", "-3:080b"],
    },
    {
      name: "IPv4 with an IPv6 next hop",
      see: "RFC 8950 §3; RFC 7911 §3",
      body: updateBody(`800e1b 000101 10 20010db8000000000000000000000001 00 00000005 080a ${ORIGIN_PATH_PREF}`),
      want: ["5:080a"],
    },
    {
      name: "bits behind a prefix, with identifiers that stay as they are",
      see: "RFC 4271 §4.3; RFC 7911 §3",
      body: updateBody(`800f09 000101 000000ff 04af`),
      want: ["-255:04a0"],
    },
    {
      name: "capability routes",
      see: "RFC 7911 §3; DESIGN 4.1",
      body: updateBody(`800f47 0002fb 00000007 ${capability} 00000008 ${capability}`),
      want: [`-7:${capability}`, `-8:${capability}`],
    },
  ];
  for (const { name, see, body, want } of VECTORS) {
    it(`${name} (${see})`, () => {
      const decoder = new UpdateDecoder(codec, INTERNAL, WITH_IDS);
      const outcome = decoder.decode(body, 0, body.length);
      assert.equal(outcome.kind, "routes");
      const { announced, withdrawn, classic } = decoder;
      assert.deepEqual(
        [
          ...[...routesOf(announced), ...routesOf(classic.announced)],
          ...[...routesOf(withdrawn), ...routesOf(classic.withdrawn)].map((route) => `-${route}`),
        ],
        want,
      );
    });
  }

  it("End-of-RIB has no identifier (RFC 4724 §2)", () => {
    const decoder = new UpdateDecoder(codec, INTERNAL, WITH_IDS);
    for (const body of [updateBody("800f03 000201"), updateBody("")]) {
      assert.equal(decoder.decode(body, 0, body.length).kind, "end-of-rib");
    }
  });

  it("identifiers where none were agreed, and none where they were: the routes cannot be found (RFC 7606 §5.3)", () => {
    const reach = (routes: string, length: string) =>
      updateBody(`800e${length} 000201 10 20010db8000000000000000000000001 00 ${routes} ${ORIGIN_PATH_PREF}`);
    const plain = { families: FAMILIES, extendedNextHop: true } as const;
    // 2001:db8::/32 with identifier 0x81: three times ::/0, then a prefix of 129 bits.
    const withId = reach("00000081 2020010db8", "1e");
    assert.equal(new UpdateDecoder(codec, INTERNAL, plain).decode(withId, 0, withId.length).kind, "disable-family");
    const without = reach("2020010db8", "1a");
    assert.equal(
      new UpdateDecoder(codec, INTERNAL, WITH_IDS).decode(without, 0, without.length).kind,
      "disable-family",
    );
    const classic = updateBody(`${ORIGIN_PATH_PREF} 400304c0000201`, "", "080a");
    const outcome = new UpdateDecoder(codec, INTERNAL, WITH_IDS).decode(classic, 0, classic.length);
    assert.deepEqual(outcome.kind === "reset" && [outcome.fault.code, outcome.fault.subcode], [3, 10]);
  });

  const route = fc.record({
    pathId: fc.oneof(fc.constantFrom(0, 1, 0xffffffff), fc.nat(0xffffffff)),
    n: fc.nat(0xffff),
    withdrawn: fc.boolean(),
  });

  for (const family of FAMILIES) {
    it(`what the encoder writes the decoder reads, in messages of 4096 octets: ${family}`, () => {
      const key = (n: number): Uint8Array => {
        if (family === "capability") return keySample(n);
        if (family === "ipv6-unicast") {
          const address = Uint8Array.of(0x20, 1, n >>> 8, n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
          return encodeUnicast({ family, address, length: 32 });
        }
        if (family === "route-target") return encodeMembership(n, routeTarget(65000, n));
        return encodeUnicast({ family, address: Uint8Array.of(10, n >>> 8, n, 0), length: 24 });
      };
      const nextHop = family === "ipv4-unicast" ? mappedIpv4(Uint8Array.of(192, 0, 2, 1)) : parseIpv6("2001:db8::1")!;
      const nextHopAttribute = family === "ipv4-unicast";
      const attributes = codec.encode(setSample({ nextHop }), { ...INTERNAL, nextHopAttribute });
      fc.assert(
        fc.property(fc.array(route, { maxLength: 400 }), (routes) => {
          const encoder = new UpdateEncoder(wireFamily(family, DEFAULT_DIALECT), { pathIds: true });
          const want: string[] = [];
          for (const { pathId, n, withdrawn } of routes) {
            const own = key(n);
            if (withdrawn) assert.ok(encoder.withdraw(own, 0, own.length, pathId));
            else assert.ok(encoder.announce(encodedSet(attributes, nextHop), own, 0, own.length, pathId));
            want.push(`${withdrawn ? "-" : "+"}${pathId}:${toHex(own)}`);
          }
          const block = encoder.take() ?? new Uint8Array(0);
          const decoder = new UpdateDecoder(codec, INTERNAL, WITH_IDS);
          const got: string[] = [];
          for (let at = 0; at < block.length; ) {
            const frame = frameMessage(block, at, block.length);
            assert.ok(frame.kind === "message");
            const outcome = decoder.decode(block, frame.start, frame.end);
            assert.equal(outcome.kind, "routes");
            for (const batch of [decoder.announced, decoder.classic.announced])
              got.push(...routesOf(batch).map((text) => `+${text}`));
            for (const batch of [decoder.withdrawn, decoder.classic.withdrawn])
              got.push(...routesOf(batch).map((text) => `-${text}`));
            at = frame.end;
          }
          assert.deepEqual(got, want);
        }),
        { numRuns: 60, verbose: 1 },
      );
    });
  }

  it("every truncation and every lying length ends inside the field", () => {
    const field = octets("00000001 2020010db8 ffffffff 00 00000000 80 20010db8000000000000000000000001 00000004 0120");
    const whole = [9, 14, 35, 41];
    const batch = new NlriBatch();
    for (let end = 0; end <= field.length; end++) {
      const fits = batch.scan(field, 0, end, "ipv6-unicast", { pathIds: true });
      assert.equal(fits, end === 0 || whole.includes(end), `${end} octets`);
      if (!fits) assert.equal(batch.count, 0);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(...FAMILIES), fc.nat(80), (noise, family, from) => {
        const start = Math.min(from, noise.length);
        const fits = batch.scan(noise, start, noise.length, family, { pathIds: true });
        for (let i = 0; i < batch.count; i++) {
          assert.ok(batch.starts[i]! + batch.lengths[i]! <= batch.octets.length);
          assert.notEqual(batch.pathIds?.[i], undefined);
        }
        if (!fits && family !== "capability") assert.equal(batch.count, 0);
      }),
      { numRuns: 2000, verbose: 1 },
    );
  });

  it("no flipped bits and no truncation of a whole UPDATE throw; every key is inside its buffer and has an identifier", () => {
    const whole = updateBody(
      `800e27 000201 10 20010db8000000000000000000000001 00 00000000 2020010db8 ffffffff 2020010db8 ` +
        `800f0c 000201 00000007 2020010db9 ${ORIGIN_PATH_PREF} 400304c0000201`,
      "00000003 080b",
      "00000001 080a 00000002 080a",
    );
    const decoder = new UpdateDecoder(codec, INTERNAL, WITH_IDS);
    assert.equal(decoder.decode(whole, 0, whole.length).kind, "routes");
    const check = (octetsOf: Uint8Array, end: number): void => {
      decoder.decode(octetsOf, 0, end);
      const { announced, withdrawn, classic } = decoder;
      for (const batch of [announced, withdrawn, classic.announced, classic.withdrawn]) {
        for (let i = 0; i < batch.count; i++) {
          assert.ok(batch.starts[i]! >= 0 && batch.starts[i]! + batch.lengths[i]! <= batch.octets.length);
          assert.equal(typeof batch.pathIds?.[i], "number");
        }
      }
    };
    for (let end = 0; end < whole.length; end++) check(whole, end);
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length * 8 - 1), { minLength: 1, maxLength: 8 }), (flips) => {
        const bent = whole.slice();
        for (const flip of flips) bent[flip >>> 3]! ^= 1 << (flip & 7);
        check(bent, bent.length);
      }),
      { numRuns: 3000, verbose: 1 },
    );
  });

  it("a split keeps each identifier with its route", () => {
    const batch = new NlriBatch();
    const refused = new NlriBatch();
    const routes = Array.from({ length: 600 }, (_, n) => [0, 0, n >>> 8, n & 0xff, 16, n >>> 8, n & 0xff]).flat();
    const field = Uint8Array.from(routes);
    assert.ok(batch.scan(field, 0, field.length, "ipv4-unicast", { pathIds: true }));
    const all = routesOf(batch);
    batch.split(refused, (of, start) => of[start + 2]! % 3 === 0);
    const isRefused = (text: string): boolean => Number.parseInt(text.slice(-2), 16) % 3 === 0;
    assert.deepEqual(routesOf(refused), all.filter(isRefused));
    assert.deepEqual(
      routesOf(batch),
      all.filter((text) => !isRefused(text)),
    );
  });
});
