import { KeyedHash, type Random, SegmentedIndex } from "../base/index.ts";
import type { GroupContent } from "./group-content.ts";
import type { GroupStore } from "./group-store.ts";
import { GROUP_SLOTS, type GroupIndex } from "./plan.ts";

const OWNER_WORDS = GROUP_SLOTS / 2;
const WORDS = 2 * OWNER_WORDS + 1;

/** Finds groups by their content; each content once. */
export class ContentIndex {
  readonly #store: GroupStore;
  readonly #index = new SegmentedIndex(4, flooded);
  readonly #hash: KeyedHash;
  readonly #words = new Int32Array(WORDS);
  /** Of the content that was asked about last. */
  #asked = 0;

  constructor(store: GroupStore, random: Random) {
    this.#store = store;
    this.#hash = new KeyedHash(random, 4 * WORDS);
  }

  /** The group with this content; 0: there is none. */
  find(content: GroupContent): GroupIndex {
    const hash = this.#hashOf(content);
    this.#asked = hash;
    const slots = this.#index.segment(hash);
    for (let at = this.#index.home(slots, hash); slots[at + 1] !== 0; at = (at + 2) & (slots.length - 1)) {
      if (slots[at] === hash && this.#store.holds(slots[at + 1]!, content)) return slots[at + 1]!;
    }
    return 0;
  }

  /** A group with the content that was asked about last, and that no other has. */
  add(group: GroupIndex): void {
    this.#index.insert(this.#asked, group);
    this.#store.setHash(group, this.#asked);
  }

  /** A group that need not be in here. */
  remove(group: GroupIndex): void {
    const hash = this.#store.hash(group);
    if (hash === undefined) return;
    this.#index.remove(hash, group);
    this.#store.setHash(group, undefined);
  }

  #hashOf({ current, previous, backup }: GroupContent): number {
    const words = this.#words;
    for (let word = 0; word < OWNER_WORDS; word++) words[word] = current[2 * word]! | (current[2 * word + 1]! << 16);
    words[OWNER_WORDS] = backup;
    let isMoving = false;
    for (let word = 0; word < OWNER_WORDS && previous !== current; word++) {
      const former = previous[2 * word]! | (previous[2 * word + 1]! << 16);
      words[OWNER_WORDS + 1 + word] = former;
      if (words[word] !== former) isMoving = true;
    }
    // Without a transition, which is nearly always, the owners stand for both.
    return this.#hash.hashWords(words, 0, 4 * (isMoving ? WORDS : OWNER_WORDS + 1));
  }
}

function flooded(probes: number): Error {
  return new RangeError(`${probes} places in a row are taken in the index of groups: its hash is no secret any more`);
}
