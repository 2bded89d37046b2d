import type { Clock } from "../base/index.ts";
import type { AttributeStore } from "./attribute-store.ts";
import { IdSet } from "./id-set.ts";
import { BufferView } from "./keyed-hash.ts";
import { BEST_STAYS, NET_LOST, NetPaths, type PathOutcome } from "./net-paths.ts";
import { ATTRIBUTES, FURTHER, KEY, NET_SHIFT, type NetStore } from "./net-store.ts";
import { PathChooser } from "./path-chooser.ts";
import { PathTags } from "./path-tags.ts";
import type { PeerBook } from "./peer-book.ts";
import { makeChainScratch, NeighbourOutput, type OutputHost } from "./route-output.ts";
import type { AttributeId, KeyBatch, NetId, PeerIndex, RouteOutput, RouteTable } from "./types.ts";

const NETS_PER_TURN = 8192;

export interface NetTableParts {
  readonly store: NetStore;
  readonly attributes: AttributeStore;
  readonly peers: PeerBook;
  readonly clock: Clock;
}

/** Adj-RIB-In, Loc-RIB and Adj-RIB-Out of one family in one set of records. */
export class NetTable implements RouteTable, OutputHost {
  readonly store: NetStore;
  readonly attributes: AttributeStore;
  readonly peers: PeerBook;
  readonly clock: Clock;
  readonly capacity: number;
  readonly chainHeads: Int32Array;
  readonly chainNext: Int32Array;
  protected readonly tags: PathTags;
  readonly #outputs: NeighbourOutput[] = [];
  protected readonly chooser: PathChooser;
  readonly #view = new BufferView();
  readonly #paths: NetPaths;
  readonly #sweepCursor = new Map<PeerIndex, NetId>();
  readonly #replaceCursor = new Map<PeerIndex, NetId>();
  /** Nets without a path that an output has still to be told about. */
  readonly #lost: IdSet;
  #hashes = new Int32Array(256);
  /** Nets of the batch in hand whose best path changed: told at its end, so that their cache misses overlap too. */
  #changedNets = new Int32Array(256);
  #changedCount = 0;
  #isBatch = false;
  #recheckFrom: NetId = 0;
  #recheckAgain = false;
  #reapFrom: NetId = 0;
  #closed = false;

  constructor(parts: NetTableParts) {
    this.store = parts.store;
    this.attributes = parts.attributes;
    this.peers = parts.peers;
    this.clock = parts.clock;
    this.capacity = parts.store.options.maxRoutes;
    const scratch = makeChainScratch(parts.attributes.limit);
    this.chainHeads = scratch.chainHeads;
    this.chainNext = scratch.chainNext;
    this.tags = new PathTags(parts.peers.limit);
    this.chooser = new PathChooser(parts.store, parts.attributes, parts.peers, this.tags);
    const { tags, chooser } = this;
    this.#paths = new NetPaths({ ...parts, tags, chooser, peerLimit: parts.peers.limit });
    this.#lost = new IdSet(this.capacity + 1);
  }

  get routes(): number {
    return this.store.netCount - this.#lost.size;
  }

  get paths(): number {
    return this.#paths.total;
  }

  pathsOf(peer: PeerIndex): number {
    return this.#paths.ofPeer[peer]!;
  }

