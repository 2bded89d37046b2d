import type { DirectoryChange, Instance } from "./types.ts";

/** All changes of one operation: added, then changed, then removed; each by capability, version and instance. */
export type DirectoryListener = (changes: readonly DirectoryChange[]) => void;

/** Tells every listener every batch of changes in the order in which the batches came about. */
export class Broadcast {
  readonly #listeners = new Set<DirectoryListener>();
  #undelivered: (readonly DirectoryChange[])[] = [];
  #delivering = false;

  subscribe(listener: DirectoryListener): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }

  /**
   * Nobody is told of an empty batch. A listener may cause further changes: they are told after these.
   * @throws {AggregateError} with what listeners threw, after everybody was told
   */
  publish(changes: readonly DirectoryChange[]): void {
    if (changes.length === 0) return;
    this.#undelivered.push(changes.length === 1 ? changes : changes.toSorted(compareChanges));
    if (this.#delivering) return;
    this.#delivering = true;
    const failures: unknown[] = [];
    for (let batch = this.#undelivered.shift(); batch !== undefined; batch = this.#undelivered.shift()) {
      for (const listener of [...this.#listeners]) {
        try {
          listener(batch);
        } catch (cause) {
          failures.push(cause);
        }
      }
    }
    this.#delivering = false;
    if (failures.length > 0) throw new AggregateError(failures, "a listener of the directory failed");
  }

  clear(): void {
    this.#listeners.clear();
  }
}

const CHANGE_ORDER = { added: 0, changed: 1, removed: 2 } as const;

function compareChanges(a: DirectoryChange, b: DirectoryChange): number {
  return CHANGE_ORDER[a.type] - CHANGE_ORDER[b.type] || compareInstances(a.instance, b.instance);
}

function compareInstances(a: Instance, b: Instance): number {
  return compareText(a.capability, b.capability) || a.version.major - b.version.major || compareText(a.id, b.id);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
