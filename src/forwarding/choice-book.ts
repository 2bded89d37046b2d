import { type Ipv6Address, KeyedHash, type Random, SegmentedIndex } from "../base/index.ts";
import type { CapabilitySelection } from "../rib/index.ts";
import type { FreshWish } from "./group-table.ts";
import { Records } from "./records.ts";
import { ChoiceWords, type SiteChoice } from "./site-choice.ts";
import { SiteWays } from "./site-ways.ts";
import { WordSlab } from "./word-slab.ts";

/** What was decided for a capability; 0: nobody has a route. */
export type ChoiceId = number;

const PLACE = 0;
const LENGTH = 1;
const USES = 2;
const HASH = 3;
const FRESH_GROUP = 4;
const FRESH_VERSION = 5;
const SERVES = 6;
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
  readonly #slab = new WordSlab();
  readonly #records = new Records();
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
    const place = this.#records.get(id, PLACE);
    const choice = this.#asked.read((at) => this.#slab.get(place, at), this.#records.get(id, LENGTH));
    if (this.#read.size >= MOST_READ) this.#read.clear();
    this.#read.set(id, choice);
    return choice;
  }

  /** There is a site that can carry traffic. */
  serves(id: ChoiceId): boolean {
    if (id === 0) return false;
    if (this.#records.get(id, SERVES) === 0) {
      const { sites, leaving } = this.get(id)!;
      this.#records.set(id, SERVES, sites.length + leaving.length > 0 ? YES : NO);
    }
    return this.#records.get(id, SERVES) === YES;
  }

  /** Members of the group, about. */
  members(id: ChoiceId): number {
    return id === 0 ? 0 : this.#slab.get(this.#records.get(id, PLACE), 0);
  }

  /** The group that all have who have this choice and no past. */
  fresh(id: ChoiceId): FreshWish {
    return { group: this.#records.get(id, FRESH_GROUP), version: this.#records.get(id, FRESH_VERSION) };
  }

  setFresh(id: ChoiceId, { group, version }: FreshWish): void {
    this.#records.set(id, FRESH_GROUP, group);
    this.#records.set(id, FRESH_VERSION, version);
  }

  /** One more capability has what is selected, of which nothing is kept. */
  obtain(selection: Pick<CapabilitySelection, "group" | "candidates">): ChoiceId {
    if (selection.candidates.length === 0 && selection.group.length === 0) return 0;
    const asked = this.#asked;
    asked.write(selection);
    const hash = this.#hash.hashWords(asked.words, 0, 4 * Math.min(MOST_HASHED, asked.length));
    const known = this.#find(hash);
    const id = known === 0 ? this.#add(hash) : known;
    this.#records.set(id, USES, this.#records.get(id, USES) + 1);
    return id;
  }

  #find(hash: number): ChoiceId {
    const { words, length } = this.#asked;
    const slots = this.#index.segment(hash);
    for (let at = this.#index.home(slots, hash); slots[at + 1] !== 0; at = (at + 2) & (slots.length - 1)) {
      if (slots[at] !== hash) continue;
      const id = slots[at + 1]!;
      const isSame = this.#records.get(id, LENGTH) === length;
      if (isSame && this.#slab.equals(this.#records.get(id, PLACE), words, length)) return id;
    }
    return 0;
  }

  #add(hash: number): ChoiceId {
    const { words, length } = this.#asked;
    const id = this.#records.take();
    this.#records.set(id, PLACE, this.#slab.copy(words, length));
    this.#records.set(id, LENGTH, length);
    this.#records.set(id, HASH, hash);
    this.#index.insert(hash, id);
    for (const way of ChoiceWords.ways((at) => words[at]!, length)) this.#ways.retain(way);
    return id;
  }

  release(id: ChoiceId): void {
    if (id === 0) return;
    const uses = this.#records.get(id, USES) - 1;
    this.#records.set(id, USES, uses);
    if (uses > 0) return;
    const place = this.#records.get(id, PLACE);
    const length = this.#records.get(id, LENGTH);
    for (const way of ChoiceWords.ways((at) => this.#slab.get(place, at), length)) this.#ways.release(way);
    this.#index.remove(this.#records.get(id, HASH), id);
    this.#slab.free(place, length);
    this.#read.delete(id);
    this.#records.give(id);
  }
}

function flooded(probes: number): Error {
  return new RangeError(
    `${probes} places in a row are taken among the choices of sites: the hash is no secret any more`,
  );
}