  announce(peer: PeerIndex, keys: KeyBatch, attributes: AttributeId): void {
    const view = this.#lookAhead(keys);
    const base = keys.octets.byteOffset;
    const tag = this.tags.of(peer);
    const now = Math.floor(this.clock.wall() / 1000);
    this.#changedCount = 0;
    this.#isBatch = true;
    try {
      for (let i = 0; i < keys.count; i++) {
        this.#put(view, base + keys.starts[i]!, keys.lengths[i]!, this.#hashes[i]!, tag, attributes, now);
      }
    } finally {
      this.#isBatch = false;
      this.touch(this.#changedNets, this.#changedCount);
      for (let i = 0; i < this.#changedCount; i++) this.#changed(this.#changedNets[i]!);
    }
  }

  withdraw(peer: PeerIndex, keys: KeyBatch): void {
    const view = this.#lookAhead(keys);
    const base = keys.octets.byteOffset;
    for (let i = 0; i < keys.count; i++) {
      const id = this.store.find(view, base + keys.starts[i]!, keys.lengths[i]!, this.#hashes[i]!);
      if (id !== 0) this.#conclude(id, this.#paths.drop(id, peer));
    }
  }

  /** Hashes all keys, then touches all slots, then all records, so that their cache misses overlap instead of adding up. */
  #lookAhead(keys: KeyBatch): DataView {
    const { store } = this;
    const { index, nets } = store;
    const view = this.#view.over(keys.octets);
    const base = keys.octets.byteOffset;
    const count = keys.count;
    if (this.#hashes.length < count) {
      this.#hashes = new Int32Array(2 * count);
      this.#changedNets = new Int32Array(2 * count);
    }
    const hashes = this.#hashes;
    for (let i = 0; i < count; i++) {
      const start = keys.starts[i]!;
      const length = keys.lengths[i]!;
      if (start < 0 || start + length > keys.octets.length || store.options.keyLength(keys.octets, start) !== length) {
        throw new RangeError(`key ${i} of ${count}, ${length} octets at ${start}, is not one key of this table`);
      }
      hashes[i] = store.hash(view, base + start, length);
    }
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const slots = index.segment(hashes[i]!);
      touched ^= slots[index.home(slots, hashes[i]!)]!;
    }
    for (let i = 0; i < count; i++) {
      const slots = index.segment(hashes[i]!);
      const home = index.home(slots, hashes[i]!);
      if (slots[home] === hashes[i]) touched ^= nets[slots[home + 1]! << NET_SHIFT]!;
    }
    this.chainNext[0] = touched; // a place nobody reads: keeps the loads from being optimised away
    return view;
  }

  #put(
    view: DataView,
    at: number,
    length: number,
    hash: number,
    tag: number,
    attributes: AttributeId,
    now: number,
  ): void {
    const { store } = this;
    const { nets } = store;
    let id = store.find(view, at, length, hash);
    if (id === 0) id = store.addNet(view, at, length, hash);
    else if (nets[(id << NET_SHIFT) + ATTRIBUTES] === 0) this.#lost.delete(id);
    if (this.#paths.put(id, tag, attributes, now)) this.#changed(id);
  }

  #conclude(id: NetId, outcome: PathOutcome): void {
    if (outcome === BEST_STAYS) return;
    this.#changed(id);
    if (outcome === NET_LOST) this.#lose(id);
  }

  #changed(id: NetId): void {
    if (this.#isBatch) {
      this.#changedNets[this.#changedCount++] = id;
      return;
    }
    this.bestChanged(id);
    for (const output of this.#outputs) output.note(id);
  }

  /** These nets come to `bestChanged` next: a family may bring what it keeps beside them closer. */
  protected touch(_nets: Int32Array, _count: number): void {}

  /** The best path of a net is another one, is gone, or is judged anew. For what a family keeps beside its nets. */
  protected bestChanged(_net: NetId): void {}

  /** Every net has been decided again. */
  protected rechecked(): void {}

