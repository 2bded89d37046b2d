/** How much each source has open at once: an address as sockets write it, or whatever else tells them apart. */
export class SourceQuota {
  readonly #most: number;
  readonly #open = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes one for `source`; what is returned gives it back, once. `undefined`: it has as many as it may. */
  take(source: string): (() => void) | undefined {
    const open = this.#open.get(source) ?? 0;
    if (open >= this.#most) return undefined;
    this.#open.set(source, open + 1);
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      const left = this.#open.get(source)! - 1;
      if (left === 0) this.#open.delete(source);
      else this.#open.set(source, left);
    };
  }

  /** Sources that have something open. */
  get sources(): number {
    return this.#open.size;
  }
}
