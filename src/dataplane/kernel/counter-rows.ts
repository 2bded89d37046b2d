import type { BpfMap } from "../../../native/index.ts";
import type { CountedRows } from "../driver.ts";

/** Entries that are read at once when one of them is asked for. */
const BLOCK = 64;

/** The words of an entry, summed over the processors, from `at`. */
export type RowReader<Row> = (words: BigUint64Array, at: number) => Row;

/** An array of 64-bit counters by index, read a block at a time when it is first asked for: few system calls, and none for what nobody asks. */
export class CounterArray {
  readonly #map: BpfMap;
  readonly #words: number;
  readonly #inValue: number;
  readonly #blocks = new Map<number, BigUint64Array>();

  /** `inValue`: as many indexes, a power of two, are one entry of the map. */
  constructor(map: BpfMap, inValue = 1) {
    this.#map = map;
    this.#inValue = inValue;
    this.#words = map.info.valueSize / 8 / inValue;
  }

  row<Row>(index: number, read: RowReader<Row>): Row {
    return read(this.block(index), (index % BLOCK) * this.#words);
  }

  /** The words of the block that an index is in. */
  block(index: number): BigUint64Array {
    const block = Math.floor(index / BLOCK);
    let words = this.#blocks.get(block);
    if (words === undefined) {
      const entries = BLOCK / this.#inValue;
      const first = block * entries;
      words = this.#map.sums(first, Math.min(entries, this.#map.info.maxEntries - first));
      this.#blocks.set(block, words);
    }
    return words;
  }
}

/** The indexes of a table that are in use now. */
export interface IndexesInUse extends Iterable<number> {
  readonly size: number;
  has(index: number): boolean;
}

/** Rows of an array for some of its indexes. Nothing is made but what is asked for, so that ten thousand cost a reader what he takes of them. */
export class CounterRows<Row> implements CountedRows<number, Row> {
  readonly #array: CounterArray;
  #indexes: IndexesInUse;
  readonly #read: RowReader<Row>;

  /** Borrows `indexes`, and goes by what they are when it is asked. */
  constructor(array: CounterArray, indexes: IndexesInUse, read: RowReader<Row>) {
    this.#array = array;
    this.#indexes = indexes;
    this.#read = read;
  }

  /** Also of its indexes: one that comes later has no row. */
  hold(): void {
    this.#indexes = new Set(this.#indexes);
    for (const index of this.#indexes) this.#array.block(index);
  }

  get size(): number {
    return this.#indexes.size;
  }

  has(index: number): boolean {
    return this.#indexes.has(index);
  }

  get(index: number): Row | undefined {
    return this.#indexes.has(index) ? this.#array.row(index, this.#read) : undefined;
  }

  *keys(): MapIterator<number> {
    yield* this.#indexes;
  }

  *entries(): MapIterator<[number, Row]> {
    for (const index of this.#indexes) yield [index, this.#array.row(index, this.#read)];
  }

  *values(): MapIterator<Row> {
    for (const index of this.#indexes) yield this.#array.row(index, this.#read);
  }

  [Symbol.iterator](): MapIterator<[number, Row]> {
    return this.entries();
  }

  forEach(each: (row: Row, index: number, all: ReadonlyMap<number, Row>) => void): void {
    for (const [index, row] of this) each(row, index, this);
  }
}
