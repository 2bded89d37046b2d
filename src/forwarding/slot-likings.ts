import { GROUP_SLOTS } from "./plan.ts";

/** Slots, the one that a member likes most first. */
export type Liking = Uint8Array;

/** Members whose liking is kept: as many as there are routers in a large domain. */
const MOST_KEPT = 4096;
const KEPT = new Map<number, Liking>();
let keptSeed = 0;

/** The liking of the latest members is kept, for one seed. */
export function keptLiking(seed: number, key: number): Liking {
  if (seed !== keptSeed) {
    KEPT.clear();
    keptSeed = seed;
  }
  const known = KEPT.get(key);
  if (known !== undefined) return known;
  if (KEPT.size >= MOST_KEPT) KEPT.clear();
  const scores = Uint32Array.from({ length: GROUP_SLOTS }, (_, slot) => score(seed, key, slot));
  const order = Uint8Array.from({ length: GROUP_SLOTS }, (_, slot) => slot);
  order.sort((a, b) => scores[a]! - scores[b]! || a - b);
  KEPT.set(key, order);
  return order;
}

/** How much a member likes a slot, lower is more; uniform over 32 bits. @see Thaler and Ravishankar, rendezvous hashing */
export function score(seed: number, key: number, slot: number): number {
  let h = Math.imul(seed ^ Math.imul(key, 0x9e3779b1) ^ Math.imul(slot + 1, 0x85ebca6b), 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}
