import assert from "node:assert/strict";
import { it } from "node:test";
import type { MethodDefinition } from "@grpc/grpc-js";
import { fieldOctets } from "../../../src/base/index.ts";
import { loadProto } from "../../../src/management/gnmi/service.ts";
import { valueOctets } from "../../../src/management/gnmi/values.ts";
import { notificationOctets, pathOf, SYNC_RESPONSE, updateOctets } from "../../../src/management/gnmi/wire.ts";
import type { Message } from "./gnmi-router.ts";

const service = loadProto()["gnmi.gNMI"] as unknown as Record<string, MethodDefinition<object, Message>>;
const set = (message: object): string => service.Set!.requestSerialize(message).toString("hex");
const get = (message: object): string => service.Get!.requestSerialize(message).toString("hex");

/** Field numbers as the specification has them, by hand. */
const VECTORS = [
  { name: "delete is 2, elem is 3", got: () => set({ delete: [{ elem: [{ name: "a" }] }] }), want: "1205 1a03 0a0161" },
  { name: "replace is 3", got: () => set({ replace: [{}] }), want: "1a00" },
  { name: "update is 4", got: () => set({ update: [{}] }), want: "2200" },
  { name: "union_replace is 6", got: () => set({ union_replace: [{}] }), want: "3200" },
  {
    name: "keys are a map in field 2",
    got: () => set({ delete: [{ elem: [{ name: "a", key: { k: "v" } }] }] }),
    want: "120d 1a0b 0a0161 1206 0a016b 120176",
  },
  {
    name: "extension is 5 of Set, commit 4, confirm 3",
    got: () => set({ extension: [{ commit: { id: "a", confirm: {} } }] }),
    want: "2a07 2205 0a0161 1a00",
  },
  {
    name: "commit 2, rollback_duration 1",
    got: () => set({ extension: [{ commit: { id: "a", commit: { rollback_duration: { seconds: 60 } } } }] }),
    want: "2a0b 2209 0a0161 1204 0a02083c",
  },
  {
    name: "cancel 4",
    got: () => set({ extension: [{ commit: { id: "a", cancel: {} } }] }),
    want: "2a07 2205 0a0161 2200",
  },
  {
    name: "set_rollback_duration 5",
    got: () => set({ extension: [{ commit: { id: "a", set_rollback_duration: {} } }] }),
    want: "2a07 2205 0a0161 2a00",
  },
  {
    name: "master_arbitration 2",
    got: () => set({ extension: [{ master_arbitration: { election_id: { low: 1 } } }] }),
    want: "2a06 1204 12021001",
  },
  {
    name: "extension is 7 of Get, depth 5, level 1",
    got: () => get({ extension: [{ depth: { level: 3 } }] }),
    want: "3a04 2a02 0803",
  },
  { name: "type 3, encoding 5", got: () => get({ type: "STATE", encoding: "JSON_IETF" }), want: "1802 2804" },
];

for (const { name, got, want } of VECTORS) it(name, () => assert.equal(got(), want.replaceAll(" ", "")));

it("what is encoded by hand is what the .proto says", () => {
  const elem = fieldOctets(3, fieldOctets(1, Buffer.from("leaf")));
  const update = updateOctets(elem, elem, valueOctets("PROTO", { base: "int64" }, "-5"));
  assert.deepEqual(Buffer.from(pathOf(update)), Buffer.concat([elem, elem]));
  const prefix = fieldOctets(4, Buffer.from("target"));
  const time = 1_790_000_000_123_456_789n;
  const octets = notificationOctets(time, prefix, [
    { isDelete: true, octets: elem, duplicates: 0 },
    { isDelete: false, octets: update, duplicates: 300 },
  ]);
  const { update: read } = service.Subscribe!.responseDeserialize(octets);
  assert.equal(read.timestamp, String(time));
  assert.equal(read.prefix.target, "target");
  assert.equal(read.delete[0].elem[0].name, "leaf");
  assert.equal(read.update[0].val.int_val, "-5");
  assert.equal(read.update[0].duplicates, 300);
  assert.equal(service.Subscribe!.responseDeserialize(SYNC_RESPONSE).sync_response, true);
});

it("values of every type in PROTO", () => {
  const cases: readonly [string, unknown, string, unknown][] = [
    ["uint64", "18446744073709551615", "uint_val", "18446744073709551615"],
    ["int64", "-9223372036854775808", "int_val", "-9223372036854775808"],
    ["uint8", 7, "uint_val", "7"],
    ["decimal64", "-1.25", "double_val", -1.25],
    ["boolean", false, "bool_val", false],
    ["empty", [null], "bool_val", true],
    ["binary", "AQI=", "bytes_val", Buffer.from([1, 2])],
    ["enumeration", "up", "string_val", "up"],
  ];
  for (const [base, value, kind, want] of cases) {
    const update = updateOctets(Buffer.alloc(0), Buffer.alloc(0), valueOctets("PROTO", { base }, value));
    const octets = notificationOctets(0n, Buffer.alloc(0), [{ isDelete: false, octets: update, duplicates: 0 }]);
    const { val } = service.Subscribe!.responseDeserialize(octets).update.update[0];
    assert.equal(val.value, kind, base);
    assert.deepEqual(val[kind], want, base);
  }
});
