import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FLOW_KEY } from "../../../src/dataplane/abi.ts";
import { capabilityHome, flowHash } from "../../../src/dataplane/hashes.ts";

describe("the hashes of the pass", () => {
  it("a flow's hash: the arithmetic of abi.h, checked with numbers computed in C", () => {
    const key = Uint8Array.from({ length: FLOW_KEY.size }, (_, at) => (at < 37 ? at * 7 + 1 : 0));
    assert.equal(flowHash(key, 0), 0x33fa85ab);
    assert.equal(flowHash(key, 0xffffffff), 0x3313c00d);
    assert.equal(flowHash(new Uint8Array(FLOW_KEY.size), 0), 0);
    assert.throws(() => flowHash(key.subarray(1), 0), RangeError);
  });

  it("a flow's hash spreads what really varies over the slots of both stages", () => {
    const FLOWS = 64_000;
    const VARYING: Readonly<Record<string, (view: DataView, at: number) => void>> = {
      "client ports": (view, at) => view.setUint16(FLOW_KEY.offsets.client_port, 1024 + at),
      "client addresses": (view, at) => view.setUint16(FLOW_KEY.offsets.client + 14, at),
      "client networks": (view, at) => view.setUint16(FLOW_KEY.offsets.client + 6, at),
      capabilities: (view, at) => view.setUint16(FLOW_KEY.offsets.capability + 12, at),
    };
    for (const [what, vary] of Object.entries(VARYING)) {
      const key = new Uint8Array(FLOW_KEY.size);
      const slots = new Float64Array(4096);
      for (let at = 0; at < FLOWS; at++) {
        vary(new DataView(key.buffer), at);
        slots[flowHash(key, 1) & 4095]! += 1;
      }
      const wanted = FLOWS / slots.length;
      const deviation = slots.reduce((sum, count) => sum + (count - wanted) ** 2 / wanted, 0) / (slots.length - 1);
      assert.ok(deviation < 1.15, `${what}: chi-squared over its degrees of freedom is ${deviation}`); // 1 ± 0.02 by chance
    }
  });

  it("home line: the multiplication of abi.h in 64 bits", () => {
    for (let i = 0; i < 2000; i++) {
      const address = Uint8Array.from(
        { length: 16 },
        (_, at) => (Math.imul(i * 16 + at + 1, 2654435761) >>> 13) & 0xff,
      );
      const view = new DataView(address.buffer);
      const key = view.getBigUint64(6, true);
      const mixed = key ^ (key >> 32n) ^ (BigInt(view.getUint16(14, true)) << 16n);
      const product = BigInt.asUintN(64, mixed * 0xd6e8feb86659fd93n) >> 40n;
      assert.equal(capabilityHome(address, 0xfffff), Number(product & 0xfffffn));
    }
  });

  it("home line: selectors and tenants of one capability spread", () => {
    const lines = new Set<number>();
    for (let selector = 0; selector < 64; selector++)
      for (let tenant = 1; tenant <= 64; tenant++) {
        const address = new Uint8Array(16);
        address.set([0, tenant, 0x80, 1, 1, 2, 3, 4, 0, selector], 6);
        lines.add(capabilityHome(address, 4095));
      }
    assert.ok(lines.size > 2300, `4096 addresses in 4096 lines hit ${lines.size}; 2589 are expected`);
  });
});
