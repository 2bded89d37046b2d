import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { capabilityId, formatIpv4, parseCapabilityName, parseIpv4Prefix } from "../../src/base/index.ts";
import { assignIpv4 } from "../../src/directory/ipv4-pool.ts";
import { OCR, SPEECH, taxonomy } from "./samples.ts";

const POOL = parseIpv4Prefix("198.18.0.0/24")!;
const SEED = Math.floor(Math.random() * 0x7fffffff);
const named = (numbers: readonly number[]) =>
  new Map(
    numbers.map((number) => {
      const name = parseCapabilityName(`/vision/c${number}`)!;
      return [{ name, majorVersion: 1 }, capabilityId(name, 1)];
    }),
  );
const NUMBERS = fc.uniqueArray(fc.nat(5000), { maxLength: 200 });

it(`each capability has an address of its own, whatever the order that they are listed in (seed ${SEED})`, () => {
  fc.assert(
    fc.property(NUMBERS, fc.func(fc.nat()), (numbers, order) => {
      const assigned = assignIpv4(POOL, named(numbers));
      assert.equal(new Set(assigned.values()).size, numbers.length);
      for (const address of assigned.values())
        assert.ok(address > POOL.address && address < POOL.address + 255, formatIpv4(address));
      const shuffled = numbers.toSorted((a, b) => order(a) - order(b));
      assert.deepEqual(new Map([...assignIpv4(POOL, named(shuffled))].sort()), new Map([...assigned].sort()));
    }),
    { seed: SEED, numRuns: 50 },
  );
});

it(`one more capability moves few others (seed ${SEED})`, () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(5000), { minLength: 21, maxLength: 21 }), (numbers) => {
      const before = assignIpv4(POOL, named(numbers.slice(1)));
      const after = assignIpv4(POOL, named(numbers));
      const moved = [...before].filter(([capability, address]) => after.get(capability) !== address);
      assert.ok(moved.length <= 3, `${moved.length} of 20 moved`);
    }),
    { seed: SEED, numRuns: 50 },
  );
});

it("addresses stay what they are: clients and firewalls know them", () => {
  const known = taxonomy({ ipv4Pools: new Map([["acme", POOL]]) });
  const text = (tenant: string, name: typeof OCR, major: number): string | undefined => {
    const address = known.ipv4Address(tenant, name, major);
    return address === undefined ? undefined : formatIpv4(address);
  };
  assert.deepEqual(
    [text("acme", OCR, 1), text("acme", OCR, 2), text("acme", SPEECH, 1), text("globex", OCR, 1)],
    ["198.18.0.130", "198.18.0.75", "198.18.0.129", undefined],
  );
});

it("what finds no room has no address", () => {
  const assigned = assignIpv4(parseIpv4Prefix("198.18.0.0/30")!, named([1, 2, 3]));
  assert.equal(assigned.size, 2);
});
