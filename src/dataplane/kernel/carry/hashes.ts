import type { BpfMap } from "../../../../native/index.ts";
import type { Carried, Pair } from "./arrays.ts";

const BATCH = 512;
const LPM_TRIE = 11;
/** A bucket has more entries than a batch has room for. */
const NO_ROOM = "ENOSPC";

/** Entries of a hash, packed. */
interface Entries {
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
  readonly count: number;
}

/**
 * A hash or a trie. `missing`: only what `to` does not have, as it is in use already.
 */
export function* carryHash(
  { from, to, ...translate }: Pair,
  { missing = false }: { readonly missing?: boolean } = {},
): Carried {
  for (const { keys, values, count } of from.info.type === LPM_TRIE ? oneByOne(from) : batches(from)) {
    for (let entry = 0; entry < count; entry++) {
      const [key, value] = [new Uint8Array(to.info.keySize), new Uint8Array(to.info.valueSize)];
      translate.key(keys, entry * from.info.keySize, key, 0);
      if (missing && to.lookup(key) !== undefined) continue;
      translate.value(values, entry * from.info.valueSize, value, 0);
      try {
        to.update(key, value);
      } catch (cause) {
        if (codeOf(cause) === "E2BIG" || codeOf(cause) === "ENOSPC")
          return `it has room for ${to.info.maxEntries} entries`;
        throw cause;
      }
    }
    yield;
  }
  return undefined;
}

function* batches(map: BpfMap): Generator<Entries> {
  let room = BATCH;
  for (let cursor: Uint8Array | undefined; ; ) {
    try {
      const { cursor: next, ...entries } = map.batch(cursor, room);
      yield entries;
      if (next === undefined) return;
      cursor = next;
    } catch (cause) {
      if (codeOf(cause) !== NO_ROOM) throw cause;
      room *= 2;
    }
  }
}

function* oneByOne(map: BpfMap): Generator<Entries> {
  for (let key = map.nextKey(); key !== undefined; key = map.nextKey(key)) {
    const values = map.lookup(key);
    if (values !== undefined) yield { keys: key, values, count: 1 };
  }
}

const codeOf = (cause: unknown): unknown => (cause as { readonly code?: unknown }).code;
