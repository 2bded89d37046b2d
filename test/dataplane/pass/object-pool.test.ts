import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import { type BpfMap, type BpfObject, loadNative } from "../../../native/index.ts";
import { Bench, whyNoPass } from "./bench.ts";
import { CAP, LOCATOR } from "./world.ts";

const WANTED = { domain: CAP.local.slice(0, 6), locator: LOCATOR };
const [ARRAY, PERCPU_ARRAY] = [2, 6];
const digest = (parts: Iterable<Uint8Array>): string => {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(part);
  return sum.digest("hex");
};
const indexes = ({ info }: BpfMap): Uint8Array[] =>
  Array.from({ length: info.maxEntries }, (_, index) => new Uint8Array(Uint32Array.of(index).buffer));

function* keysOf(map: BpfMap): Generator<Uint8Array> {
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey(key)) yield key;
}

/** What cannot be written: constants; and what nobody here reads, the ring of events. */
const LEFT_OUT = new Set([".rodata", "events"]);

/** All that the tables of an object hold. */
const contentOf = ({ maps }: BpfObject): Record<string, string> =>
  Object.fromEntries(
    [...maps]
      .filter(([name]) => !LEFT_OUT.has(name))
      .map(([name, map]) => {
        if (map.info.type === PERCPU_ARRAY) return [name, digest(indexes(map).map((index) => map.lookup(index)!))];
        return [name, map.info.type === ARRAY ? digest([map.mmap()]) : digest(keysOf(map))];
      }),
  );

/** Writes into the first, the last and a few other entries of every table that may be written. */
function soil({ maps }: BpfObject): void {
  const cpus = loadNative().bpf.possibleCpus();
  for (const [name, map] of maps) {
    const { type, maxEntries, keySize, valueSize } = map.info;
    if (LEFT_OUT.has(name)) continue;
    if (type === ARRAY) map.mmap().fill(0xa5);
    else if (type === PERCPU_ARRAY) {
      // On one processor, and not on the first one.
      const value = new Uint8Array(Math.ceil(valueSize / 8) * 8 * cpus);
      value.fill(0x81, value.length - value.length / cpus);
      for (const [at, index] of indexes(map).entries())
        if (at % 997 === 0 || at === maxEntries - 1) map.update(index, value);
    } else
      for (let n = 1; n <= 20; n++) {
        const key = new Uint8Array(keySize).fill(n);
        key.set(Uint8Array.of(n, 0, 0, 0)); // a length, where it is one
        map.update(key, new Uint8Array(valueSize).fill(n));
      }
  }
}

it("tables that somebody has used are given to the next one as they are after a load", async (t) => {
  const reason = whyNoPass();
  if (reason !== undefined) return t.skip(`skipped: ${reason}`);
  using asLoaded = await Bench.load(WANTED);
  const content = contentOf(asLoaded.object);
  const { object } = await (async () => {
    using bench = await Bench.load(WANTED);
    assert.deepEqual(contentOf(bench.object), content);
    soil(bench.object);
    const soiled = contentOf(bench.object);
    for (const name of Object.keys(content)) assert.notEqual(soiled[name], content[name], `${name} was written`);
    return bench;
  })();
  using again = await Bench.load(WANTED);
  assert.equal(again.object, object, "the same programs");
  assert.deepEqual(contentOf(again.object), content);
  using other = await Bench.load({ ...WANTED, seed: 2 });
  assert.notEqual(other.object, object, "what was loaded with something else is not given");
});
