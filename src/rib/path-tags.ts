import type { PeerIndex } from "./types.ts";

const EPOCHS = 0x8000;

/**
 * What the paths of one table are tagged with: peer + epoch × 65536. Every path carries the epoch in which it was learnt or
 * confirmed last, so making all routes of a neighbour stale is one addition, whatever their number. Each family has epochs
 * of its own.
 */
export class PathTags {
  readonly #epoch: Uint16Array;
  /** Paths of epochs from this one on are not stale; those before the present one may still wait to be confirmed. */
  readonly #trusted: Uint16Array;

  /** @param limit every peer number is below it */
  constructor(limit: number) {
    this.#epoch = new Uint16Array(limit);
    this.#trusted = new Uint16Array(limit);
  }

  /** Of a path that is learnt now. */
  of(peer: PeerIndex): number {
    return peer | (this.#epoch[peer]! << 16);
  }

  /** Everything that `peer` has said so far is stale. */
  distrust(peer: PeerIndex): void {
    this.recount(peer);
    this.trust(peer);
  }

  /** Everything that `peer` has said so far has to be said again, and is as good as before meanwhile. */
  recount(peer: PeerIndex): void {
    this.#epoch[peer] = (this.#epoch[peer]! + 1) % EPOCHS;
  }

  /** Only what is confirmed is left. */
  trust(peer: PeerIndex): void {
    this.#trusted[peer] = this.#epoch[peer]!;
  }

  isConfirmed(tag: number): boolean {
    return tag >>> 16 === this.#epoch[tag & 0xffff];
  }

  isStale(tag: number): boolean {
    const peer = tag & 0xffff;
    const now = this.#epoch[peer]!;
    return ((now - (tag >>> 16)) & (EPOCHS - 1)) > ((now - this.#trusted[peer]!) & (EPOCHS - 1));
  }
}
