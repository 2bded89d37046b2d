import type { PeerIndex } from "./types.ts";

const EPOCHS = 0x8000;

/**
 * What the paths of one table are tagged with: peer + epoch × 65536. Every path carries the epoch in which it was learnt,
 * so making all routes of a neighbour stale is one addition, whatever their number. Each family has epochs of its own.
 */
export class PathTags {
  readonly #epoch: Uint16Array;

  /** @param limit every peer number is below it */
  constructor(limit: number) {
    this.#epoch = new Uint16Array(limit);
  }

  /** Of a path that is learnt now. */
  of(peer: PeerIndex): number {
    return peer | (this.#epoch[peer]! << 16);
  }

  nextEpoch(peer: PeerIndex): void {
    this.#epoch[peer] = (this.#epoch[peer]! + 1) % EPOCHS;
  }

  isStale(tag: number): boolean {
    return tag >>> 16 !== this.#epoch[tag & 0xffff];
  }
}
