import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  bpfOrSkip,
  compile,
  FRAME,
  loadSample,
  member,
  openDescriptors,
  readU32,
  temporaryBpffs,
  u32,
  u64,
} from "./bpf-lab.ts";

const XDP_DROP = 1;
const XDP_PASS = 2;
const XDP_TX = 3;
const TC_ACT_OK = 0;

test("an object lists its programs and maps", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  assert.deepEqual([...object.programs.keys()].toSorted(), ["count_tc", "count_xdp", "grow_xdp"]);
  assert.deepEqual([...object.maps.keys()].filter((name) => !name.startsWith(".")).toSorted(), [
    "counters",
    "events",
    "pairs",
    "ports",
    "shared",
    "table",
  ]);
  assert.deepEqual(member(object.maps, "table").info, {
    name: "table",
    type: 1,
    keySize: 4,
    valueSize: 8,
    maxEntries: 64,
    flags: 0,
  });
  const program = member(object.programs, "count_xdp");
  assert.equal(program.name, "count_xdp");
  assert.ok(program.verifiedInstructions > 10, `verified ${program.verifiedInstructions}`);
  assert.deepEqual(object.adopted, []);
});

test("a program runs on a packet and may grow it", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  const pass = bpf.testRun(member(object.programs, "count_xdp"), FRAME);
  assert.equal(pass.returnValue, XDP_PASS);
  assert.deepEqual(pass.packet, FRAME);

  const grown = bpf.testRun(member(object.programs, "grow_xdp"), FRAME);
  assert.equal(grown.returnValue, XDP_TX);
  assert.deepEqual(grown.packet, Uint8Array.of(0x73, 0x65, 0x6d, 0x72, ...FRAME));

  const tc = bpf.testRun(member(object.programs, "count_tc"), FRAME, { repeat: 1000, ifindex: 1 });
  assert.equal(tc.returnValue, TC_ACT_OK);
  assert.ok(tc.durationNs > 0);
  assert.equal(readU32(member(object.maps, "shared").lookup(u32(1))!), 1000);
});

test("constants and map sizes are set before the load", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf, {
    constants: { verdict: u32(XDP_DROP), step: u64(7n) },
    maxEntries: { table: 1000 },
  });
  assert.equal(bpf.testRun(member(object.programs, "count_xdp"), FRAME).returnValue, XDP_DROP);
  assert.equal(readU32(member(object.maps, "shared").lookup(u32(0))!), 7);
  assert.equal(member(object.maps, "table").info.maxEntries, 1000);
});

const REFUSED = [
  {
    name: "constant of another length",
    options: { constants: { verdict: new Uint8Array(8) } },
    want: /verdict.*has 4 octets, not 8/,
  },
  { name: "constant that does not exist", options: { constants: { absent: u32(1) } }, want: /no constant "absent"/ },
  { name: "size of a map that does not exist", options: { maxEntries: { absent: 1 } }, want: /no map "absent"/ },
  { name: "pin of a map that does not exist", options: { pins: { absent: "/sys/fs/bpf/x" } }, want: /no map "absent"/ },
];
for (const { name, options, want } of REFUSED)
  test(`a load is refused: ${name}`, async (t) => {
    const bpf = bpfOrSkip(t);
    if (bpf === undefined) return;
    const object = await compile("sample");
    const before = openDescriptors();
    await assert.rejects(bpf.load(object, options), (error: NodeJS.ErrnoException) => {
      assert.match(error.message, want);
      assert.match(error.code ?? "", /^(EINVAL|ENOENT)$/);
      return true;
    });
    assert.equal(openDescriptors(), before);
  });

test("the verifier's last words are in the message", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  await assert.rejects(bpf.load(await compile("refused")), {
    code: "EACCES",
    syscall: "bpf_object__load",
    message: /invalid access to packet/,
  });
});

test("a file that is missing or no object is refused", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  await assert.rejects(bpf.load("/nonexistent.bpf.o"), { code: "ENOENT", syscall: "bpf_object__open_file" });
  await assert.rejects(bpf.load(import.meta.filename), { syscall: "bpf_object__open_file" });
});

test("maps are pinned, then taken over by the next load with their contents", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  const folder = temporaryBpffs(t);
  const pins = { table: join(folder, "table"), ports: join(folder, "ports"), shared: join(folder, "shared") };
  {
    using first = await loadSample(bpf, { pins });
    assert.deepEqual(first.adopted, []);
    member(first.maps, "table").update(u32(5), u64(55n));
  }
  assert.ok(existsSync(pins.table));
  using second = await loadSample(bpf, { pins });
  assert.deepEqual(second.adopted.toSorted(), ["ports", "shared", "table"]);
  assert.deepEqual(member(second.maps, "table").lookup(u32(5)), u64(55n));
  using opened = bpf.openMap(pins.table);
  assert.deepEqual(opened.lookup(u32(5)), u64(55n));
  assert.equal(opened.info.maxEntries, 64);
  assert.equal(bpf.testRun(member(second.programs, "grow_xdp"), FRAME).returnValue, XDP_TX);
});