  #lose(id: NetId): void {
    this.#lost.add(id);
    this.settle(id);
  }

  settle(id: NetId): void {
    if (!this.#lost.has(id) || this.#outputs.some((output) => output.wants(id))) return;
    this.#lost.delete(id);
    this.store.removeNet(id);
  }

  markStale(peer: PeerIndex): void {
    if (this.#paths.ofPeer[peer] === 0) return;
    this.tags.nextEpoch(peer);
    this.#paths.staleOf[peer] = this.#paths.ofPeer[peer]!;
    this.#sweepCursor.delete(peer);
    this.recheck();
  }

  sweepStale(peer: PeerIndex, budget: number): boolean {
    return this.#sweep(peer, budget, this.#paths.staleOf, (tag) => this.tags.isStale(tag));
  }

  replaceStale(peer: PeerIndex, budget: number, change: (attributes: AttributeId) => AttributeId | undefined): boolean {
    const { netTop } = this.store;
    const from = this.#replaceCursor.get(peer) ?? 1;
    const end = Math.min(netTop, from + Math.max(1, budget));
    for (let id = from; id < end; id++) {
      const tag = this.#paths.tagOf(id, peer);
      if (tag !== undefined && this.tags.isStale(tag)) this.#conclude(id, this.#paths.replace(id, peer, change));
    }
    if (end < netTop) this.#replaceCursor.set(peer, end);
    else this.#replaceCursor.delete(peer);
    return end >= netTop;
  }

  sweep(peer: PeerIndex, budget: number): boolean {
    return this.#sweep(peer, budget, this.#paths.ofPeer, () => true);
  }

  #sweep(peer: PeerIndex, budget: number, left: Int32Array, doomed: (tag: number) => boolean): boolean {
    const { netTop } = this.store;
    let id = this.#sweepCursor.get(peer) ?? 1;
    const end = Math.min(netTop, id + Math.max(1, budget));
    for (; id < end && left[peer] !== 0; id++) {
      const tag = this.#paths.tagOf(id, peer);
      if (tag !== undefined && doomed(tag)) this.#conclude(id, this.#paths.drop(id, peer));
    }
    const done = left[peer] === 0;
    // Routes that came back behind the cursor meanwhile are found by going round again.
    if (done) this.#sweepCursor.delete(peer);
    else this.#sweepCursor.set(peer, id < netTop ? id : 1);
    return done;
  }

  openOutput(peer: PeerIndex): RouteOutput {
    const output = new NeighbourOutput(this, peer);
    this.#outputs.push(output);
    return output;
  }

  closed(output: NeighbourOutput): void {
    this.#outputs.splice(this.#outputs.indexOf(output), 1);
    if (this.#lost.size === 0) return;
    const running = this.#reapFrom !== 0;
    this.#reapFrom = 1;
    if (!running) this.clock.soon(() => this.#reap());
  }

  /** Forgets lost nets that only a closed output was to be told about. */
  #reap(): void {
    if (this.#closed) return;
    let id = this.#lost.next(this.#reapFrom);
    for (let visited = 0; id !== 0 && visited < NETS_PER_TURN; visited++, id = this.#lost.next(id + 1)) this.settle(id);
    this.#reapFrom = id;
    if (id !== 0) this.clock.soon(() => this.#reap());
  }

  /** Decides nets again, on later turns: something other than their paths has changed, staleness or leases. */
  recheck(): void {
    if (this.#recheckFrom !== 0) {
      this.#recheckAgain = true;
      return;
    }
    this.#recheckFrom = 1;
    this.clock.soon(() => this.#recheckSlice());
  }

  #recheckSlice(): void {
    if (this.#closed) return;
    const { nets, netTop } = this.store;
    const { rejudged } = this.attributes;
    const end = Math.min(netTop, this.#recheckFrom + NETS_PER_TURN);
    for (let id = this.#recheckFrom; id < end; id++) {
      const net = id << NET_SHIFT;
      const attributes = nets[net + ATTRIBUTES]!;
      if (nets[net + KEY] === 0 || attributes === 0) continue;
      if (nets[net + FURTHER] !== 0 && this.chooser.reselect(id)) this.#changed(id);
      else if (rejudged[attributes] === 1) this.bestChanged(id);
    }
    if (end < netTop) this.#recheckFrom = end;
    else if (this.#recheckAgain) {
      this.#recheckFrom = 1;
      this.#recheckAgain = false;
    } else {
      this.#recheckFrom = 0;
      this.rechecked();
      return;
    }
    this.clock.soon(() => this.#recheckSlice());
  }

  close(): void {
    this.#closed = true;
  }
}
