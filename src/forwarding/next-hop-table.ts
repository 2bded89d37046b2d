import { sameValue, toHex } from "../base/index.ts";
import { IndexPool } from "./index-pool.ts";
import type { OperationBatch } from "./operation-batch.ts";
import type { Encapsulation, NextHop, NextHopIndex, NextHopState, TunnelNextHop } from "./plan.ts";

interface NextHopRecord {
  readonly index: NextHopIndex;
  nextHop: NextHop;
  readonly key: string;
  state: NextHopState;
  references: number;
  /** The data plane has it: from the first reference on. */
  installed: boolean;
}

/** The same text for the same next hop, whoever describes it. How packets are wrapped for a router is not part of it. */
export function nextHopKey(nextHop: NextHop): string {
  switch (nextHop.kind) {
    case "local":
      return "local";
    case "tunnel":
      return `tunnel ${toHex(nextHop.locator)}`;
    case "instance":
      return `instance ${nextHop.instance} ${toHex(nextHop.address)} ${nextHop.port} ${nextHop.protocol} ${nextHop.servicePort}`;
  }
}

/** Next hops by what they are, with their indices; gone as soon as nobody refers to them and the batch ends. */
export class NextHopTable {
  readonly #pool: IndexPool;
  readonly #batch: OperationBatch;
  readonly #byKey = new Map<string, NextHopRecord>();
  readonly #byIndex = new Map<NextHopIndex, NextHopRecord>();
  /** What was asked about, by the object that it was asked with: whoever asks often does so with the same. */
  readonly #asked = new WeakMap<NextHop, NextHopRecord>();
  readonly #unused = new Set<NextHopRecord>();
  #encapsulations: ReadonlyMap<string, Encapsulation> = new Map();

  constructor(limit: number, quarantine: number, batch: OperationBatch) {
    this.#pool = new IndexPool(limit, quarantine);
    this.#batch = batch;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** As the data plane holds it; unused until somebody retains it. Before {@link encapsulate}. */
  adopt(index: NextHopIndex, nextHop: NextHop, state: NextHopState): void {
    this.#pool.claim(index);
    this.#enter({ index, nextHop, key: nextHopKey(nextHop), state, references: 0, installed: true });
  }

  #enter(record: NextHopRecord): void {
    this.#byKey.set(record.key, record);
    this.#byIndex.set(record.index, record);
    this.#unused.add(record);
  }

  find(nextHop: NextHop): NextHopIndex | undefined {
    const asked = this.#asked.get(nextHop);
    if (asked !== undefined && this.#byIndex.get(asked.index) === asked) return asked.index;
    const known = this.#byKey.get(nextHopKey(nextHop));
    if (known !== undefined) this.#asked.set(nextHop, known);
    return known?.index;
  }

  get(index: NextHopIndex): NextHop | undefined {
    return this.#byIndex.get(index)?.nextHop;
  }

  state(index: NextHopIndex): NextHopState | undefined {
    return this.#byIndex.get(index)?.state;
  }

  /** Index of a next hop, set aside now if need be; `undefined` when the table is full. Retain it in the same step, or it goes again. */
  obtain(nextHop: NextHop, state: NextHopState, now: number): NextHopIndex | undefined {
    const known = this.find(nextHop);
    if (known !== undefined) return known;
    const index = this.#pool.take(now);
    if (index === undefined) return undefined;
    this.#enter({
      index,
      nextHop: this.#wrapped(nextHop),
      key: nextHopKey(nextHop),
      state,
      references: 0,
      installed: false,
    });
    return index;
  }

  /**
   * How packets are wrapped from now on, by the locator of the router; those that are not here go as IPv6-in-IPv6. In steps, one for
   * each next hop that there is; those that come meanwhile are wrapped so at once.
   */
  encapsulate(encapsulations: ReadonlyMap<string, Encapsulation>): Generator<void> {
    this.#encapsulations = encapsulations;
    return this.#wrapAgain();
  }

  *#wrapAgain(): Generator<void> {
    for (const record of this.#byIndex.values()) {
      yield;
      const { index, nextHop, installed } = record;
      const wrapped = this.#wrapped(nextHop);
      // One that has gone meanwhile is in no table
      if (wrapped === nextHop || this.#byIndex.get(index) !== record) continue;
      record.nextHop = wrapped;
      const { encapsulation } = wrapped as TunnelNextHop;
      if (installed)
        this.#batch.add({
          type: "set-encapsulation",
          index,
          ...(encapsulation === undefined ? {} : { encapsulation }),
        });
    }
  }

  /** The same object where nothing changes. */
  #wrapped(nextHop: NextHop): NextHop {
    if (nextHop.kind !== "tunnel") return nextHop;
    const encapsulation = this.#encapsulations.get(toHex(nextHop.locator));
    if (sameValue(encapsulation, nextHop.encapsulation)) return nextHop;
    const { locator } = nextHop;
    return { kind: "tunnel", locator, ...(encapsulation === undefined ? {} : { encapsulation }) };
  }

  /** True when that is news. */
  setState(index: NextHopIndex, state: NextHopState): boolean {
    const record = this.#byIndex.get(index)!;
    if (record.state === state) return false;
    record.state = state;
    return true;
  }

  retain(index: NextHopIndex): void {
    const record = this.#byIndex.get(index)!;
    if (record.references++ === 0) this.#unused.delete(record);
    if (record.installed) return;
    record.installed = true;
    const { nextHop, state } = record;
    this.#batch.add({ type: "set-next-hop", index, nextHop, state });
  }

  release(index: NextHopIndex): void {
    const record = this.#byIndex.get(index)!;
    if (--record.references === 0) this.#unused.add(record);
  }

  /** Some that nobody refers to are left. */
  get hasUnused(): boolean {
    return this.#unused.size > 0;
  }

  /** At the end of a step; at most `most`. */
  removeUnused(now: number, most: number): void {
    for (const record of this.#unused.values().take(most)) {
      this.#unused.delete(record);
      this.#byKey.delete(record.key);
      this.#byIndex.delete(record.index);
      if (record.installed) {
        this.#pool.give(record.index, now);
        this.#batch.add({ type: "remove-next-hop", index: record.index });
      } else this.#pool.giveUnused(record.index);
    }
  }
}
