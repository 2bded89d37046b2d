import { type Ipv6Address, octetsEqual, type Random } from "../base/index.ts";
import type { NextHop } from "./plan.ts";
import { RecordIndex } from "./record-index.ts";
import { Records, wordAt } from "./records.ts";

/** How a site is reached, as a number. */
export type WayId = number;

/** This router's own site. */
export const HERE: WayId = 0;

const ADDRESS_WORDS = 4;
const USES = 4;
const LOCAL: NextHop = { kind: "local" };

/** The ways to sites: each locator is one next hop, one object and one number, for as long as somebody uses it. */
export class SiteWays {
  readonly #locator: Ipv6Address;
  readonly #records = new Records();
  readonly #index: RecordIndex;
  readonly #tunnels: (NextHop | undefined)[] = [LOCAL];

  constructor(locator: Ipv6Address, random: Random) {
    this.#locator = locator;
    this.#index = new RecordIndex(this.#records, ADDRESS_WORDS, random);
  }

  /** Of a locator, of which octets are copied. To be retained at once, or it stays for ever. */
  to(locator: Ipv6Address): WayId {
    const index = this.#index;
    for (let word = 0; word < ADDRESS_WORDS; word++) index.key[word] = wordAt(locator, 4 * word);
    const known = index.find();
    if (known !== 0) return known;
    const way = index.add();
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
    if (way !== HERE) this.#records.set(way, USES, this.#records.get(way, USES) + 1);
  }

  release(way: WayId): void {
    if (way === HERE) return;
    const uses = this.#records.get(way, USES) - 1;
    this.#records.set(way, USES, uses);
    if (uses > 0) return;
    this.#tunnels[way] = undefined;
    this.#index.remove(way);
  }
}
