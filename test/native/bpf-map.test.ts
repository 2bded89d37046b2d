import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { bpfOrSkip, FRAME, loadSample, member, openDescriptors, readU32, u32, u64 } from "./bpf-lab.ts";

test("single operations on a hash map", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  const table = member(object.maps, "table");
  assert.equal(table.lookup(u32(1)), undefined);
  assert.equal(table.nextKey(), undefined);
  assert.equal(table.delete(u32(1)), false);
  table.update(u32(1), u64(10n));
  assert.deepEqual(table.lookup(u32(1)), u64(10n));
  assert.throws(() => table.update(u32(1), u64(11n), 1), { code: "EEXIST", syscall: "bpf_map_update_elem" });
  assert.throws(() => table.update(u32(2), u64(11n), 2), { code: "ENOENT" });
  table.update(u32(1), u64(12n), 2);
  table.update(u32(2), u64(20n), 1);
  const keys: number[] = [];
  for (let key = table.nextKey(); key !== undefined; key = table.nextKey(key)) keys.push(readU32(key));
  assert.deepEqual(keys.toSorted(), [1, 2]);
  assert.equal(table.delete(u32(1)), true);
  assert.equal(table.lookup(u32(1)), undefined);
  assert.throws(() => member(object.maps, "shared").delete(u32(0)), { code: "EINVAL" });
});

test("a batch is written at once, and says how far it came", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  const table = member(object.maps, "table");
  const keys = new Uint8Array(Uint32Array.from({ length: 50 }, (_, i) => i).buffer);
  const values = new Uint8Array(BigUint64Array.from({ length: 50 }, (_, i) => BigInt(i * i)).buffer);
  const written = table.updateBatch(keys, values, 50);
  keys.fill(0xff); // the batch has its own copy
  assert.equal(await written, 50);
  assert.deepEqual(table.lookup(u32(49)), u64(2401n));
  assert.equal(await table.updateBatch(new Uint8Array(0), new Uint8Array(0), 0), 0);

  const many = new Uint8Array(Uint32Array.from({ length: 100 }, (_, i) => 1000 + i).buffer);
  await assert.rejects(table.updateBatch(many, new Uint8Array(800), 100), {
    code: "E2BIG",
    syscall: "bpf_map_update_batch",
    message: /after 14 entries/,
  });
});

test("a batch outlives the map that is disposed meanwhile", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  const object = await loadSample(bpf);
  const written = member(object.maps, "table").updateBatch(u32(1), u64(1n), 1);
  object[Symbol.dispose]();
  assert.equal(await written, 1);
});

test("a mapped array is the kernel's own memory", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  const object = await loadSample(bpf);
  const shared = member(object.maps, "shared");
  const area = shared.mmap();
  assert.equal(area.length, 4 * 8, "values of 4 octets lie 8 apart");
  assert.equal(shared.mmap(), area, "one mapping per map");
  area.set(u32(0xabcd), 2 * 8);
  assert.deepEqual(shared.lookup(u32(2)), u32(0xabcd));
  shared.update(u32(3), u32(99));
  assert.equal(readU32(area, 3 * 8), 99);
  bpf.testRun(member(object.programs, "count_xdp"), FRAME, { repeat: 5 });
  assert.equal(readU32(area, 0), 5);
  object[Symbol.dispose]();
  assert.equal(readU32(area, 3 * 8), 99, "still readable after dispose");
  assert.throws(() => shared.mmap(), /disposed/);
});

test("only mappable arrays are mapped", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  assert.throws(() => member(object.maps, "table").mmap(), { code: "EINVAL", syscall: "mmap" });
  assert.throws(() => member(object.maps, "table").mapped(), { code: "EINVAL", syscall: "mmap" });
});

test("a large array is mapped on a worker, in pieces that lie where they belong, once for all who ask", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  const entries = 1_234_567;
  const object = await loadSample(bpf, { maxEntries: { shared: entries } });
  const shared = member(object.maps, "shared");
  const [area, other] = await Promise.all([shared.mapped(), shared.mapped()]);
  assert.equal(area, other);
  assert.equal(await shared.mapped(), area);
  assert.equal(shared.mmap(), area);
  assert.equal(area.length, 8 * entries);
  const piece = (4 << 20) / 8;
  for (const at of [0, 1, piece - 1, piece, 2 * piece - 1, 2 * piece, entries - 1]) {
    area.set(u32(at + 7), 8 * at);
    assert.deepEqual(shared.lookup(u32(at)), u32(at + 7));
    shared.update(u32(at), u32(at + 8));
    assert.equal(readU32(area, 8 * at), at + 8);
  }
  object[Symbol.dispose]();
  assert.equal(readU32(area, 8 * (entries - 1)), entries + 7, "still readable after dispose");
  assert.throws(() => shared.mapped(), /disposed/);

  const gone = await loadSample(bpf, { maxEntries: { shared: entries } });
  const mapping = member(gone.maps, "shared").mapped();
  gone[Symbol.dispose]();
  assert.equal((await mapping).length, 8 * entries, "asked for before");
});

test("a per-CPU value holds every possible CPU's", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  const counters = member(object.maps, "counters");
  const cpus = bpf.possibleCpus();
  bpf.testRun(member(object.programs, "count_xdp"), FRAME, { repeat: 9 });
  const value = counters.lookup(u32(0))!;
  assert.equal(value.length, 8 * cpus);
  const sum = Array.from({ length: cpus }, (_, cpu) => readU32(value, cpu * 8)).reduce((a, b) => a + b);
  assert.equal(sum, 9);
  counters.update(u32(0), new Uint8Array(8 * cpus));
  assert.deepEqual(counters.lookup(u32(0)), new Uint8Array(8 * cpus));
  assert.throws(() => counters.update(u32(0), u32(1)), RangeError);
});

