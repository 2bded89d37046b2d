import type { Clock } from "../base/index.ts";
import type { AttributeStore } from "./attribute-store.ts";
import { IdSet } from "./id-set.ts";
import { BufferView } from "./keyed-hash.ts";
import { NET_LOST, NetPaths, NOTHING, OTHERS_CHANGED, type PathOutcome, TOO_MANY } from "./net-paths.ts";
import { ATTRIBUTES, KEY, NET_SHIFT, type NetStore } from "./net-store.ts";
import { PathChooser } from "./path-chooser.ts";
import { PathMarks } from "./path-marks.ts";
import { PathSlots } from "./path-slots.ts";
import { PathTags } from "./path-tags.ts";
import { PathsOutput } from "./paths-output.ts";
import type { PeerBook } from "./peer-book.ts";
import { PeerSweeps } from "./peer-sweeps.ts";
import { makeChainScratch, NeighbourOutput, type OutputHost, type TableOutput } from "./route-output.ts";
import type { AttributeId, KeyBatch, NetId, PeerIndex, RouteOutput, RouteTable, SentPaths } from "./types.ts";

const NETS_PER_TURN = 8192;

export interface NetTableParts {
  readonly store: NetStore;
  readonly attributes: AttributeStore;
  readonly peers: PeerBook;
  readonly clock: Clock;
  /** Paths of one net that one neighbour may have. @see RFC 7911 */
  readonly pathLimit: number;
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
  readonly gathered: Int32Array;
  readonly used: Int32Array;
  protected readonly tags: PathTags;
  protected readonly marks: PathMarks;
  readonly slots: PathSlots;
  readonly #outputs: NeighbourOutput[] = [];
  /** Of neighbours that are told several paths of a net. */
  readonly #pathsOutputs: PathsOutput[] = [];
  protected readonly chooser: PathChooser;
  readonly #view = new BufferView();
  readonly #paths: NetPaths;
  readonly #sweeps: PeerSweeps;
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
    this.gathered = scratch.gathered;
    this.used = scratch.used;
    this.tags = new PathTags(parts.peers.limit);
    const { maxRoutes, maxPaths } = parts.store.options;
    this.marks = new PathMarks({ maxRoutes, maxPaths, peers: parts.peers.limit });
    this.chooser = new PathChooser(parts.store, parts.attributes, parts.peers, this.tags, this.marks);
    const { tags, chooser, marks } = this;
    this.slots = new PathSlots(parts.store, chooser, marks, (net, bit) => {
      for (const output of this.#pathsOutputs) output.reassigned(net, bit);
    });
    this.#paths = new NetPaths({ ...parts, tags, chooser, marks, peerLimit: parts.peers.limit });
    this.#sweeps = new PeerSweeps(parts.store, this.#paths, tags, (net, outcome) => this.#conclude(net, outcome));
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

  announce(peer: PeerIndex, keys: KeyBatch, attributes: AttributeId): number {
    const { pathIds } = keys;
    this.marks.sawIds(peer, pathIds !== undefined);
    let leftOut = 0;
    const view = this.#lookAhead(keys);
    const base = keys.octets.byteOffset;
    const tag = this.tags.of(peer);
    const now = Math.floor(this.clock.wall() / 1000);
    this.#changedCount = 0;
    this.#isBatch = true;
    try {
      for (let i = 0; i < keys.count; i++) {
        const pathId = pathIds === undefined ? 0 : pathIds[i]!;
        if (
          !this.#put(view, base + keys.starts[i]!, keys.lengths[i]!, this.#hashes[i]!, tag, pathId, attributes, now)
        ) {
          leftOut++;
        }
      }
    } finally {
      this.#isBatch = false;
      this.#tellChanged();
    }
    return leftOut;
  }

  /** Of the nets of a batch: what is beside them, and then one output after the other. */
  #tellChanged(): void {
    const nets = this.#changedNets;
    const count = this.#changedCount;
    for (let i = 0; i < count; i++) this.bestChanged(nets[i]!);
    for (const output of this.#outputs) for (let i = 0; i < count; i++) output.note(nets[i]!);
  }

  withdraw(peer: PeerIndex, keys: KeyBatch): void {
    const { pathIds } = keys;
    const view = this.#lookAhead(keys);
    const base = keys.octets.byteOffset;
    this.#changedCount = 0;
    this.#isBatch = true;
    for (let i = 0; i < keys.count; i++) {
      const id = this.store.find(view, base + keys.starts[i]!, keys.lengths[i]!, this.#hashes[i]!);
      if (id !== 0) this.#conclude(id, this.#paths.drop(id, peer, pathIds === undefined ? 0 : pathIds[i]!));
    }
    this.#isBatch = false;
    this.#tellChanged();
    for (let i = 0; i < this.#changedCount; i++) this.#loseIfEmpty(this.#changedNets[i]!);
  }

  /** A net may be among the changed ones twice, and be gone by then. */
  #loseIfEmpty(id: NetId): void {
    const { nets } = this.store;
    const net = id << NET_SHIFT;
    if (nets[net + ATTRIBUTES] === 0 && nets[net + KEY] !== 0) this.#lose(id);
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
    pathId: number,
    attributes: AttributeId,
    now: number,
  ): boolean {
    const { store } = this;
    const { nets } = store;
    let id = store.find(view, at, length, hash);
    if (id === 0) id = store.addNet(view, at, length, hash);
    else if (nets[(id << NET_SHIFT) + ATTRIBUTES] === 0) this.#lost.delete(id);
    const outcome = this.#paths.put(id, tag, pathId, attributes, now);
    if (outcome === TOO_MANY) return false;
    this.#conclude(id, outcome);
    return true;
  }

  #conclude(id: NetId, outcome: PathOutcome): void {
    if (outcome === NOTHING) return;
    for (const output of this.#pathsOutputs) output.note(id, this.#paths.changedSlots);
    if (outcome === OTHERS_CHANGED) return;
    this.#changed(id);
    if (outcome === NET_LOST && !this.#isBatch) this.#lose(id);
  }

  #changed(id: NetId): void {
    if (this.#isBatch) {
      this.#changedNets[this.#changedCount++] = id;
      return;
    }
    this.bestChanged(id);
    for (const output of this.#outputs) output.note(id);
  }

  /** The order of the paths of a net may be another one. */
  #reordered(id: NetId): void {
    for (const output of this.#pathsOutputs) output.reordered(id);
  }

  /** The best path of a net is another one, is gone, or is judged anew. For what a family keeps beside its nets. */
  protected bestChanged(_net: NetId): void {}

  /** Every net has been decided again. */
  protected rechecked(): void {}

  #lose(id: NetId): void {
    this.#lost.add(id);
    this.settle(id);
  }

  settle(id: NetId): void {
    if (!this.#isSettled(id)) return;
    this.#lost.delete(id);
    this.store.removeNet(id);
  }

  settleAll(ids: Int32Array, count: number): void {
    let left = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (!this.#isSettled(id)) continue;
      this.#lost.delete(id);
      ids[left++] = id;
    }
    if (left > 0) this.store.removeNets(ids, left);
  }

  /** Whether nobody has to be told any more that a net is lost. */
  #isSettled(id: NetId): boolean {
    if (!this.#lost.has(id)) return false;
    for (const output of this.#outputs) if (output.wants(id)) return false;
    for (const output of this.#pathsOutputs) if (output.wants(id)) return false;
    return true;
  }

  markStale(peer: PeerIndex): void {
    if (this.#sweeps.distrust(peer)) this.recheck();
  }

  beginRefresh(peer: PeerIndex): void {
    this.#sweeps.recount(peer);
  }

  sweepStale(peer: PeerIndex, budget: number): boolean {
    return this.#sweeps.unconfirmed(peer, budget);
  }

  replaceStale(peer: PeerIndex, budget: number, change: (attributes: AttributeId) => AttributeId | undefined): boolean {
    return this.#sweeps.replaceStale(peer, budget, change);
  }

  sweep(peer: PeerIndex, budget: number): boolean {
    return this.#sweeps.all(peer, budget);
  }

  openOutput(peer: PeerIndex, paths: SentPaths = "best"): RouteOutput {
    if (paths === "best") {
      const output = new NeighbourOutput(this, peer);
      this.#outputs.push(output);
      return output;
    }
    const output = new PathsOutput(this, peer, paths === "all" ? Number.POSITIVE_INFINITY : paths.best);
    this.#pathsOutputs.push(output);
    return output;
  }

  closed(output: TableOutput): void {
    for (const outputs of [this.#outputs, this.#pathsOutputs] as TableOutput[][]) {
      const at = outputs.indexOf(output);
      if (at >= 0) outputs.splice(at, 1);
    }
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
    const { nets, further, netTop } = this.store;
    const { rejudged } = this.attributes;
    const end = Math.min(netTop, this.#recheckFrom + NETS_PER_TURN);
    for (let id = this.#recheckFrom; id < end; id++) {
      const net = id << NET_SHIFT;
      const attributes = nets[net + ATTRIBUTES]!;
      if (nets[net + KEY] === 0 || attributes === 0) continue;
      if (further[id] !== 0 && this.#pathsOutputs.length > 0) this.#reordered(id);
      if (further[id] !== 0 && this.chooser.reselect(id)) this.#changed(id);
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
