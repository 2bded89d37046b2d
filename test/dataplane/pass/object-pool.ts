import { type BpfMap, type BpfObject, loadNative } from "../../../native/index.ts";

/** Kinds of maps. @see linux/bpf.h, enum bpf_map_type */
const ARRAY = 2;
const PERCPU_ARRAY = 6;
const RINGBUF = 27;

/** Asking for the sums of a map and writing what is not zero is less than writing all of it, where it has more than so many entries. */
const FEW = 64;

type Options = NonNullable<Parameters<ReturnType<typeof loadNative>["bpf"]["load"]>[1]>;

const keyOf = (index: number): Uint8Array => new Uint8Array(Uint32Array.of(index).buffer);

function emptyPerCpu(map: BpfMap): void {
  const { maxEntries, valueSize } = map.info;
  const zeros = new Uint8Array(Math.ceil(valueSize / 8) * 8 * loadNative().bpf.possibleCpus());
  if (maxEntries <= FEW || valueSize % 8 !== 0) {
    for (let index = 0; index < maxEntries; index++) map.update(keyOf(index), zeros);
    return;
  }
  const words = valueSize / 8;
  const sums = map.sums(0, maxEntries);
  for (let at = sums.findIndex((sum) => sum !== 0n); at !== -1; ) {
    const index = Math.floor(at / words);
    map.update(keyOf(index), zeros);
    const behind = (index + 1) * words;
    const next = sums.subarray(behind).findIndex((sum) => sum !== 0n);
    at = next === -1 ? -1 : behind + next;
  }
}

function emptyHash(map: BpfMap): void {
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey()) map.delete(key);
}

/**
 * A loaded program whose tables somebody has used, and what they were like before. To load one takes 0.15 s of processor time, nearly
 * all of it the kernel's verifier over the same programs; to empty its tables a hundredth of that.
 */
class UsedObject {
  readonly object: BpfObject;
  readonly #data: Uint8Array | undefined;

  constructor(object: BpfObject) {
    this.object = object;
    this.#data = object.maps.get(".data")?.mmap().slice();
  }

  /** All tables as after a load. What was told to the ring of events, which nobody here reads, stays there. */
  empty(): void {
    for (const [name, map] of this.object.maps) {
      if (name === ".rodata" || map.info.type === RINGBUF) continue;
      if (name === ".data") map.mmap().set(this.#data!);
      else if (map.info.type === ARRAY) map.mmap().fill(0);
      else if (map.info.type === PERCPU_ARRAY) emptyPerCpu(map);
      else emptyHash(map);
    }
  }
}

/** Programs that nobody uses at the moment, by what they were loaded with. They go with the process. */
const idle = new Map<string, UsedObject[]>();

export interface LentObject extends Disposable {
  readonly object: BpfObject;
}

/** One that is as after a load; disposed of, it may be lent to the next one who wants the same. */
export async function lentObject(path: string, options: Options): Promise<LentObject> {
  const wanted = JSON.stringify([path, options], (_, value) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
  );
  const those = idle.get(wanted) ?? [];
  idle.set(wanted, those);
  const used = those.pop();
  used?.empty();
  const lent = used ?? new UsedObject(await loadNative().bpf.load(path, options));
  return { object: lent.object, [Symbol.dispose]: () => void those.push(lent) };
}
