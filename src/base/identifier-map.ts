import { wordAt } from "./octet-words.ts";
import type { Random } from "./ports.ts";
import { WordIndex } from "./word-index.ts";

const ID_WORDS = 4;

/** What is known of identifiers of 16 octets of tenants: of capabilities, or of agents. Nothing of what is asked about is kept. */
export class IdentifierMap<T> {
  readonly #index: WordIndex;
  /** By the number of the key; that of one that went has none. */
  readonly #values: (T | undefined)[] = [];

  constructor(random: Random) {
    this.#index = new WordIndex({ key: ID_WORDS + 1, value: 0 }, random);
  }

  get size(): number {
    return this.#index.size;
  }

  #find(tenantIndex: number, id: Uint8Array): number {
    const { key } = this.#index;
    for (let word = 0; word < ID_WORDS; word++) key[word] = wordAt(id, 4 * word);
    key[ID_WORDS] = tenantIndex;
    return this.#index.find();
  }

  get(tenantIndex: number, id: Uint8Array): T | undefined {
    return this.size === 0 ? undefined : this.#values[this.#find(tenantIndex, id)];
  }

  set(tenantIndex: number, id: Uint8Array, value: T): void {
    this.#values[this.#find(tenantIndex, id) || this.#index.add()] = value;
  }

  /** What was known of it. */
  delete(tenantIndex: number, id: Uint8Array): T | undefined {
    const number = this.size === 0 ? 0 : this.#find(tenantIndex, id);
    if (number === 0) return undefined;
    const value = this.#values[number];
    this.#index.remove(number);
    if (this.#index.size === 0) this.#values.length = 0;
    else this.#values[number] = undefined;
    return value;
  }

  /** Any may be deleted meanwhile; none is added. */
  *values(): Generator<T> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }
}
