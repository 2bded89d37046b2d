import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parseIpv4, parseIpv6 } from "../../../src/base/index.ts";
import { originOf } from "../../../src/bgp/policy/index.ts";
import { type Vrp, VrpTable } from "../../../src/bgp/rpki/index.ts";
import { encodeUnicast } from "../../../src/bgp/wire/index.ts";
import { setSample } from "../wire/samples.ts";

function prefix(text: string): { readonly address: Uint8Array; readonly length: number } {
  const [address, length] = text.split("/") as [string, string];
  const v4 = parseIpv4(address);
  if (v4 === undefined) return { address: parseIpv6(address)!, length: Number(length) };
  return { address: Uint8Array.of(v4 >>> 24, v4 >>> 16, v4 >>> 8, v4), length: Number(length) };
}

const vrp = (text: string, maxLength: number, autonomousSystem: number): Vrp => ({
  ...prefix(text),
  maxLength,
  autonomousSystem,
});

function validity(table: VrpTable, text: string, origin: number | undefined): string | undefined {
  const { address, length } = prefix(text);
  const family = address.length === 4 ? "ipv4-unicast" : "ipv6-unicast";
  return table.validity(family, encodeUnicast({ family, address, length }), 0, origin);
}

describe("RFC 6811 §2", () => {
  const table = new VrpTable();
  table.active = 1;
  for (const known of [
    vrp("192.0.2.0/24", 26, 65001),
    vrp("192.0.0.0/16", 16, 65002),
    vrp("198.51.100.0/24", 24, 0),
    vrp("2001:db8::/32", 48, 65001),
    vrp("0.0.0.0/0", 0, 65003),
  ])
    table.add(known, 1);
  for (const [text, origin, want] of [
    ["192.0.2.0/24", 65001, "valid"],
    ["192.0.2.64/26", 65001, "valid"],
    ["192.0.2.64/27", 65001, "invalid"],
    ["192.0.2.0/24", 65002, "invalid"],
    ["192.0.0.0/16", 65002, "valid"],
    ["192.0.0.0/17", 65002, "invalid"],
    ["198.51.100.0/24", 0, "invalid"],
    ["198.51.100.0/24", 65001, "invalid"],
    ["203.0.113.0/24", 65003, "invalid"],
    ["0.0.0.0/0", 65003, "valid"],
    ["192.0.2.0/24", undefined, "invalid"],
    ["2001:db8:1::/48", 65001, "valid"],
    ["2001:db8:1::/49", 65001, "invalid"],
    ["2001:db9::/32", 65001, "not-found"],
    ["::/0", 65001, "not-found"],
    ["2001:db8:1::1/128", undefined, "invalid"],
  ] as const)
    it(`${text} from ${origin}: ${want}`, () => assert.equal(validity(table, text, origin), want));

  it("nobody's word counts: nothing is known", () => {
    const silent = new VrpTable();
    silent.add(vrp("192.0.2.0/24", 24, 1), 1);
    assert.equal(validity(silent, "192.0.2.0/24", 1), undefined);
  });

  it("the origin is the last AS; our own for an empty path and inside a confederation; none behind a set", () => {
    const path = (...asPath: Parameters<typeof originOf>[0]["asPath"]) => originOf(setSample({ asPath }), 65000);
    assert.equal(path({ type: "sequence", numbers: [1, 2, 3] }), 3);
    assert.equal(path(), 65000);
    assert.equal(path({ type: "sequence", numbers: [1] }, { type: "set", numbers: [2, 3] }), undefined);
    assert.equal(path({ type: "confed-sequence", numbers: [7] }), 65000);
    assert.equal(path({ type: "confed-sequence", numbers: [7] }, { type: "sequence", numbers: [1] }), 1);
  });
});

/** The same by the words of the RFC, one VRP after the other. */
function naive(
  known: readonly (Vrp & { readonly sayer: number })[],
  key: ReturnType<typeof prefix>,
  origin: number,
  active: number,
): string {
  const covering = known.filter(
    ({ address, length, sayer }) =>
      (sayer & active) !== 0 &&
      address.length === key.address.length &&
      length <= key.length &&
      sameBits(address, key.address, length),
  );
  if (covering.length === 0) return "not-found";
  const fits = covering.some(
    ({ autonomousSystem, maxLength }) => autonomousSystem === origin && origin !== 0 && key.length <= maxLength,
  );
  return fits ? "valid" : "invalid";
}

function sameBits(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  for (let bit = 0; bit < bits; bit++) if (((a[bit >> 3]! ^ b[bit >> 3]!) & (0x80 >> (bit & 7))) !== 0) return false;
  return true;
}

/** Of few addresses, so that they meet. */
const anyPrefix = fc
  .tuple(fc.constantFrom(4, 16), fc.nat(3), fc.nat(3), fc.nat(32))
  .map(([octets, first, last, length]) => {
    const address = new Uint8Array(octets);
    address[0] = first << 6;
    address[3] = last;
    for (let bit = length; bit < 8 * octets; bit++) address[bit >> 3]! &= ~(0x80 >> (bit & 7));
    return { address, length };
  });
const anyStep = fc.record({
  add: fc.boolean(),
  prefix: anyPrefix,
  more: fc.nat(4),
  autonomousSystem: fc.nat(3),
  sayer: fc.constantFrom(1, 2, 4),
});

it("the trie answers like the RFC read aloud, whatever came and went, and ends empty", (t) => {
  const seed = Date.now() & 0x7fffffff;
  t.diagnostic(`seed ${seed}`);
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 60 }), fc.array(anyPrefix, { maxLength: 20 }), (steps, asked) => {
      const table = new VrpTable();
      const model = new Map<string, Vrp & { sayer: number }>();
      for (const {
        add,
        prefix: { address, length },
        more,
        autonomousSystem,
        sayer,
      } of steps) {
        const maxLength = Math.min(8 * address.length, length + more);
        const said = { address, length, maxLength, autonomousSystem };
        const key = `${Buffer.from(address).toString("hex")}/${length}-${maxLength} ${autonomousSystem} ${address.length} ${sayer}`;
        assert.equal(add ? table.add(said, sayer) : table.remove(said, sayer), add !== model.has(key));
        if (add) model.set(key, { ...said, sayer });
        else model.delete(key);
      }
      for (const active of [1, 2, 7]) {
        table.active = active;
        for (const key of asked) {
          const family = key.address.length === 4 ? "ipv4-unicast" : "ipv6-unicast";
          const octets = encodeUnicast({ family, ...key });
          for (const origin of [0, 1, 2])
            assert.equal(table.validity(family, octets, 0, origin), naive([...model.values()], key, origin, active));
        }
      }
      const listed = [...table.all()].map(({ address, sayers, ...rest }) => ({
        address: Buffer.from(address).toString("hex"),
        ...rest,
        sayers,
      }));
      const wanted = new Map<string, number>();
      for (const [key, { sayer }] of model) {
        const name = key.slice(0, key.lastIndexOf(" "));
        wanted.set(name, (wanted.get(name) ?? 0) | sayer);
      }
      assert.deepEqual(
        listed
          .map(
            ({ address, length, maxLength, autonomousSystem, sayers }) =>
              `${address}/${length}-${maxLength} ${autonomousSystem} ${address.length / 2} ${sayers}`,
          )
          .sort(),
        [...wanted].map(([name, sayers]) => `${name} ${sayers}`).sort(),
      );
      for (const { sayer, ...said } of model.values()) assert.equal(table.remove(said, sayer), true);
      assert.equal(table.size, 0);
    }),
    { seed, numRuns: 500 },
  );
});
