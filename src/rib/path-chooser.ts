import type { AttributeStore } from "./attribute-store.ts";
import { SetMark } from "./attributes.ts";
import { isInside, LOCAL_GAIN, lateRank, type PathFacts } from "./net-decision.ts";
import type { NetStore } from "./net-store.ts";
import type { PathMarks } from "./path-marks.ts";
import { ORIGIN, PATH_NEXT, recordOf, SET } from "./path-record.ts";
import type { PathTags } from "./path-tags.ts";
import type { PeerBook } from "./peer-book.ts";
import type { AttributeId, NetId } from "./types.ts";
import { LOCAL_PEER } from "./types.ts";

/**
 * Chooses the best path of a net by elimination, step by step over all of its paths, as RFC 4271 §9.1.2.2 says: comparing
 * pairs would make the result depend on the order of arrival as soon as a MED is involved.
 */
export class PathChooser {
  readonly #store: NetStore;
  readonly #attributes: AttributeStore;
  readonly #peers: PeerBook;
  readonly #tags: PathTags;
  readonly #marks: PathMarks;
  /** Paths still in the race: 0 for the one in the net record, else the number of the further path. */
  readonly #racing: number[] = [];
  /** Their sets, while MEDs are compared. */
  readonly #sets: AttributeId[] = [];
  /** Paths of a net that have no place in its order yet. */
  readonly #unplaced: number[] = [];
  /** One for all comparisons: nothing is allocated per route. */
  readonly #late = { internal: false, stale: false, routerId: 0, clusterListLength: 0, addressOrder: 0 };

  constructor(store: NetStore, attributes: AttributeStore, peers: PeerBook, tags: PathTags, marks: PathMarks) {
    this.#store = store;
    this.#attributes = attributes;
    this.#peers = peers;
    this.#tags = tags;
    this.#marks = marks;
  }

  /** Brings the best path into the net record; true when it is another one than before. */
  reselect(id: NetId): boolean {
    const { nets, paths } = this.#store;
    this.#keepBestRank(id);
    const chosen = this.#finish(id);
    if (chosen === 0) return false;
    if (this.#marks.isUsed) this.#marks.swap(id, chosen);
    const [net, path] = [recordOf(id), recordOf(chosen)];
    const set = nets[net + SET]!;
    nets[net + SET] = paths[path + SET]!;
    paths[path + SET] = set;
    const origin = nets[net + ORIGIN]!;
    nets[net + ORIGIN] = paths[path + ORIGIN]!;
    paths[path + ORIGIN] = origin;
    return true;
  }

  /**
   * Writes the paths of a net into `order`, the best first: each is the best of those that are left. At most as many as
   * `order` has room for; returns how many. Cost grows with their square.
   */
  rank(id: NetId, order: Int32Array): number {
    if (this.#store.further[id] === 0) {
      order[0] = 0;
      return 1;
    }
    const unplaced = this.#unplaced;
    unplaced.length = 0;
    let path = 0;
    do {
      unplaced.push(path);
      path = path === 0 ? this.#store.further[id]! : this.#store.paths[recordOf(path) + PATH_NEXT]!;
    } while (path !== 0);
    let placed = 0;
    while (unplaced.length > 0 && placed < order.length) {
      this.#keepBestOf(id, unplaced);
      const chosen = this.#finish(id);
      order[placed++] = chosen;
      unplaced[unplaced.indexOf(chosen)] = unplaced.at(-1)!;
      unplaced.pop();
    }
    return placed;
  }

  /** The best of those that are still racing. */
  #finish(id: NetId): number {
    if (this.#racing.length > 1) this.#keepLowestMed(id);
    return this.#racing.length > 1 ? this.#lowestLateRank(id) : this.#racing[0]!;
  }

  #keepBestRank(id: NetId): void {
    const racing = this.#racing;
    racing.length = 0;
    let least = Number.POSITIVE_INFINITY;
    let path = 0;
    do {
      const rank = this.#leadingRank(id, path);
      if (rank < least) racing.length = 0;
      if (rank <= least) racing.push(path);
      least = Math.min(rank, least);
      path = path === 0 ? this.#store.further[id]! : this.#store.paths[recordOf(path) + PATH_NEXT]!;
    } while (path !== 0);
  }

