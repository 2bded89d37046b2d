import { putWord, wordAt } from "./octet-words.ts";
import type { Random } from "./ports.ts";
import { WordIndex } from "./word-index.ts";

const ID_WORDS = 4;
/** Of an identifier: the tenants that have it. */
const USES = ID_WORDS;
/** Of a block: whose it is, which 32 numbers it is about, and which of them are members. */
const TENANT = 0;
const BLOCK = 1;
const BITS = 2;
const BLOCK_BITS = 5;

/**
 * A set of identifiers of 16 octets of tenants: of their capabilities. Nothing of what is asked about is kept.
 *
 * Tenants mostly have the same capabilities: each identifier has a number, and a tenant bits for those numbers that it has. A million
 * members are less than a megabyte where a thousand tenants have a thousand each, and some 60 where no two have one in common.
 */
export class IdentifierSet {
  readonly #ids: WordIndex;
  readonly #blocks: WordIndex;
  /** The number of what was asked about last. */
  #last = 0;
  #size = 0;

  constructor(random: Random) {
    this.#ids = new WordIndex({ key: ID_WORDS, value: 1 }, random);
    this.#blocks = new WordIndex({ key: 2, value: 1 }, random);
  }

  get size(): number {
    return this.#size;
  }

  /** 0: nobody has this identifier. Who asks about all tenants of a capability asks for one number. */
  #numberOf(id: Uint8Array): number {
    const { key } = this.#ids;
    let differing = 0;
    for (let word = 0; word < ID_WORDS; word++) {
      const asked = wordAt(id, 4 * word);
      differing |= asked ^ key[word]!;
      key[word] = asked;
    }
    if (differing !== 0 || this.#last === 0) this.#last = this.#ids.find();
    return this.#last;
  }

  #blockOf(tenantIndex: number, number: number): number {
    const { key } = this.#blocks;
    key[TENANT] = tenantIndex;
    key[BLOCK] = number >> BLOCK_BITS;
    return this.#blocks.find();
  }

  has(tenantIndex: number, id: Uint8Array): boolean {
    const number = this.#numberOf(id);
    const block = number === 0 ? 0 : this.#blockOf(tenantIndex, number);
    return block !== 0 && (this.#blocks.get(block, BITS) & bitOf(number)) !== 0;
  }

  /** False when it is a member already. */
  add(tenantIndex: number, id: Uint8Array): boolean {
    if (this.#numberOf(id) === 0) this.#last = this.#ids.add();
    const number = this.#last;
    const block = this.#blockOf(tenantIndex, number) || this.#blocks.add();
    const bits = this.#blocks.get(block, BITS);
    if ((bits & bitOf(number)) !== 0) return false;
    this.#blocks.set(block, BITS, bits | bitOf(number));
    this.#ids.set(number, USES, this.#ids.get(number, USES) + 1);
    this.#size++;
    return true;
  }

  /** False when it is no member. */
  delete(tenantIndex: number, id: Uint8Array): boolean {
    const number = this.#numberOf(id);
    const block = number === 0 ? 0 : this.#blockOf(tenantIndex, number);
    const bits = block === 0 ? 0 : this.#blocks.get(block, BITS);
    if ((bits & bitOf(number)) === 0) return false;
    const rest = bits & ~bitOf(number);
    if (rest === 0) this.#blocks.remove(block);
    else this.#blocks.set(block, BITS, rest);
    const uses = this.#ids.get(number, USES) - 1;
    this.#ids.set(number, USES, uses);
    this.#size--;
    if (uses > 0) return true;
    this.#ids.remove(number);
    this.#last = 0;
    return true;
  }

  /** All members; the octets are the reader's. Whoever was told of may be deleted meanwhile; none is added. */
  *members(): Generator<{ readonly tenantIndex: number; readonly id: Uint8Array }> {
    for (let block = 1; block < this.#blocks.top; block++) {
      // One that went has none: its words are 0 but for the first
      for (let bits = this.#blocks.get(block, BITS); bits !== 0; bits &= bits - 1) {
        const number = (this.#blocks.get(block, BLOCK) << BLOCK_BITS) | (31 - Math.clz32(bits & -bits));
        yield { tenantIndex: this.#blocks.get(block, TENANT), id: this.#octetsOf(number) };
      }
    }
  }

  #octetsOf(number: number): Uint8Array {
    const octets = new Uint8Array(4 * ID_WORDS);
    for (let word = 0; word < ID_WORDS; word++) putWord(octets, 4 * word, this.#ids.get(number, word));
    return octets;
  }
}

const bitOf = (number: number): number => 1 << (number & 31);
