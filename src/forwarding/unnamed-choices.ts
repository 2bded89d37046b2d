import { type CapabilityId, putWord, type Random, toHex, WordIndex, wordAt } from "../base/index.ts";
import type { CapabilitySelection } from "../rib/index.ts";
import type { ChoiceBook, ChoiceId } from "./choice-book.ts";

const ID_WORDS = 4;
/** Of the key, behind the CapID. */
const TENANT = 4;
const CHOICE = 5;
/** 1: nobody has been told of it. */
const UNTOLD = 6;

/**
 * What the RIB says of capabilities whose name is not known: their routes may come before the taxonomy's list has been taken so
 * far, or before their first instance here, and the RIB does not say it again. There may be as many as there are routes: they are words.
 *
 *     | CapID, 4 words | tenant | choice | untold |
 */
export class UnnamedChoices {
  readonly #choices: ChoiceBook;
  readonly #held: WordIndex;
  #untold = 0;

  constructor(choices: ChoiceBook, random: Random) {
    this.#choices = choices;
    this.#held = new WordIndex({ key: TENANT + 1, value: 2 }, random);
  }

  /** Of how many {@link tell} would tell. */
  get untold(): number {
    return this.#untold;
  }

  /** Instead of what was said of it before. Nothing of the selection is kept. */
  hold(selection: CapabilitySelection): void {
    const choice = this.#choices.obtain(selection);
    const known = this.#find(selection.tenantIndex, selection.capabilityId);
    if (known === 0 && choice === 0) return;
    const held = known || this.#add();
    this.#choices.release(this.#held.get(held, CHOICE));
    if (choice === 0) this.#drop(held);
    else this.#held.set(held, CHOICE, choice);
  }

  #find(tenantIndex: number, id: CapabilityId): number {
    const { key } = this.#held;
    for (let word = 0; word < ID_WORDS; word++) key[word] = wordAt(id, 4 * word);
    key[TENANT] = tenantIndex;
    return this.#held.find();
  }

  /** The one that was looked for last. */
  #add(): number {
    const added = this.#held.add();
    this.#held.set(added, UNTOLD, 1);
    this.#untold++;
    return added;
  }

  /** What was said of one that has a name now, to be released by whoever asks; 0: nothing. */
  take(tenantIndex: number, id: CapabilityId): ChoiceId {
    const held = this.#held.size === 0 ? 0 : this.#find(tenantIndex, id);
    if (held === 0) return 0;
    const choice = this.#held.get(held, CHOICE);
    this.#drop(held);
    return choice;
  }

  #drop(held: number): void {
    this.#untold -= this.#held.get(held, UNTOLD);
    this.#held.remove(held);
  }

  /** Tells of those that wait, of each once; a step for each number that there is or was. */
  *tell(refuse: (held: { readonly tenantIndex: number; readonly capability: string }) => void): Generator<void> {
    // Numbers of those that went are used again, so some may be behind
    for (let held = 0; this.#untold > 0; ) {
      held = held + 1 < this.#held.top ? held + 1 : 1;
      if (this.#held.get(held, UNTOLD) === 1) {
        this.#held.set(held, UNTOLD, 0);
        this.#untold--;
        const tenantIndex = this.#held.get(held, TENANT);
        refuse({ tenantIndex, capability: `${tenantIndex} ${this.#idOf(held)}` });
      }
      yield;
    }
  }

  #idOf(held: number): string {
    const id = new Uint8Array(4 * ID_WORDS);
    for (let word = 0; word < ID_WORDS; word++) putWord(id, 4 * word, this.#held.get(held, word));
    return toHex(id);
  }
}
