import assert from "node:assert/strict";
import { it } from "node:test";
import { parseIpv4Prefix, toHex } from "../../../src/base/index.ts";
import { EDGE, POOL, POOL_SLOT } from "../../../src/dataplane/abi.ts";
import type { EdgePlan } from "../../../src/dataplane/index.ts";
import { EdgeTables } from "../../../src/dataplane/kernel/edge-tables.ts";
import { ipv4Number, ipv4Octets } from "../edge/frames.ts";
import { Bench, whyNoPass } from "../pass/bench.ts";
import { address, CAP, LOCATOR } from "../pass/world.ts";

const PREFIX = address("2001:db8:b:64::").slice(0, 12);
const pool = (text: string, ...entries: readonly (readonly [string, Uint8Array])[]): EdgePlan["pools"][number] => ({
  tenantIndex: 7,
  prefix: parseIpv4Prefix(text)!,
  capabilities: entries.map(([at, capability]) => ({ address: ipv4Number(at), capability })),
});

it("the tables of the edge: written, changed, adopted and emptied", async (t) => {
  const reason = whyNoPass();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  using bench = await Bench.load({ domain: CAP.local.slice(0, 6), locator: LOCATOR });
  const open = () =>
    new EdgeTables({
      ...{ edge: bench.map("edge"), pools: bench.map("pools"), poolSlots: bench.map("pool_slots") },
      ...{ poolAddresses: bench.map("pool_addresses"), guests: bench.map("guests") },
    });
  const isOn = () => bench.entry("edge", 0, EDGE.size).getUint32(EDGE.offsets.on, true);
  const slot = (place: number) => {
    const view = bench.entry("pool_slots", place, POOL_SLOT.size);
    return toHex(new Uint8Array(view.buffer, view.byteOffset, POOL_SLOT.size));
  };
  const addressOf = (capability: Uint8Array) => {
    const found = bench.map("pool_addresses").lookup(capability);
    return found && toHex(found);
  };
  const count = (name: string): number => {
    let keys = 0;
    for (let key = bench.map(name).nextKey(); key !== undefined; key = bench.map(name).nextKey(key)) keys++;
    return keys;
  };

  let tables = open();
  const first: EdgePlan = {
    prefix: PREFIX,
    guests: parseIpv4Prefix("198.19.0.0/30")!,
    pools: [pool("198.18.0.0/28", ["198.18.0.5", CAP.local]), pool("198.18.1.0/28", ["198.18.1.2", CAP.foreign])],
  };
  tables.set(first);
  assert.deepEqual([isOn(), slot(5), slot(16 + 2)], [1, toHex(CAP.local), toHex(CAP.foreign)]);
  assert.equal(addressOf(CAP.foreign), toHex(ipv4Octets(ipv4Number("198.18.1.2"))));
  assert.equal(count("pools"), 3);

  // a guest stays as long as its address is for guests
  bench.map("guests").update(ipv4Octets(ipv4Number("198.19.0.1")), new Uint8Array(24));
  tables = open();
  tables.set({ ...first, pools: [pool("198.18.1.0/28", ["198.18.1.3", CAP.foreign])] });
  assert.deepEqual([isOn(), slot(3), slot(5), slot(16 + 2)], [1, toHex(CAP.foreign), "00".repeat(16), "00".repeat(16)]);
  assert.deepEqual(
    [addressOf(CAP.local), addressOf(CAP.foreign)],
    [undefined, toHex(ipv4Octets(ipv4Number("198.18.1.3")))],
  );
  assert.deepEqual([count("pools"), count("guests")], [2, 1]);
  const value = bench.map("pools").lookup(Uint8Array.of(28, 0, 0, 0, 198, 18, 1, 0))!;
  assert.equal(new DataView(value.buffer, value.byteOffset).getUint32(POOL.offsets.first, true), 0);

  tables.set(undefined);
  assert.deepEqual([isOn(), count("pools"), count("pool_addresses"), count("guests")], [0, 0, 0, 0]);
});
