interface Entry {
  readonly key: string;
  readonly at: number;
}

/** Keys with the instant at which each is due; a binary heap in which replaced entries are left behind and skipped. */
export class Deadlines {
  readonly #current = new Map<string, number>();
  #heap: Entry[] = [];

  /** Sets or, with `undefined`, removes the deadline of `key`. */
  set(key: string, at: number | undefined): void {
    if (at === undefined) {
      this.#current.delete(key);
      return;
    }
    if (this.#current.get(key) === at) return;
    this.#current.set(key, at);
    this.#push({ key, at });
    if (this.#heap.length > 64 && this.#heap.length > 4 * this.#current.size) this.#rebuild();
  }

  /** The earliest deadline. */
  get next(): number | undefined {
    return this.#first()?.at;
  }

  /** Takes out the key that is due first, if it is due at `now`; of equal ones the first by its text. */
  take(now: number): string | undefined {
    const entry = this.#first();
    if (entry === undefined || entry.at > now) return undefined;
    this.#pop();
    this.#current.delete(entry.key);
    return entry.key;
  }

  #first(): Entry | undefined {
    for (;;) {
      const entry = this.#heap[0];
      if (entry === undefined || this.#current.get(entry.key) === entry.at) return entry;
      this.#pop();
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(heap[parent]!, entry)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }

  #rebuild(): void {
    this.#heap = [];
    for (const [key, at] of this.#current) this.#push({ key, at });
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.key < b.key);
}
