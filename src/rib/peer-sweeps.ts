import type { NetPaths } from "./net-paths.ts";
import type { NetStore } from "./net-store.ts";
import type { PathOutcome } from "./path-outcome.ts";
import type { PathTags } from "./path-tags.ts";
import type { AttributeId, NetId, PeerIndex } from "./types.ts";

/**
 * What concerns all routes of one neighbour: making them stale costs one addition; removing or changing them walks over the
 * nets, as many at a time as the caller has time for.
 */
export class PeerSweeps {
  readonly #store: NetStore;
  readonly #paths: NetPaths;
  readonly #tags: PathTags;
  readonly #conclude: (net: NetId, outcome: PathOutcome) => void;
  readonly #sweepCursor = new Map<PeerIndex, NetId>();
  readonly #renewCursor = new Map<PeerIndex, NetId>();
  readonly #replaceCursor = new Map<PeerIndex, NetId>();

  constructor(store: NetStore, paths: NetPaths, tags: PathTags, conclude: (net: NetId, outcome: PathOutcome) => void) {
    this.#store = store;
    this.#paths = paths;
    this.#tags = tags;
    this.#conclude = conclude;
  }

  /** Before `distrust` and `recount`: true when there is an epoch for them, which takes a walk where a neighbour has used them up. */
  makeRoom(peer: PeerIndex, budget: number): boolean {
    const { ofPeer, unconfirmedOf } = this.#paths;
    if (unconfirmedOf[peer] === 0) this.#tags.trust(peer);
    // Those of two walks at most: stale ones may be as old as can be after the first.
    while (this.#tags.isFull(peer) && unconfirmedOf[peer] !== ofPeer[peer]) {
      const { netTop } = this.#store;
      const from = this.#renewCursor.get(peer) ?? 1;
      const end = Math.min(netTop, from + Math.max(1, budget));
      for (let id = from; id < end; id++) this.#paths.renew(id, peer);
      this.#renewCursor.set(peer, end);
      if (end < netTop) return false;
      this.#renewCursor.delete(peer);
      this.#tags.renewed(peer);
    }
    this.#renewCursor.delete(peer);
    return true;
  }

  /** Everything is stale; false when there is nothing. */
  distrust(peer: PeerIndex): boolean {
    if (this.#paths.ofPeer[peer] === 0) return false;
    this.recount(peer);
    this.#tags.distrust(peer);
    return true;
  }

  /** Everything has to be said again. */
  recount(peer: PeerIndex): void {
    const { ofPeer, unconfirmedOf } = this.#paths;
    // Where nothing was said in this epoch, it goes on.
    if (unconfirmedOf[peer] !== ofPeer[peer]) this.#tags.recount(peer);
    unconfirmedOf[peer] = ofPeer[peer]!;
    this.#sweepCursor.delete(peer);
  }

  /** Removes what was not said again. */
  unconfirmed(peer: PeerIndex, budget: number): boolean {
    const done = this.#sweep(peer, budget, this.#paths.unconfirmedOf, (tag) => !this.#tags.isConfirmed(tag));
    if (done) this.#tags.trust(peer);
    return done;
  }

  all(peer: PeerIndex, budget: number): boolean {
    return this.#sweep(peer, budget, this.#paths.ofPeer, () => true);
  }

  replaceStale(peer: PeerIndex, budget: number, change: (attributes: AttributeId) => AttributeId | undefined): boolean {
    const { netTop } = this.#store;
    const from = this.#replaceCursor.get(peer) ?? 1;
    const end = Math.min(netTop, from + Math.max(1, budget));
    for (let id = from; id < end; id++) this.#conclude(id, this.#paths.replaceStale(id, peer, change));
    if (end < netTop) this.#replaceCursor.set(peer, end);
    else this.#replaceCursor.delete(peer);
    return end >= netTop;
  }

  #sweep(peer: PeerIndex, budget: number, left: Int32Array, doomed: (tag: number) => boolean): boolean {
    const { netTop } = this.#store;
    let id = this.#sweepCursor.get(peer) ?? 1;
    const end = Math.min(netTop, id + Math.max(1, budget));
    for (; id < end && left[peer] !== 0; id++) this.#conclude(id, this.#paths.dropAll(id, peer, doomed));
    const done = left[peer] === 0;
    // Routes that came back behind the cursor meanwhile are found by going round again.
    if (done) this.#sweepCursor.delete(peer);
    else this.#sweepCursor.set(peer, id < netTop ? id : 1);
    return done;
  }
}
