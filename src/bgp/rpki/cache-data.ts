import type { Clock, Gauge } from "../../base/index.ts";
import { applyRecord, inSlices, type LoadFault, Staging } from "./staging.ts";
import type { Vrp, VrpTable } from "./vrp-table.ts";
import type { PrefixPdu } from "./wire/index.ts";

export interface CacheDataParts {
  readonly clock: Clock;
  readonly table: VrpTable;
  /** Two bits of its own in the table: of what it says now, and of what is to replace that. */
  readonly sayers: readonly [number, number];
  readonly gauge: Gauge;
  /** This VRP is said, or not said any more. */
  readonly changed: (vrp: Vrp) => void;
  /** Data is there, or gone, or all of it another: what counts has to be looked at. */
  readonly settled: () => void;
}

/** What one cache has said: an answer until its End of Data, then VRPs in the table. One `load` at a time. */
export class CacheData {
  readonly #parts: CacheDataParts;
  readonly #signal: AbortSignal;
  readonly #staging = new Staging();
  #full = false;
  /** What was forgotten is being taken out of the table. */
  #clearing: Promise<void> = Promise.resolve();
  /** Of `sayers`: the bit of what it says now. */
  #current = 0;
  #hasData = false;
  #vrps = 0;

  /** @param signal ends what is under way */
  constructor(parts: CacheDataParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  get isThere(): boolean {
    return this.#hasData;
  }

  /** The bit of what it says; 0: nothing. */
  get sayer(): number {
    return this.#hasData ? this.#parts.sayers[this.#current]! : 0;
  }

  /** That it says. */
  get vrps(): number {
    return this.#vrps;
  }

  /** Whether the answer is all that it says, and not what is new. */
  get full(): boolean {
    return this.#full;
  }

  /** Records of the answer so far. */
  get staged(): number {
    return this.#staging.count;
  }

  /** Nothing is being taken out of the table any more. */
  get cleared(): Promise<void> {
    return this.#clearing;
  }

  /** An answer begins. */
  begin({ full }: { readonly full: boolean }): void {
    this.#full = full;
    this.#staging.clear();
  }

  /** @returns whether there was room */
  stage(pdu: PrefixPdu): boolean {
    return this.#staging.add(pdu);
  }

  /** The answer does not count. */
  discard(): void {
    this.#staging.clear();
  }

  /** Brings the answer into force, in slices. @returns why not, where it cannot be right */
  async load(): Promise<LoadFault | undefined> {
    await this.#clearing;
    const { table, sayers, clock, changed } = this.#parts;
    const staging = this.#staging;
    const target = this.#full && this.#hasData ? 1 - this.#current : this.#current;
    const sayer = sayers[target]!;
    const isIncremental = !this.#full;
    const fault = await inSlices<LoadFault>(
      staging.count,
      (index) => {
        const found = applyRecord(staging, index, table, sayer);
        if (found === undefined && isIncremental) {
          this.#vrps += staging.announces(index) ? 1 : -1;
          const vrp = staging.vrp(index);
          changed({ ...vrp, address: vrp.address.slice() });
        }
        return found;
      },
      clock,
      this.#signal,
    );
    if (this.#signal.aborted) return undefined;
    const count = staging.count;
    staging.clear();
    if (fault === undefined) {
      if (this.#full) await this.#replaceBy(target, count);
      this.#count(this.#vrps);
    } else if (this.#full) await this.#sweep(sayer);
    return fault;
  }

  /** What was loaded counts from now on; what it replaces goes. */
  async #replaceBy(target: number, count: number): Promise<void> {
    const { sayers, settled, table, changed, clock } = this.#parts;
    const before = this.#hasData && target !== this.#current ? sayers[this.#current]! : 0;
    const now = sayers[target]!;
    this.#vrps = count;
    this.#current = target;
    this.#hasData = true;
    settled();
    // The first data of a cache: whoever listens has heard that it counts, and nothing is replaced.
    if (before === 0) return;
    for (const octets of [4, 16] as const) {
      const trie = table.trie(octets);
      await inSlices(
        trie.entryTop,
        (id) => {
          const said = trie.sayersOf(id) & (now | before);
          if (said === now || (said !== 0 && said === before)) changed(trie.vrpOf(id, octets));
          trie.dropEntry(id, before);
          return undefined;
        },
        clock,
        this.#signal,
      );
    }
  }

  async #sweep(sayer: number): Promise<void> {
    for (const octets of [4, 16] as const) {
      const trie = this.#parts.table.trie(octets);
      const drop = (id: number): undefined => {
        if ((trie.sayersOf(id) & sayer) === 0) return undefined;
        this.#parts.changed(trie.vrpOf(id, octets));
        trie.dropEntry(id, sayer);
        return undefined;
      };
      await inSlices(trie.entryTop, drop, this.#parts.clock, this.#signal);
    }
  }

  /** Nothing of what it said counts any more, at once; it is taken out of the table in slices. */
  forget(): void {
    if (!this.#hasData) return;
    const sayer = this.sayer;
    this.#hasData = false;
    this.#count(0);
    // The other bit is free: what comes next does not mix with what is being taken out.
    this.#current = 1 - this.#current;
    this.#parts.settled();
    this.#clearing = this.#sweep(sayer).then(() => this.#parts.settled());
  }

  #count(vrps: number): void {
    this.#vrps = vrps;
    this.#parts.gauge.set(vrps);
  }
}
