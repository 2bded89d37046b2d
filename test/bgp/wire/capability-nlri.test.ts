import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { toHex } from "../../../src/base/index.ts";
import { type CapabilityNlri, decodeCapability, encodeCapability, NlriBatch } from "../../../src/bgp/wire/index.ts";
import { octets } from "./samples.ts";

const RD = "0000fde800000001";
const ID = "00112233445566778899aabbccddeeff";
const key = { routeDistinguisher: octets(RD), originId: 0x0a000001 };

const VECTORS: { name: string; wire: string; want: CapabilityNlri }[] = [
  {
    name: "CI",
    wire: `0124 ${RD} ${ID} 0a000001 0102030405060708`,
    want: { type: "instance", ...key, capabilityId: octets(ID), instanceId: octets("0102030405060708") },
  },
  {
    name: "CS",
    wire: `021c ${RD} ${ID} 0a000001`,
    want: { type: "site", ...key, capabilityId: octets(ID) },
  },
  {
    name: "CP of two labels",
    wire: `0317 ${RD} 0a000001 02 06 766973696f6e 02 6e6c`,
    want: { type: "prefix", ...key, labels: ["vision", "nl"] },
  },
  { name: "CP of every name", wire: `030d ${RD} 0a000001 00`, want: { type: "prefix", ...key, labels: [] } },
  {
    name: "AI",
    wire: `041c ${RD} ${ID} 0a000001`,
    want: { type: "agent", ...key, agentId: octets(ID) },
  },
];

const MALFORMED: { name: string; wire: string }[] = [
  { name: "CI without an instance", wire: `011c ${RD} ${ID} 0a000001` },
  { name: "CS of 27 octets", wire: `021b ${RD} ${ID} 0a0000` },
  { name: "CS of 29 octets", wire: `021d ${RD} ${ID} 0a000001 00` },
  { name: "AI of no octets", wire: "0400" },
  { name: "CP without a count", wire: `030c ${RD} 0a000001` },
  { name: "CP of more labels than there are", wire: `0310 ${RD} 0a000001 02 02 6e6c` },
  { name: "CP with octets left over", wire: `0311 ${RD} 0a000001 01 02 6e6c 00` },
  { name: "CP whose label leads past its end", wire: `0310 ${RD} 0a000001 01 09 6e6c` },
  { name: "CP with an empty label", wire: `030e ${RD} 0a000001 01 00` },
  { name: "CP in upper case", wire: `0310 ${RD} 0a000001 01 02 4e4c` },
  { name: "CP whose label ends with a hyphen", wire: `0310 ${RD} 0a000001 01 02 6e2d` },
  { name: "CP of nine labels", wire: `031f ${RD} 0a000001 09 ${"0161".repeat(9)}` },
  {
    name: "CP in the drafts' spelling, /capability/nl",
    wire: `031b ${RD} 0a000001 02 0a 6361706162696c697479 02 6e6c`,
  },
];

/** What a batch makes of one route between two good ones. */
function scanned(route: Uint8Array): { readonly keys: string[]; readonly batch: NlriBatch } {
  const good = octets(VECTORS[1]!.wire);
  const message = Uint8Array.of(0xff, ...good, ...route, ...good);
  const batch = new NlriBatch();
  assert.ok(batch.scan(message, 1, message.length), "the framing is sane");
  const keys = Array.from({ length: batch.count }, (_, i) => {
    const start = batch.starts[i]!;
    return toHex(message.subarray(start, start + batch.lengths[i]!));
  });
  return { keys, batch };
}

describe("typed NLRI of the capability family (DESIGN 4.1)", () => {
  for (const { name, wire, want } of VECTORS) {
    it(`${name}: both ways`, () => {
      assert.deepEqual(decodeCapability(octets(wire)), want);
      assert.equal(toHex(encodeCapability(want)), toHex(octets(wire)));
      const { keys, batch } = scanned(octets(wire));
      assert.equal(keys[1], toHex(octets(wire)));
      assert.equal(batch.instances, want.type === "instance" ? 1 : 0);
    });
  }

  for (const { name, wire } of MALFORMED) {
    it(`${name} is left out alone (RFC 7606 §5.4)`, () => {
      assert.equal(decodeCapability(octets(wire)), undefined);
      const { keys, batch } = scanned(octets(wire));
      assert.deepEqual([keys.length, batch.malformed, batch.unknown], [2, 1, 0]);
    });
  }

  it("an unknown route type is skipped by its length and counted", () => {
    for (const type of [0, 5, 128, 255]) {
      const { keys, batch } = scanned(Uint8Array.of(type, 3, 1, 2, 3));
      assert.deepEqual([keys.length, batch.malformed, batch.unknown], [2, 0, 1]);
      assert.equal(decodeCapability(Uint8Array.of(type, 3, 1, 2, 3)), undefined);
    }
  });

  it("makes nothing that it would not take", () => {
    const prefix = (labels: readonly string[]): CapabilityNlri => ({ type: "prefix", ...key, labels });
    for (const labels of [["Vision"], ["a b"], ["-a"], [""], ["capability", "nl"], Array(9).fill("a")]) {
      assert.throws(() => encodeCapability(prefix(labels)), RangeError, labels.join("/"));
    }
    assert.throws(() => encodeCapability(prefix(Array(4).fill("a".repeat(63)))), /too long/);
    const short = { type: "instance", ...key, capabilityId: octets(ID), instanceId: octets("01") } as const;
    assert.throws(() => encodeCapability(short), RangeError);
  });

  const octetsOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/).filter((text) => text !== "capability");
  const common = { routeDistinguisher: octetsOf(8), originId: fc.integer({ min: 0, max: 0xffffffff }) };
  const nlri = fc.oneof(
    fc.record({
      type: fc.constant("instance" as const),
      ...common,
      capabilityId: octetsOf(16),
      instanceId: octetsOf(8),
    }),
    fc.record({ type: fc.constant("site" as const), ...common, capabilityId: octetsOf(16) }),
    fc.record({ type: fc.constant("prefix" as const), ...common, labels: fc.array(label, { maxLength: 8 }) }),
    fc.record({ type: fc.constant("agent" as const), ...common, agentId: octetsOf(16) }),
  );

  it("reads back what it wrote; no truncation is a route, no flipped bit breaks the batch", () => {
    fc.assert(
      fc.property(nlri, fc.nat(), (given, flip) => {
        const wire = encodeCapability(given);
        assert.deepEqual({ ...decodeCapability(wire) }, { ...given });
        for (let length = 0; length < wire.length; length++) {
          assert.equal(decodeCapability(wire.subarray(0, length)), undefined);
          assert.equal(new NlriBatch().scan(wire, 0, length), length === 0, `cut at ${length}`);
        }
        const bent = wire.slice();
        bent[(flip >>> 3) % bent.length]! ^= 1 << (flip & 7);
        const batch = new NlriBatch();
        if (batch.scan(bent, 0, bent.length)) assert.equal(batch.seen > 0, true);
        for (let i = 0; i < batch.count; i++) {
          const decoded = decodeCapability(bent.subarray(batch.starts[i]!, batch.starts[i]! + batch.lengths[i]!));
          assert.deepEqual(
            encodeCapability(decoded!),
            bent.slice(batch.starts[i]!, batch.starts[i]! + batch.lengths[i]!),
          );
        }
      }),
      { numRuns: 300 },
    );
  });
});