  #keepBestOf(id: NetId, candidates: readonly number[]): void {
    const racing = this.#racing;
    racing.length = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const path of candidates) {
      const rank = this.#leadingRank(id, path);
      if (rank < least) racing.length = 0;
      if (rank <= least) racing.push(path);
      least = Math.min(rank, least);
    }
  }

  #leadingRank(id: NetId, path: number): number {
    const rank = this.#attributes.rank[this.#store.attributesAt(id, path)]!;
    return this.#store.peerAt(id, path) === LOCAL_PEER ? rank - LOCAL_GAIN : rank;
  }

  #keepLowestMed(id: NetId): void {
    const { med, neighbourAs } = this.#attributes;
    const racing = this.#racing;
    const sets = this.#sets;
    let differ = false;
    for (let i = 0; i < racing.length; i++) {
      sets[i] = this.#store.attributesAt(id, racing[i]!);
      if (med[sets[i]!] !== med[sets[0]!]) differ = true;
    }
    if (!differ) return;
    let kept = 0;
    const count = racing.length;
    for (let i = 0; i < count; i++) {
      const own = sets[i]!;
      let beaten = false;
      for (let j = 0; j < count && !beaten; j++) {
        beaten = neighbourAs[sets[j]!] === neighbourAs[own] && med[sets[j]!]! < med[own]!;
      }
      if (!beaten) racing[kept++] = racing[i]!;
    }
    racing.length = kept;
  }

  #lowestLateRank(id: NetId): number {
    let chosen = this.#racing[0]!;
    let least = Number.POSITIVE_INFINITY;
    for (const path of this.#racing) {
      const rank = this.#lateRank(this.#store.attributesAt(id, path), this.#store.tagAt(id, path));
      if (rank < least || (rank === least && this.#isEarlier(id, path, chosen))) chosen = path;
      least = Math.min(rank, least);
    }
    return chosen;
  }

  /**
   * Of two paths that are equal in every step: two sessions with one neighbour, the older number stays; two paths of one
   * neighbour, the lower identifier.
   */
  #isEarlier(id: NetId, path: number, than: number): boolean {
    const order = this.#store.peerAt(id, path) - this.#store.peerAt(id, than);
    if (order !== 0 || !this.#marks.isUsed) return order < 0;
    return this.#marks.idOf(id, path) >>> 0 < this.#marks.idOf(id, than) >>> 0;
  }

  #lateRank(attributes: AttributeId, tag: number): number {
    const late = this.#late;
    const peer = tag & 0xffff;
    const { marks, originatorId, clusterListLength } = this.#attributes;
    late.internal = isInside(this.#peers.kind(peer));
    late.stale = this.#tags.isStale(tag);
    const hasOriginator = (marks[attributes]! & SetMark.originatorId) !== 0;
    late.routerId = hasOriginator ? originatorId[attributes]! : this.#peers.bgpIdentifier(peer);
    late.clusterListLength = clusterListLength[attributes]!;
    late.addressOrder = this.#peers.addressOrder(peer);
    return lateRank(late);
  }

  facts(attributes: AttributeId, tag: number): PathFacts {
    const peer = tag & 0xffff;
    return {
      set: this.#attributes.get(attributes),
      eligible: this.#attributes.judged.eligible(attributes),
      kind: this.#peers.kind(peer),
      stale: this.#tags.isStale(tag),
      bgpIdentifier: this.#peers.bgpIdentifier(peer),
      addressOrder: this.#peers.addressOrder(peer),
    };
  }
}
