import type { PeerIndex } from "./types.ts";

/** As many as a record has room for; ages are counted around them. */
const EPOCHS = 0x100;
const OLDEST_AGE = EPOCHS - 1;

/**
 * What the paths of one table are tagged with: peer + epoch × 65536. Every path carries the epoch in which it was learnt or
 * confirmed last, so making all routes of a neighbour stale is one addition, whatever their number. Each family has epochs
 * of its own. A neighbour that begins one after the other and ends none uses them up (`isFull`): then its paths are looked at one by
 * one (`younger`), and there are epochs again.
 */
export class PathTags {
  readonly #epoch: Uint8Array;
  /** Paths of epochs from this one on are not stale; those before the present one may still wait to be confirmed. */
  readonly #trusted: Uint8Array;
  /** No path is of an epoch before this one. */
  readonly #oldest: Uint8Array;

  /** @param limit every peer number is below it */
  constructor(limit: number) {
    this.#epoch = new Uint8Array(limit);
    this.#trusted = new Uint8Array(limit);
    this.#oldest = new Uint8Array(limit);
  }

  /** Of a path that is learnt now. */
  of(peer: PeerIndex): number {
    return peer | (this.#epoch[peer]! << 16);
  }

  /** What is not of the epoch of now is stale. */
  distrust(peer: PeerIndex): void {
    this.#trusted[peer] = this.#epoch[peer]!;
  }

  /** Everything that `peer` has said so far has to be said again, and is as good as before meanwhile. Not while `isFull`. */
  recount(peer: PeerIndex): void {
    this.#epoch[peer] = (this.#epoch[peer]! + 1) % EPOCHS;
  }

  /** Every path is confirmed: only what is confirmed is left. */
  trust(peer: PeerIndex): void {
    this.#trusted[peer] = this.#epoch[peer]!;
    this.#oldest[peer] = this.#epoch[peer]!;
  }

  /** There is no epoch left: `younger` has to be asked about all paths of the peer, and then `renewed` be said. */
  isFull(peer: PeerIndex): boolean {
    return this.#age(peer, this.#oldest[peer]!) === OLDEST_AGE;
  }

  /**
   * The tag for a path of this one, of an epoch that has room behind it: stale ones stay stale, others count as
   * confirmed, since everything has to be said again next.
   */
  younger(tag: number): number {
    const peer = tag & 0xffff;
    return this.isStale(tag)
      ? peer | (this.#ago(peer, this.#age(peer, this.#trusted[peer]!) + 1) << 16)
      : this.of(peer);
  }

  /** What `younger` answered is what all paths of `peer` have. */
  renewed(peer: PeerIndex): void {
    this.#oldest[peer] = this.#ago(peer, this.#age(peer, this.#trusted[peer]!) + 1);
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

  #age(peer: PeerIndex, epoch: number): number {
    return (this.#epoch[peer]! - epoch) & (EPOCHS - 1);
  }

  #ago(peer: PeerIndex, age: number): number {
    return (this.#epoch[peer]! - age) & (EPOCHS - 1);
  }
}