test("words of an array are summed over the processors, any part of them", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  const cpus = bpf.possibleCpus();
  const pairs = member(object.maps, "pairs");
  const { maxEntries } = pairs.info;
  for (let index = 0; index < maxEntries; index++)
    pairs.update(
      u32(index),
      new Uint8Array(
        BigUint64Array.from({ length: 2 * cpus }, (_, word) => BigInt(index * (word % 2 === 0 ? 1 : 1000) + 1)).buffer,
      ),
    );
  const want = (index: number): bigint[] => [BigInt((index + 1) * cpus), BigInt((index * 1000 + 1) * cpus)];
  for (const [first, count] of [
    [0, maxEntries],
    [0, 1],
    [1, 1],
    [maxEntries - 1, 1],
    [7, 12_345],
  ] as const)
    assert.deepEqual(
      [...pairs.sums(first, count)],
      Array.from({ length: count }, (_, i) => want(first + i)).flat(),
      `${count} from ${first}`,
    );
  assert.equal(pairs.sums(5, 0).length, 0);
  assert.throws(() => pairs.sums(0, maxEntries + 1), RangeError);
  assert.throws(() => pairs.sums(maxEntries, 1), RangeError);
  assert.throws(() => member(object.maps, "table").sums(0, 1), { code: "EINVAL" });
  assert.throws(() => member(object.maps, "counters").sums(0, 1), { code: "EINVAL" });
});

test("wrong types and lengths throw", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  const table = member(object.maps, "table");
  const loose = table as unknown as Record<string, (...given: unknown[]) => unknown>;
  for (const method of ["lookup", "update", "delete", "nextKey"])
    for (const key of [1, null, "key!", [1, 2, 3, 4], new Uint16Array(2), new DataView(new ArrayBuffer(4))])
      assert.throws(() => loose[method]!(key, u64(0n)), TypeError, `${method}(${String(key)})`);
  for (const method of ["lookup", "update", "delete", "nextKey"])
    for (const length of [0, 3, 5]) assert.throws(() => loose[method]!(new Uint8Array(length), u64(0n)), RangeError);
  for (const length of [0, 7, 9]) assert.throws(() => table.update(u32(1), new Uint8Array(length)), RangeError);
  for (const flags of [-1, 3, 0.5, Number.NaN]) assert.throws(() => table.update(u32(1), u64(1n), flags), RangeError);
  assert.throws(() => loose.update!(u32(1), u64(1n), "1"), TypeError);
  for (const count of [-1, 2, 2 ** 32, 1.5])
    assert.throws(() => loose.updateBatch!(u32(1), u64(1n), count), RangeError);
  assert.throws(() => loose.updateBatch!(u32(1), u64(1n)), TypeError);
  assert.throws(() => table.pin(""), RangeError);
  assert.throws(() => table.pin("/proc/nothing"), { syscall: "bpf_obj_pin" });
  assert.throws(() => loose.lookup!.call({}, u32(1)), TypeError);
  assert.throws(() => loose.lookup!.call(member(object.programs, "count_xdp"), u32(1)), TypeError);
  const detached = new Uint8Array(4);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  assert.throws(() => table.lookup(detached), RangeError);
});

test("ring buffer records arrive, in order", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  const seen: number[] = [];
  const arrivals = new EventTarget();
  using ring = bpf.openRingBuffer(member(object.maps, "events"), 64, (octets) => {
    seen.push(readU32(octets));
    if (seen.length === 20) arrivals.dispatchEvent(new Event("all"));
  });
  const all = once(arrivals, "all", { signal: AbortSignal.timeout(20_000) });
  bpf.testRun(member(object.programs, "count_xdp"), FRAME, { repeat: 20, ifindex: 1 });
  await all;
  assert.deepEqual(seen, new Array(20).fill(1));
  assert.equal(ring.dropped, 0);
});

test("records beyond the bound are dropped and counted", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  let seen = 0;
  using ring = bpf.openRingBuffer(member(object.maps, "events"), 1, () => {
    seen++;
  });
  bpf.testRun(member(object.programs, "count_xdp"), FRAME, { repeat: 10 });
  // The main thread does not return to its loop here, so that only one record fits until all ten were read.
  const deadline = performance.now() + 20_000;
  while (ring.dropped < 9 && performance.now() < deadline)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  assert.equal(ring.dropped, 9);
  const deadlineOfOne = performance.now() + 20_000;
  while (seen === 0 && performance.now() < deadlineOfOne) await new Promise(setImmediate);
  assert.equal(seen, 1);
});

test("a ring buffer can be disposed while it delivers, and leaves no descriptor", async (t) => {
  const bpf = bpfOrSkip(t);
  if (bpf === undefined) return;
  using object = await loadSample(bpf);
  const events = member(object.maps, "events");
  const before = openDescriptors();
  await new Promise<void>((resolve) => {
    const ring = bpf.openRingBuffer(events, 64, () => {
      ring[Symbol.dispose]();
      ring[Symbol.dispose]();
      resolve();
    });
    bpf.testRun(member(object.programs, "count_xdp"), FRAME, { repeat: 5 });
  });
  assert.equal(openDescriptors(), before);
  assert.throws(() => bpf.openRingBuffer(member(object.maps, "table"), 1, () => {}), TypeError);
  assert.throws(() => bpf.openRingBuffer(events, 0, () => {}), RangeError);
  assert.throws(() => bpf.openRingBuffer(events, 1, 1 as unknown as () => void), TypeError);
});
