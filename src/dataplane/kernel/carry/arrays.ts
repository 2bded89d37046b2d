import type { BpfMap } from "../../../../native/index.ts";
import { PLAN } from "../../abi.ts";
import type { Translations } from "./records.ts";

/** Places of a table in a step. */
const IN_A_STEP = 1024;

/** Small pieces of work, and what is waited for between them. */
export type Steps<Result> = Generator<Promise<unknown> | undefined, Result>;

/** Why a table could not be carried, in words; `undefined`: it was. */
export type Carried = Steps<string | undefined>;

/** Two tables for the same thing. */
export interface Pair extends Translations {
  readonly from: BpfMap;
  readonly to: BpfMap;
}

/** As the kernel lays values out in a mapped array. */
const rounded = (size: number): number => (size + 7) & ~7;

/** An array that is mapped, place by place. Groups have the plan in the place of the first. */
export function* carryArray({ from, to, value }: Pair, { plan = false }: { readonly plan?: boolean } = {}): Carried {
  yield Promise.all([from.mapped(), to.mapped()]);
  const [source, target] = [from.mmap(), to.mmap()];
  const [size, room] = [rounded(from.info.valueSize), rounded(to.info.valueSize)];
  const words = new BigUint64Array(source.buffer, source.byteOffset, source.length / 8);
  if (plan) target.set(source.subarray(0, PLAN.size));
  for (let index = plan ? 1 : 0; index < from.info.maxEntries; index++) {
    if (index % IN_A_STEP === 0) yield;
    if (isEmpty(words, (index * size) / 8, size / 8)) continue;
    if (index >= to.info.maxEntries) return `it has no place for number ${index}`;
    value(source, index * size, target, index * room);
  }
  return undefined;
}

function isEmpty(words: BigUint64Array, first: number, count: number): boolean {
  for (let at = first; at < first + count; at++) if (words[at] !== 0n) return false;
  return true;
}

/** An array with a value for each processor. */
export function* carryPerCpu({ from, to, value: translate }: Pair, cpus: number): Carried {
  const [size, room] = [rounded(from.info.valueSize), rounded(to.info.valueSize)];
  const key = new Uint8Array(4);
  for (let cursor: Uint8Array | undefined, index = 0; index < to.info.maxEntries; ) {
    const { values, count, cursor: next } = from.batch(cursor, 64);
    for (let entry = 0; entry < count && index < to.info.maxEntries; entry++, index++) {
      const first = entry * size * cpus;
      if (values.subarray(first, first + size * cpus).every((octet) => octet === 0)) continue;
      const value = new Uint8Array(room * cpus);
      for (let cpu = 0; cpu < cpus; cpu++) translate(values, first + cpu * size, value, cpu * room);
      new DataView(key.buffer).setUint32(0, index, true);
      to.update(key, value);
    }
    yield;
    if (next === undefined) break;
    cursor = next;
  }
  return undefined;
}
