import type { Operation } from "../../forwarding/index.ts";

/** An operation with its place in the plan's history; the end of a snapshot has one too. */
export interface Entry {
  readonly operation: Operation | "snapshot-end";
  readonly generation: number;
  /** The last operation of its generation. */
  readonly completes: boolean;
}

/** Of one message: slots of groups, and operations without. */
const HEAVIEST = 512;

/**
 * Operations that the executor has not acknowledged: numbered without a gap, first those that were sent, then those that
 * wait. Bounded: whoever adds looks at {@link size}. The history of one plan; another plan begins another.
 */
export class Outbox {
  #entries: (Entry | undefined)[] = [];
  /** Of `#entries`, those before are acknowledged. */
  #head = 0;
  #acknowledged = 0;
  #sent = 0;

  /** The last operation that is in effect or refused. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** The last operation that was sent. */
  get sent(): number {
    return this.#sent;
  }

  /** The last operation that there is. */
  get sequence(): number {
    return this.#acknowledged + this.size;
  }

  /** Operations that are not acknowledged. */
  get size(): number {
    return this.#entries.length - this.#head;
  }

  /** Operations that were sent and are not acknowledged. */
  get underway(): number {
    return this.#sent - this.#acknowledged;
  }

  get waiting(): number {
    return this.size - this.underway;
  }

  /** Its number. */
  push(entry: Entry): number {
    this.#entries.push(entry);
    return this.sequence;
  }

  /** Begins the history of a plan that has come so far. */
  restart(sequence: number): void {
    this.#entries = [];
    this.#head = 0;
    this.#acknowledged = sequence;
    this.#sent = sequence;
  }

  /**
   * At most `most` operations to send next, of one generation and of a size that is soon written, or the end of a snapshot
   * alone; `undefined` when none waits. They count as sent.
   */
  take(most: number): { readonly first: number; readonly entries: readonly Entry[] } | undefined {
    const from = this.#head + this.underway;
    const generation = this.#entries[from]?.generation;
    if (generation === undefined || most <= 0) return undefined;
    const entries: Entry[] = [];
    let weight = 0;
    while (entries.length < most && weight < HEAVIEST) {
      const entry = this.#entries[from + entries.length];
      if (entry === undefined || entry.generation !== generation) break;
      if (entry.operation === "snapshot-end" && entries.length > 0) break;
      entries.push(entry);
      // A message says of its last operation whether a generation is complete
      if (entry.operation === "snapshot-end" || entry.completes) break;
      weight += entry.operation.type === "set-slots" ? entry.operation.slots.length : 1;
    }
    const first = this.#sent + 1;
    this.#sent += entries.length;
    return { first, entries };
  }

  /** The operation with this number, while it is not acknowledged. */
  at(sequence: number): Entry | undefined {
    return sequence > this.#acknowledged ? this.#entries[this.#head + sequence - this.#acknowledged - 1] : undefined;
  }

  /**
   * Takes those up to `through` away; false, and nothing happens, where so many were never sent, or they are acknowledged
   * already.
   */
  acknowledge(through: number): boolean {
    if (through <= this.#acknowledged || through > this.#sent) return false;
    const count = through - this.#acknowledged;
    this.#entries.fill(undefined, this.#head, this.#head + count);
    this.#head += count;
    this.#acknowledged = through;
    if (this.#head > 4096 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
    return true;
  }

  /** After a broken session the executor says how far it came: what is behind that is sent again. False: it cannot be so. */
  resume(at: number): boolean {
    if (at < this.#acknowledged || at > this.#sent) return false;
    if (at > this.#acknowledged) this.acknowledge(at);
    this.#sent = at;
    return true;
  }
}
