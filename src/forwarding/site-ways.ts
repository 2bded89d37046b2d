import { type Ipv6Address, octetsEqual, type Random, WordIndex, wordAt } from "../base/index.ts";
import type { NextHop } from "./plan.ts";

/** How a site is reached, as a number. */
export type WayId = number;

/** This router's own site. */
export const HERE: WayId = 0;

const ADDRESS_WORDS = 4;
const USES = 4;
/** Ways that are found without the index: of a locator the row is chosen by a sum that anybody may guess, which costs a look at most. */
const RECENT_BITS = 9;
const LOCAL: NextHop = { kind: "local" };

/** The ways to sites: each locator is one next hop, one object and one number, for as long as somebody uses it. */
export class SiteWays {
  readonly #locator: Ipv6Address;
  readonly #index: WordIndex;
  readonly #tunnels: (NextHop | undefined)[] = [LOCAL];
  /** By row: the way that was asked for last; 0: none. */
  readonly #recent = new Int32Array(1 << RECENT_BITS);

  constructor(locator: Ipv6Address, random: Random) {
    this.#locator = locator;
    this.#index = new WordIndex({ key: ADDRESS_WORDS, value: 1 }, random);
  }

  /** Of a locator, of which octets are copied. To be retained at once, or it stays for ever. */
  to(locator: Ipv6Address): WayId {
    const index = this.#index;
    for (let word = 0; word < ADDRESS_WORDS; word++) index.key[word] = wordAt(locator, 4 * word);
    const row = rowOf(index.key);
    const recent = this.#recent[row]!;
    if (recent !== 0 && index.hasKey(recent)) return recent;
    const way = index.find() || this.#add(locator);
    this.#recent[row] = way;
    return way;
  }

  #add(locator: Ipv6Address): WayId {
    const way = this.#index.add();
    this.#tunnels[way] = { kind: "tunnel", locator: locator.slice() };
    return way;
  }

  nextHop(way: WayId): NextHop {
    return this.#tunnels[way]!;
  }

  /** It leads to our own locator, without being ours. */
  isLoop(way: WayId): boolean {
    const nextHop = this.#tunnels[way]!;
    return nextHop.kind === "tunnel" && octetsEqual(nextHop.locator, this.#locator);
  }

  retain(way: WayId): void {
    if (way !== HERE) this.#index.set(way, USES, this.#index.get(way, USES) + 1);
  }

  release(way: WayId): void {
    if (way === HERE) return;
    const index = this.#index;
    const uses = index.get(way, USES) - 1;
    index.set(way, USES, uses);
    if (uses > 0) return;
    for (let word = 0; word < ADDRESS_WORDS; word++) index.key[word] = index.get(way, word);
    const row = rowOf(index.key);
    if (this.#recent[row] === way) this.#recent[row] = 0;
    this.#tunnels[way] = undefined;
    index.remove(way);
  }
}

function rowOf(words: Int32Array): number {
  const sum = words[0]! ^ Math.imul(words[1]!, 31) ^ Math.imul(words[2]!, 961) ^ Math.imul(words[3]!, 29791);
  return Math.imul(sum, 0x9e3779b1) >>> (32 - RECENT_BITS);
}
