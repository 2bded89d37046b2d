import { GROUP_SLOTS } from "./plan.ts";

/** Groups' worth of owners in one piece of memory. */
const PIECE = 128;

let piece = new Uint16Array(0);
let used = 0;

/**
 * Owners of the slots of one group, all 0. Many live long and many but a moment: memory of its own costs each more than its
 * octets and most of the garbage collector's time, so they share pieces, each of which goes when the last of them is gone.
 */
export function newOwners(): Uint16Array {
  if (used === piece.length) {
    piece = new Uint16Array(PIECE * GROUP_SLOTS);
    used = 0;
  }
  used += GROUP_SLOTS;
  return piece.subarray(used - GROUP_SLOTS, used);
}
