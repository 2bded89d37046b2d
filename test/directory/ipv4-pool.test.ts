import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import {
  capabilityId,
  formatIpv4,
  type Ipv4Prefix,
  parseCapabilityName,
  parseIpv4Prefix,
  toHex,
} from "../../src/base/index.ts";
import { assigningIpv4 } from "../../src/directory/ipv4-pool.ts";
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
type Named = ReturnType<typeof named>;

/** With how many steps that took. */
function assigned(
  pool: Ipv4Prefix,
  capabilities: Named,
): { readonly addresses: ReadonlyMap<string, number>; readonly steps: number } {
  const assigning = assigningIpv4(pool, capabilities);
  for (let steps = 1; ; steps++) {
    const { done, value } = assigning.next();
    if (done === true) return { addresses: value, steps };
  }
}

const assignIpv4 = (pool: Ipv4Prefix, capabilities: Named) => assigned(pool, capabilities).addresses;

const NUMBERS = fc.uniqueArray(fc.nat(5000), { maxLength: 200 });

it(`each capability has an address of its own, whatever the order that they are listed in (seed ${SEED})`, () => {
  fc.assert(
    fc.property(NUMBERS, fc.func(fc.nat()), (numbers, order) => {
      const addresses = assignIpv4(POOL, named(numbers));
      assert.equal(new Set(addresses.values()).size, numbers.length);
      for (const address of addresses.values())
        assert.ok(address > POOL.address && address < POOL.address + 255, formatIpv4(address));
      const shuffled = numbers.toSorted((a, b) => order(a) - order(b));
      assert.deepEqual(new Map([...assignIpv4(POOL, named(shuffled))].sort()), new Map([...addresses].sort()));
    }),
    { seed: SEED, numRuns: 50 },
  );
});

it(`one more capability moves none but where their places meet (seed ${SEED})`, () => {
  const room = 254;
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(5000), { minLength: 21, maxLength: 121 }), (numbers) => {
      const before = assignIpv4(POOL, named(numbers.slice(1)));
      const after = assignIpv4(POOL, named(numbers));
      const taken = new Set([...after.values()].map((address) => address - POOL.address - 1));
      // What comes is at its place or behind it, with no free one between; so is all that has to go on because of it
      const [id] = named(numbers.slice(0, 1)).values();
      const place = new DataView(id!.buffer, id!.byteOffset).getUint32(0) % room;
      for (const [capability, address] of after) {
        if (before.get(capability) === address) continue;
        const to = (address - POOL.address - 1 - place + room) % room;
        for (let way = 0; way <= to; way++) assert.ok(taken.has((place + way) % room), capability);
      }
    }),
    { seed: SEED, numRuns: 200 },
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
  const addresses = assignIpv4(parseIpv4Prefix("198.18.0.0/30")!, named([1, 2, 3]));
  assert.equal(addresses.size, 2);
});

it("thousands are given out in the order of their IDs, a capability at a step", () => {
  const pool = parseIpv4Prefix("198.18.0.0/16")!;
  const capabilities = named(Array.from({ length: 5000 }, (_, number) => number));
  const { addresses, steps } = assigned(pool, capabilities);
  assert.ok(steps > 2 * capabilities.size, `${steps} steps`);
  const taken = new Set<number>();
  const ids = [...capabilities].sort(([, a], [, b]) => (toHex(a) < toHex(b) ? -1 : 1));
  for (const [{ name }, id] of ids) {
    let place = new DataView(id.buffer, id.byteOffset).getUint32(0) % (2 ** 16 - 2);
    while (taken.has(place)) place = (place + 1) % (2 ** 16 - 2);
    taken.add(place);
    assert.equal(addresses.get(`${name} 1`), pool.address + 1 + place);
  }
});
