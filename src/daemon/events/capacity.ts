import type { Publish } from "./publish.ts";

/** Parts of a table that are used when it is nearly full, and when it is so no more. */
const NEARLY_FULL = 0.9;
const RELIEVED = 0.8;

export type TableName = "capabilities" | "groups" | "next-hops";

/** Tables of the data plane that run full. Looked at with each change of them; costs a few comparisons. */
export class CapacityEvents {
  readonly #sizes: Readonly<Record<TableName, number>>;
  readonly #publish: Publish;
  readonly #full = new Set<TableName>();

  constructor(sizes: Readonly<Record<TableName, number>>, publish: Publish) {
    this.#sizes = sizes;
    this.#publish = publish;
  }

  used(table: TableName, used: number): void {
    const size = this.#sizes[table];
    const wasFull = this.#full.has(table);
    const isFull = wasFull ? used >= size * RELIEVED : used > size * NEARLY_FULL;
    if (isFull === wasFull) return;
    if (isFull) this.#full.add(table);
    else this.#full.delete(table);
    this.#publish("capacity", { event: isFull ? "nearly-full" : "relieved", table, size, used });
  }
}
