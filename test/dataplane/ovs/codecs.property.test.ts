import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fromHex, toHex } from "../../../src/base/index.ts";
import { adoptableFrom } from "../../../src/dataplane/ovs/adoption.ts";
import { JsonFrames } from "../../../src/dataplane/ovs/database/json-frames.ts";
import { FIELD, is } from "../../../src/dataplane/ovs/openflow/fields.ts";
import { decodeFlows, decodePacketIn } from "../../../src/dataplane/ovs/openflow/flow.ts";
import { decodeError, encode, frame, TYPE } from "../../../src/dataplane/ovs/openflow/message.ts";
import { noteOf, operationOf } from "../../../src/dataplane/plan-note.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { INSTANCE, LOCAL, TUNNEL } from "../memory/story.ts";
import { leadsTo, slotsOf } from "../suite/packets.ts";
import { inVxlan, VXLAN } from "./vxlan-plan.ts";

const POLICY = {
  use: "capabilities",
  tenantIndex: 1,
  counted: true,
  allowed: [2, 5],
  packets: { perSecond: 10, burst: 20 },
} as const;
const seed = Number(process.env.SEMR_TEST_SEED ?? Date.now() % 2 ** 31);
const check = (property: fc.IPropertyWithHooks<unknown[]> | fc.IProperty<never>): void =>
  fc.assert(property as fc.IProperty<unknown>, { seed, numRuns: 300, verbose: 1 });

/** Two flows as ovs-vswitchd 3.1.0 described them: one with a note, one that counted. */
const FLOWS = fromHex(`
  000100000000000000700000fa0000010000000000000000000000070000000500010010800004080000000100000000
  0000002880020008000000010000000280020a0800000000000000098002080800000000000000030004002000000000
  ffff00180000232000087b226c61796f7574223a317d0000005000001e00000a0000000000000000000000010000000b
  0001000c000102040000000b000000000000001c80020808000000000000000380020a0800000000000000de00000000
  0004000800000000`);

const PACKET_IN = fromHex(`
  ffffffff 0012 01 c8 0000000000000000
  0001 0020 80000004 00000003 0001da10 20010db8000f00000000000000000002
  0000 025e00000001 025e00000002 86dd 60000000`);

