import type { Clock } from "../base/index.ts";
import type { AttributeStore } from "./attribute-store.ts";
import { KeyLookup } from "./key-lookup.ts";
import { LostNets } from "./lost-nets.ts";
import { NetPaths } from "./net-paths.ts";
import { NetRecheck } from "./net-recheck.ts";
import type { NetStore } from "./net-store.ts";
import { PathChooser } from "./path-chooser.ts";
import { PathMarks } from "./path-marks.ts";
import { NET_LOST, NOTHING, OTHERS_CHANGED, type PathOutcome, TOO_MANY } from "./path-outcome.ts";
import { recordOf, SET } from "./path-record.ts";
import { PathSlots } from "./path-slots.ts";
import { PathTags } from "./path-tags.ts";
import { PathsOutput } from "./paths-output.ts";
import type { PeerBook } from "./peer-book.ts";
import { PeerSweeps } from "./peer-sweeps.ts";
import { makeChainScratch, NeighbourOutput, type OutputHost, type TableOutput } from "./route-output.ts";
import type { KeyBatch, RouteOutput, RouteTable, SentPaths } from "./route-table.ts";
import type { AttributeId, NetId, PeerIndex } from "./types.ts";

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
  readonly #paths: NetPaths;
  readonly #sweeps: PeerSweeps;
  readonly #lookup: KeyLookup;
  readonly #lost: LostNets;
  readonly #recheck: NetRecheck;
  /** Nets of the batch in hand whose best path changed: told at its end, so that their cache misses overlap too. */
  #changedNets = new Int32Array(256);
  #changedCount = 0;
  #isBatch = false;
  /** The time of this turn, of `NetStore.times`; -1: it has not been asked for. */
  #turnTime = -1;
  readonly #turnIsOver = (): void => {
    this.#turnTime = -1;
  };
  /** See `RouteTable`. */
  absent = 0;
  /** Nets of the batch in hand that have no path any more. */
  #lostNets = new Int32Array(256);

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
    this.#lookup = new KeyLookup(parts.store);
    this.#lost = new LostNets(parts.store, parts.clock, (net) => this.#isWanted(net));
    this.#recheck = new NetRecheck(parts.store, parts.clock, {
      hasRoom: (nets) => this.hasRoom(nets),
      several: (net) => this.#reordered(net),
      decide: (net) => {
        const changes = this.chooser.reselect(net);
        if (changes) this.#changed(net);
        return changes;
      },
      rejudged: (net, attributes) => {
        if (this.attributes.judged.rejudged[attributes] === 1) this.bestChanged(net);
      },
      done: () => this.rechecked(),
    });
  }

  get routes(): number {
    return this.store.netCount - this.#lost.size;
  }

  get paths(): number {
    return this.#paths.total;
  }

  get repeated(): number {
    return this.#paths.repeated;
  }

  pathsOf(peer: PeerIndex): number {
    return this.#paths.ofPeer[peer]!;
  }

  announce(peer: PeerIndex, keys: KeyBatch, attributes: AttributeId): number {
    const { pathIds } = keys;
    this.marks.sawIds(peer, pathIds !== undefined);
    let leftOut = 0;
    const view = this.#begin(keys);
    const { hashes } = this.#lookup;
    const tag = this.tags.of(peer);
    if (this.#turnTime < 0) this.#beginTurn();
    const now = this.#turnTime;
    this.#changedCount = 0;
    this.#isBatch = true;
    try {
      for (let i = 0; i < keys.count; i++) {
        const pathId = pathIds === undefined ? 0 : pathIds[i]!;
        if (!this.#put(view, keys.starts[i]!, keys.lengths[i]!, hashes[i]!, tag, pathId, attributes, now)) {
          leftOut++;
        }
      }
    } finally {
      this.#isBatch = false;
      this.#tellChanged();
    }
    return leftOut;
  }

  #beginTurn(): void {
    this.#turnTime = this.store.times.at(
      Math.floor(this.clock.monotonic() / 1000),
      Math.floor(this.clock.wall() / 1000),
    );
    this.clock.soon(this.#turnIsOver);
  }

  #begin(keys: KeyBatch): DataView {
    if (this.#changedNets.length < keys.count) this.#changedNets = new Int32Array(2 * keys.count);
    return this.#lookup.begin(keys);
  }

  /** Of the nets of a batch: what is beside them, and then one output after the other. */
  #tellChanged(): void {
    const nets = this.#changedNets;
    const count = this.#changedCount;
    this.allChanged(nets, count);
    for (let at = 0; at < this.#outputs.length; at++) {
      const output = this.#outputs[at]!;
      for (let i = 0; i < count; i++) output.note(nets[i]!);
    }
  }

  #tellLost(count: number): void {
    if (count === 0) return;
    const nets = this.#lostNets;
    this.allChanged(nets, count);
    for (let at = 0; at < this.#outputs.length; at++) this.#outputs[at]!.noteLost(nets, count);
    this.#lost.addAll(nets, count);
  }

  withdraw(peer: PeerIndex, keys: KeyBatch): void {
    const { pathIds } = keys;
    const view = this.#begin(keys);
    const { hashes } = this.#lookup;
    if (this.#lostNets.length < keys.count) this.#lostNets = new Int32Array(2 * keys.count);
    const lostNets = this.#lostNets;
    let lost = 0;
    this.#changedCount = 0;
    this.#isBatch = true;
    for (let i = 0; i < keys.count; i++) {
      const id = this.store.find(view, keys.starts[i]!, keys.lengths[i]!, hashes[i]!);
      const outcome = id === 0 ? NOTHING : this.#paths.drop(id, peer, pathIds === undefined ? 0 : pathIds[i]!);
      if (outcome === NOTHING) this.absent++;
      else if (outcome !== NET_LOST) this.#conclude(id, outcome);
      else {
        this.#noteSlots(id);
        this.store.lose(id, hashes[i]!);
        lostNets[lost++] = id;
      }
    }
    this.#isBatch = false;
    if (this.#changedCount > 0) this.#tellChanged();
    this.#tellLost(lost);
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
    else if (nets[recordOf(id) + SET] === 0) this.#lost.revive(id);
    const outcome = this.#paths.put(id, tag, pathId, attributes, now);
    if (outcome === TOO_MANY) return false;
    this.#conclude(id, outcome);
    return true;
  }

  #conclude(id: NetId, outcome: PathOutcome): void {
    if (outcome === NOTHING) return;
    this.#noteSlots(id);
    if (outcome === OTHERS_CHANGED) return;
    this.#changed(id);
    if (outcome === NET_LOST) this.#lost.add(id);
  }

  #noteSlots(id: NetId): void {
    const outputs = this.#pathsOutputs;
    for (let at = 0; at < outputs.length; at++) outputs[at]!.note(id, this.#paths.changedSlots);
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

  /** The same of many. */
  protected allChanged(_nets: Int32Array, _count: number): void {}

  /** Whether so many nets may have another best path now, by what a family keeps beside them. */
  protected hasRoom(_nets: number): boolean {
    return true;
  }

  /** Every net has been decided again. */
  protected rechecked(): void {}

  settle(id: NetId): void {
    this.#lost.settle(id);
  }

  settleAll(ids: Int32Array, count: number): void {
    this.#lost.settleAll(ids, count);
  }

  #isWanted(id: NetId): boolean {
    for (let at = 0; at < this.#outputs.length; at++) if (this.#outputs[at]!.wants(id)) return true;
    for (let at = 0; at < this.#pathsOutputs.length; at++) if (this.#pathsOutputs[at]!.wants(id)) return true;
    return false;
  }

  markStale(peer: PeerIndex, budget = Number.POSITIVE_INFINITY): boolean {
    if (!this.#sweeps.makeRoom(peer, budget)) return false;
    if (this.#sweeps.distrust(peer)) this.recheck();
    return true;
  }

  beginRefresh(peer: PeerIndex, budget = Number.POSITIVE_INFINITY): boolean {
    if (!this.#sweeps.makeRoom(peer, budget)) return false;
    this.#sweeps.recount(peer);
    return true;
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
    this.#lost.settleLater();
  }

  /** Decides nets again, on later turns: something other than their paths has changed, staleness or leases. */
  recheck(): void {
    this.#recheck.begin();
  }

  close(): void {
    this.#lost.close();
    this.#recheck.close();
  }
}
