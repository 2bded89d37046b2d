import type { AttributeStore } from "./attribute-store.ts";
import { SetMark } from "./attributes.ts";
import { LOCAL_GAIN, lateRank, type PathFacts } from "./net-decision.ts";
import { ATTRIBUTES, FURTHER, NET_SHIFT, type NetStore, PATH_NEXT, PATH_SHIFT, SINCE, TAG } from "./net-store.ts";
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
  /** Paths still in the race: 0 for the one in the net record, else the number of the further path. */
  readonly #racing: number[] = [];
  /** Their sets, while MEDs are compared. */
  readonly #sets: AttributeId[] = [];
  /** One for all comparisons: nothing is allocated per route. */
  readonly #late = { internal: false, stale: false, routerId: 0, clusterListLength: 0, addressOrder: 0 };

  constructor(store: NetStore, attributes: AttributeStore, peers: PeerBook, tags: PathTags) {
    this.#store = store;
    this.#attributes = attributes;
    this.#peers = peers;
    this.#tags = tags;
  }

  /** Brings the best path into the net record; true when it is another one than before. */
  reselect(id: NetId): boolean {
    const { nets, paths } = this.#store;
    const net = id << NET_SHIFT;
    this.#keepBestRank(net);
    if (this.#racing.length > 1) this.#keepLowestMed(net);
    const chosen = this.#racing.length > 1 ? this.#lowestLateRank(net) : this.#racing[0]!;
    if (chosen === 0) return false;
    const path = chosen << PATH_SHIFT;
    for (let word = ATTRIBUTES; word <= SINCE; word++) {
      const value = nets[net + word]!;
      nets[net + word] = paths[path + word]!;
      paths[path + word] = value;
    }
    return true;
  }

  #attributesOf(net: number, path: number): AttributeId {
    return path === 0 ? this.#store.nets[net + ATTRIBUTES]! : this.#store.paths[(path << PATH_SHIFT) + ATTRIBUTES]!;
  }

  #tagOf(net: number, path: number): number {
    return path === 0 ? this.#store.nets[net + TAG]! : this.#store.paths[(path << PATH_SHIFT) + TAG]!;
  }

  #keepBestRank(net: number): void {
    const racing = this.#racing;
    racing.length = 0;
    let least = Number.POSITIVE_INFINITY;
    let path = 0;
    do {
      const known = this.#attributes.rank[this.#attributesOf(net, path)]!;
      const rank = (this.#tagOf(net, path) & 0xffff) === LOCAL_PEER ? known - LOCAL_GAIN : known;
      if (rank < least) racing.length = 0;
      if (rank <= least) racing.push(path);
      least = Math.min(rank, least);
      path = path === 0 ? this.#store.nets[net + FURTHER]! : this.#store.paths[(path << PATH_SHIFT) + PATH_NEXT]!;
    } while (path !== 0);
  }

  #keepLowestMed(net: number): void {
    const { med, neighbourAs } = this.#attributes;
    const racing = this.#racing;
    const sets = this.#sets;
    let differ = false;
    for (let i = 0; i < racing.length; i++) {
      sets[i] = this.#attributesOf(net, racing[i]!);
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

  #lowestLateRank(net: number): number {
    let chosen = this.#racing[0]!;
    let least = Number.POSITIVE_INFINITY;
    for (const path of this.#racing) {
      const rank = this.#lateRank(this.#attributesOf(net, path), this.#tagOf(net, path));
      // Same address and identifier twice: two sessions with one neighbour. The older number stays.
      const tie = rank === least && (this.#tagOf(net, path) & 0xffff) < (this.#tagOf(net, chosen) & 0xffff);
      if (rank < least || tie) chosen = path;
      least = Math.min(rank, least);
    }
    return chosen;
  }

  #lateRank(attributes: AttributeId, tag: number): number {
    const late = this.#late;
    const peer = tag & 0xffff;
    const { marks, originatorId, clusterListLength } = this.#attributes;
    late.internal = this.#peers.kind(peer) === "internal";
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
      eligible: this.#attributes.eligible(attributes),
      kind: this.#peers.kind(peer),
      stale: this.#tags.isStale(tag),
      bgpIdentifier: this.#peers.bgpIdentifier(peer),
      addressOrder: this.#peers.addressOrder(peer),
    };
  }
}
