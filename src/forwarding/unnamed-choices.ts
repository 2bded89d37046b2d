import { type CapabilityId, putWord, type Random, toHex, WordIndex, wordAt } from "../base/index.ts";
import type { CapabilitySelection } from "../rib/index.ts";
import type { ChoiceBook, ChoiceId } from "./choice-book.ts";

const ID_WORDS = 4;
/** Of the key, behind the CapID. */
const TENANT = 4;
const CHOICE = 5;
/** 1: nobody has been told of it; then it is in a list of such, in the order in which they came. */
const UNTOLD = 6;
const NEXT = 7;
const PREVIOUS = 8;

/**
 * What the RIB says of capabilities whose name is not known: their routes may come before the taxonomy's list has been taken so
 * far, or before their first instance here, and the RIB does not say it again. There may be as many as there are routes: they are words.
 *
 *     | CapID, 4 words | tenant | choice | untold | next and previous of those |
 */
export class UnnamedChoices {
  readonly #choices: ChoiceBook;
  readonly #held: WordIndex;
  #untold = 0;
  #first = 0;
  #last = 0;

  constructor(choices: ChoiceBook, random: Random) {
    this.#choices = choices;
    this.#held = new WordIndex({ key: TENANT + 1, value: 4 }, random);
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
    this.#held.set(added, PREVIOUS, this.#last);
    if (this.#last === 0) this.#first = added;
    else this.#held.set(this.#last, NEXT, added);
    this.#last = added;
    this.#untold++;
    return added;
  }

  /** One of the untold ones is so no more. */
  #unlink(held: number): void {
    const [next, previous] = [this.#held.get(held, NEXT), this.#held.get(held, PREVIOUS)];
    if (previous === 0) this.#first = next;
    else this.#held.set(previous, NEXT, next);
    if (next === 0) this.#last = previous;
    else this.#held.set(next, PREVIOUS, previous);
    this.#held.set(held, UNTOLD, 0);
    this.#untold--;
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
    if (this.#held.get(held, UNTOLD) === 1) this.#unlink(held);
    this.#held.remove(held);
  }

  /** Tells of those that wait, of each once; a step for each. */
  *tell(refuse: (held: { readonly tenantIndex: number; readonly capability: string }) => void): Generator<void> {
    while (this.#first !== 0) {
      const held = this.#first;
      this.#unlink(held);
      const tenantIndex = this.#held.get(held, TENANT);
      refuse({ tenantIndex, capability: `${tenantIndex} ${this.#idOf(held)}` });
      yield;
    }
  }

  #idOf(held: number): string {
    const id = new Uint8Array(4 * ID_WORDS);
    for (let word = 0; word < ID_WORDS; word++) putWord(id, 4 * word, this.#held.get(held, word));
    return toHex(id);
  }
}
