import { type Ipv6Address, KeyedHash, type Random, SegmentedIndex } from "../base/index.ts";
import type { CapabilitySelection } from "../rib/index.ts";
import { type FreshWish, NO_FRESH } from "./group-table.ts";
import type { GroupIndex } from "./plan.ts";
import { ChoiceWords, type SiteChoice } from "./site-choice.ts";
import { SiteWays } from "./site-ways.ts";
import { WordSlab } from "./word-slab.ts";

/** What was decided for a capability; 0: nobody has a route. */
export type ChoiceId = number;

const LENGTH = 0;
const USES = 1;
const HASH = 2;
const FRESH_GROUP = 3;
const FRESH_VERSION = 4;
const SERVES = 5;
/** Behind those: what the choice depends on. */
const WORDS = 6;
const YES = 1;
const NO = 2;

/** Words that are hashed; of the few that are longer, this many. */
const MOST_HASHED = 256;
/** Choices that are kept as what they mean. */
const MOST_READ = 16;

/** What routes add up to, each once: capabilities with the same routes share one, and there are far fewer of them. */
export class ChoiceBook {
  readonly #ways: SiteWays;
  readonly #asked: ChoiceWords;
  /**
   * A run for each, at which it has its number: mostly one line of the processor's cache.
   *
   *     | length | uses | hash | fresh group, its version | serves | words |
   */
  readonly #slab = new WordSlab();
  readonly #index = new SegmentedIndex(4, flooded);
  readonly #hash: KeyedHash;
  readonly #read = new Map<ChoiceId, SiteChoice>();

  constructor(locator: Ipv6Address, random: Random) {
    this.#ways = new SiteWays(locator, random);
    this.#asked = new ChoiceWords(this.#ways);
    this.#hash = new KeyedHash(random, 4 * MOST_HASHED);
  }

  /** `undefined` for 0. */
  get(id: ChoiceId): SiteChoice | undefined {
    if (id === 0) return undefined;
    const known = this.#read.get(id);
    if (known !== undefined) return known;
    const choice = this.#asked.read((at) => this.#slab.get(id, WORDS + at), this.#slab.get(id, LENGTH));
    if (this.#read.size >= MOST_READ) this.#read.clear();
    this.#read.set(id, choice);
    return choice;
  }

  /** There is a site that can carry traffic. */
  serves(id: ChoiceId): boolean {
    if (id === 0) return false;
    if (this.#slab.get(id, SERVES) === 0) {
      const { sites, leaving } = this.get(id)!;
      this.#slab.set(id, SERVES, sites.length + leaving.length > 0 ? YES : NO);
    }
    return this.#slab.get(id, SERVES) === YES;
  }

  /** Members of the group, about. */
  members(id: ChoiceId): number {
    return id === 0 ? 0 : this.#slab.get(id, WORDS);
  }

  /** The group that all have who have this choice and no past, in the version of which that is so; 0: there is none yet. */
  freshGroup(id: ChoiceId): GroupIndex {
    return this.#slab.get(id, FRESH_GROUP);
  }

  freshVersion(id: ChoiceId): number {
    return this.#slab.get(id, FRESH_VERSION);
  }

  setFresh(id: ChoiceId, { group, version }: FreshWish): void {
    this.#slab.set(id, FRESH_GROUP, group);
    this.#slab.set(id, FRESH_VERSION, version);
  }

  /** One more capability has what is selected, of which nothing is kept. */
  obtain(selection: Pick<CapabilitySelection, "group" | "candidates">): ChoiceId {
    if (selection.candidates.length === 0 && selection.group.length === 0) return 0;
    const asked = this.#asked;
    asked.write(selection);
    const hash = this.#hash.hashWords(asked.words, 0, 4 * Math.min(MOST_HASHED, asked.length));
    const known = this.#find(hash);
    const id = known === 0 ? this.#add(hash) : known;
    this.#slab.set(id, USES, this.#slab.get(id, USES) + 1);
    return id;
  }

  #find(hash: number): ChoiceId {
    const { words, length } = this.#asked;
    const slots = this.#index.segment(hash);
    for (let at = this.#index.home(slots, hash); slots[at + 1] !== 0; at = (at + 2) & (slots.length - 1)) {
      if (slots[at] !== hash) continue;
      const id = slots[at + 1]!;
      if (this.#slab.get(id, LENGTH) === length && this.#slab.equals(id, WORDS, words, length)) return id;
    }
    return 0;
  }

  #add(hash: number): ChoiceId {
    const { words, length } = this.#asked;
    const slab = this.#slab;
    const id = slab.take(WORDS + length);
    slab.set(id, LENGTH, length);
    slab.set(id, USES, 0);
    slab.set(id, HASH, hash);
    this.setFresh(id, NO_FRESH);
    slab.set(id, SERVES, 0);
    for (let at = 0; at < length; at++) slab.set(id, WORDS + at, words[at]!);
    this.#index.insert(hash, id);
    for (const way of ChoiceWords.ways((at) => words[at]!, length)) this.#ways.retain(way);
    return id;
  }

  release(id: ChoiceId): void {
    if (id === 0) return;
    const uses = this.#slab.get(id, USES) - 1;
    this.#slab.set(id, USES, uses);
    if (uses > 0) return;
    const length = this.#slab.get(id, LENGTH);
    for (const way of ChoiceWords.ways((at) => this.#slab.get(id, WORDS + at), length)) this.#ways.release(way);
    this.#index.remove(this.#slab.get(id, HASH), id);
    this.#slab.free(id, WORDS + length);
    this.#read.delete(id);
  }
}

function flooded(probes: number): Error {
  return new RangeError(
    `${probes} places in a row are taken among the choices of sites: the hash is no secret any more`,
  );
}
