import { type CapabilityId, toHex } from "../base/index.ts";
import type { CapabilitySelection } from "../rib/index.ts";
import type { ChoiceBook, ChoiceId } from "./choice-book.ts";

interface Held {
  readonly tenantIndex: number;
  readonly id: string;
  choice: ChoiceId;
}

/**
 * What the RIB says of capabilities whose name is not known: their routes may come before the taxonomy's list has been taken so
 * far, or before their first instance here, and the RIB does not say it again.
 */
export class UnnamedChoices {
  readonly #choices: ChoiceBook;
  readonly #held = new Map<string, Held>();
  /** Of whom nobody has been told. */
  readonly #untold = new Set<Held>();

  constructor(choices: ChoiceBook) {
    this.#choices = choices;
  }

  /** Of how many {@link tell} would tell. */
  get untold(): number {
    return this.#untold.size;
  }

  /** Instead of what was said of it before. Nothing of the selection is kept. */
  hold(selection: CapabilitySelection): void {
    const { tenantIndex, capabilityId } = selection;
    const id = toHex(capabilityId);
    const key = `${tenantIndex} ${id}`;
    const choice = this.#choices.obtain(selection);
    const held = this.#held.get(key);
    this.#choices.release(held?.choice ?? 0);
    if (choice === 0) this.#drop(key);
    else if (held !== undefined) held.choice = choice;
    else {
      const added = { tenantIndex, id, choice };
      this.#held.set(key, added);
      this.#untold.add(added);
    }
  }

  /** What was said of one that has a name now, to be released by whoever asks; 0: nothing. */
  take(tenantIndex: number, id: CapabilityId): ChoiceId {
    if (this.#held.size === 0) return 0;
    const key = `${tenantIndex} ${toHex(id)}`;
    const choice = this.#held.get(key)?.choice ?? 0;
    this.#drop(key);
    return choice;
  }

  #drop(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    this.#untold.delete(held);
  }

  /** Tells of those that wait, of each once; a step for each. */
  *tell(refuse: (held: { readonly tenantIndex: number; readonly capability: string }) => void): Generator<void> {
    for (const held of this.#untold) {
      this.#untold.delete(held);
      refuse({ tenantIndex: held.tenantIndex, capability: `${held.tenantIndex} ${held.id}` });
      yield;
    }
  }
}