test("a pinned map of another shape is refused, and says what differs", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  const folder = temporaryBpffs(t);
  const pins = { table: join(folder, "table"), shared: join(folder, "new") };
  using first = await loadSample(bpf, { maxEntries: { table: 32 } });
  member(first.maps, "table").pin(pins.table);
  await assert.rejects(loadSample(bpf, { pins }), {
    code: "EINVAL",
    message: /another number of entries: 32 instead of 64/,
  });
  assert.ok(!existsSync(pins.shared), "a refused load leaves no pin");

  const wrong = join(folder, "wrong");
  member(first.maps, "counters").pin(wrong);
  await assert.rejects(loadSample(bpf, { pins: { table: wrong } }), { code: "EINVAL", message: /another type/ });
});

test("a pin that cannot be made undoes the others", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  const folder = temporaryBpffs(t);
  const pins = { counters: join(folder, "counters"), table: join(folder, "no", "such", "folder") };
  await assert.rejects(loadSample(bpf, { pins }), { code: "ENOENT" });
  assert.ok(!existsSync(pins.counters));
});

test("wrong arguments throw", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  const program = member(object.programs, "count_xdp");
  const loose = bpf as unknown as Record<string, (...given: unknown[]) => unknown>;
  for (const given of [
    [],
    [1],
    [""],
    ["a\0b"],
    ["/x".repeat(4096)],
    ["/x", 1],
    ["/x", { constants: { a: 1 } }],
    ["/x", { maxEntries: { a: 0 } }],
    ["/x", { pins: { a: 1 } }],
  ])
    assert.throws(() => loose.load!(...given), /must/, JSON.stringify(given).slice(0, 40));
  for (const given of [
    [],
    [{}, FRAME],
    [member(object.maps, "table"), FRAME],
    [program],
    [program, "x"],
    [program, FRAME, { repeat: 0 }],
    [program, FRAME, { repeat: 1.5 }],
    [program, FRAME, { ifindex: -1 }],
  ])
    assert.throws(() => loose.testRun!(...given), /must/);
  assert.throws(() => bpf.testRun(program, FRAME.subarray(0, 3)), {
    code: "EINVAL",
    syscall: "bpf_prog_test_run_opts",
  });
  assert.throws(() => new (object.constructor as new () => unknown)(), TypeError);
});

test("a disposed object is closed, and no descriptor stays behind", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  await compile("sample");
  await loadSample(bpf).then((object) => object[Symbol.dispose]()); // whatever is opened once per process
  const before = openDescriptors();
  const object = await loadSample(bpf);
  const program = member(object.programs, "count_xdp");
  const map = member(object.maps, "table");
  assert.ok(openDescriptors() > before);
  object[Symbol.dispose]();
  object[Symbol.dispose]();
  assert.equal(openDescriptors(), before);
  assert.throws(() => bpf.testRun(program, FRAME), /disposed/);
  assert.throws(() => map.lookup(u32(1)), /disposed/);
  assert.throws(() => map.fd, /disposed/);
});

test("a map says what its records are made of, and gives its entries in batches", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  assert.deepEqual(member(object.maps, "pairs").layout, {
    key: [{ name: "", offset: 0, size: 4 }],
    value: [{ name: "words", offset: 0, size: 16 }],
  });
  assert.equal(member(object.maps, "events").layout, undefined);

  const table = member(object.maps, "table");
  for (let i = 0; i < 50; i++) table.update(u32(i), u64(BigInt(i * i)));
  const found = new Map<number, bigint>();
  for (let cursor: Uint8Array | undefined; ; ) {
    const { keys, values, count, cursor: next } = table.batch(cursor, 16);
    assert.ok(count <= 16);
    for (let i = 0; i < count; i++)
      found.set(
        readU32(keys.subarray(4 * i)),
        new DataView(values.buffer, values.byteOffset + 8 * i).getBigUint64(0, true),
      );
    if (next === undefined) break;
    cursor = next;
  }
  assert.deepEqual(
    [...found].sort(([a], [b]) => a - b),
    Array.from({ length: 50 }, (_, i) => [i, BigInt(i * i)]),
  );
  assert.deepEqual(member(object.maps, "counters").batch(undefined, 8).count, 2, "an array to its end");
  assert.throws(() => table.batch(new Uint8Array(3), 16), RangeError);
});

test("a map whose records are the same is shared with another object, others are not", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  const folder = temporaryBpffs(t);
  const pins = (prefix: string) =>
    Object.fromEntries(["table", "shared", "pairs"].map((name) => [name, join(folder, `${prefix}-${name}`)]));
  using first = await loadSample(bpf, { pins: pins("first") });
  const inherit = { ...pins("first"), pairs: join(folder, "nothing") };
  using second = await loadSample(bpf, { pins: pins("second"), inherit, maxEntries: { shared: 8 } });
  assert.deepEqual([first.inherited, second.adopted, second.inherited], [[], [], ["table"]]);
  member(first.maps, "table").update(u32(1), u64(11n));
  assert.deepEqual(member(second.maps, "table").lookup(u32(1)), u64(11n));
  for (const path of Object.values(pins("second"))) assert.ok(existsSync(path));
});