describe(`codecs of the ovs data plane, seed ${seed}`, () => {
  it("reads what the switch says", () => {
    const flows = decodeFlows(FLOWS);
    assert.ok(flows.ok);
    const [noted, counted] = flows.value.flows;
    assert.equal(new TextDecoder().decode(noted?.note), '{"layout":1}');
    assert.equal(noted?.cookie, 0x700000005n);
    assert.deepEqual(noted?.match, [is(FIELD.metadata, 0x100000000n)]);
    assert.equal(counted?.packets, 3n);
    assert.equal(counted?.bytes, 222n);
    assert.deepEqual(counted?.match, [is(FIELD.reg1, 11)]);
    const packet = decodePacketIn(PACKET_IN);
    assert.ok(packet.ok);
    assert.equal(packet.value.inPort, 3);
    assert.equal(toHex(packet.value.tunnelSource!), "20010db8000f00000000000000000002");
    assert.equal(packet.value.frame.length, 18);
  });

  it("takes every truncation and every flipped bit as a value, never as an exception", () => {
    for (const [octets, decode] of [
      [FLOWS, decodeFlows],
      [PACKET_IN, decodePacketIn],
      [fromHex("0004 000b 01020304"), decodeError],
    ] as const) {
      for (let length = 0; length < octets.length; length++) decode(octets.subarray(0, length));
      for (let bit = 0; bit < octets.length * 8; bit++) {
        const flipped = octets.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        decode(flipped);
      }
      check(fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => void decode(junk)));
    }
    assert.equal(decodeFlows(FLOWS.subarray(0, FLOWS.length - 1)).ok, false);
    assert.equal(decodePacketIn(PACKET_IN.subarray(0, 20)).ok, false);
  });

  it("frames a stream however it is cut, and knows a length that lies", () => {
    const stream = Buffer.concat(
      [1, 2, 3].map((xid) => encode(TYPE.echoRequest, xid, (body) => body.bytes(new Uint8Array(xid)))),
    );
    check(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 })), (cuts) => {
        let held = new Uint8Array(0);
        const seen: number[] = [];
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          held = Buffer.concat([held, stream.subarray(at, at + cut)]);
          at = Math.min(at + cut, stream.length);
          for (let framed = frame(held); framed.type === "message"; framed = frame(held)) {
            seen.push(framed.message.xid);
            held = held.subarray(framed.length);
          }
        }
        assert.deepEqual(seen, [1, 2, 3]);
      }),
    );
    for (let length = 0; length < 8; length++)
      assert.equal(frame(Uint8Array.of(6, 2, 0, length, 0, 0, 0, 1)).type, "malformed");
  });

  it("cuts JSON objects off a stream wherever it breaks (RFC 7047 §4)", () => {
    const objects = fc.array(
      fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.constant({ "}": '"{' }))),
    );
    check(
      fc.property(objects, fc.array(fc.integer({ min: 1, max: 9 })), (values, cuts) => {
        const octets = new TextEncoder().encode(values.map((value) => JSON.stringify(value)).join("\n "));
        const frames = new JsonFrames();
        const texts: string[] = [];
        let at = 0;
        for (const cut of [...cuts, octets.length]) {
          texts.push(...frames.push(octets.subarray(at, at + cut)));
          at = Math.min(at + cut, octets.length);
        }
        assert.deepEqual(
          texts.map((text) => JSON.stringify(JSON.parse(text))),
          values.map((value) => JSON.stringify(value)),
        );
      }),
    );
    assert.throws(() => new JsonFrames().push(new TextEncoder().encode("[1]")), SyntaxError);
    assert.throws(() => new JsonFrames(4).push(new TextEncoder().encode('{"abcd"')), SyntaxError);
  });

  it("keeps every kind of entry in a note and reads it back; junk is none", () => {
    const entries: Operation[] = [
      ...[inVxlan(TUNNEL), TUNNEL, LOCAL, INSTANCE, slotsOf(3, [1, 2], { previous: [2, 2], backup: 1 })],
      ...[leadsTo(3, { localGroup: 4 }), { type: "set-node", locator: new Uint8Array(16), vni: VXLAN.vni } as const],
      { type: "set-policy", index: 70_000, policy: POLICY },
    ];
    for (const entry of entries) assert.deepEqual(operationOf(noteOf(entry)), entry);
    for (const entry of entries) {
      const note = noteOf(entry);
      for (let length = 0; length < note.length; length++)
        assert.equal(operationOf(note.subarray(0, length)), undefined);
      for (let bit = 0; bit < note.length * 8; bit++) {
        const flipped = note.slice();
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        operationOf(flipped);
      }
    }
    check(fc.property(fc.json(), (text) => void operationOf(new TextEncoder().encode(text))));
  });

  it("adopts what was made for this router, and nothing else", () => {
    const flow = (note: Uint8Array, cookie = 0n) => ({
      ...{ table: 250, priority: 1, match: [], packets: 0n, bytes: 0n },
      note,
      cookie,
    });
    const madeFor = { layout: 1, domain: "fd5e", locator: "2001", facts: [1] };
    const header = (changes: object) => flow(new TextEncoder().encode(JSON.stringify({ ...madeFor, ...changes })), 9n);
    const entries = [flow(noteOf(leadsTo(0))), flow(noteOf(LOCAL))];
    assert.deepEqual(adoptableFrom([header({}), ...entries], madeFor), {
      ...{ generation: 9, exact: true },
      operations: [LOCAL, leadsTo(0)],
    });
    assert.equal(adoptableFrom([header({ facts: [2] }), ...entries], madeFor)?.exact, false);
    for (const other of [{ layout: 2 }, { domain: "fd5f" }, { locator: "2002" }])
      assert.equal(adoptableFrom([header(other), ...entries], madeFor), undefined);
    assert.equal(adoptableFrom([header({}), flow(Uint8Array.of(1))], madeFor), undefined);
    assert.equal(adoptableFrom([], madeFor), undefined);
  });
});
