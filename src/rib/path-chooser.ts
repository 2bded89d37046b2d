import type { AttributeStore } from "./attribute-store.ts";
import type { AttributeSet } from "./attributes.ts";
import { fold, LATE_STEPS, LOCAL_GAIN, type PathFacts } from "./net-decision.ts";
import { ATTRIBUTES, FURTHER, NET_SHIFT, type NetStore, PATH_NEXT, PATH_SHIFT, SINCE, TAG } from "./net-store.ts";
import type { PathTags } from "./path-tags.ts";
import type { PeerBook } from "./peer-book.ts";
import type { AttributeId, NetId } from "./types.ts";
import { LOCAL_PEER } from "./types.ts";

const NO_SET: AttributeSet = {
  origin: "incomplete",
  asPath: [],
  nextHop: new Uint8Array(16),
  communities: [],
  extendedCommunities: [],
  largeCommunities: [],
  opaque: [],
};

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
  /** One for all comparisons: nothing is allocated per route. */
  readonly #scratch: PathFacts = {
    set: NO_SET,
    eligible: false,
    kind: "internal",
    stale: false,
    bgpIdentifier: 0,
    addressOrder: 0,
  };

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
    const first = med[this.#attributesOf(net, this.#racing[0]!)];
    if (this.#racing.every((path) => med[this.#attributesOf(net, path)] === first)) return;
    const sets = this.#racing.map((path) => this.#attributesOf(net, path));
    const beaten = (own: AttributeId): boolean =>
      sets.some((other) => neighbourAs[other] === neighbourAs[own] && med[other]! < med[own]!);
    let kept = 0;
    for (const [i, set] of sets.entries()) if (!beaten(set)) this.#racing[kept++] = this.#racing[i]!;
    this.#racing.length = kept;
  }

  #lowestLateRank(net: number): number {
    let chosen = this.#racing[0]!;
    let least = Number.POSITIVE_INFINITY;
    for (const path of this.#racing) {
      const rank = fold(LATE_STEPS, this.#fill(this.#scratch, this.#attributesOf(net, path), this.#tagOf(net, path)));
      // Same address and identifier twice: two sessions with one neighbour. The older number stays.
      const tie = rank === least && (this.#tagOf(net, path) & 0xffff) < (this.#tagOf(net, chosen) & 0xffff);
      if (rank < least || tie) chosen = path;
      least = Math.min(rank, least);
    }
    return chosen;
  }

  facts(attributes: AttributeId, tag: number): PathFacts {
    return this.#fill({ ...this.#scratch }, attributes, tag);
  }

  #fill(facts: PathFacts, attributes: AttributeId, tag: number): PathFacts {
    const peer = tag & 0xffff;
    facts.set = this.#attributes.get(attributes);
    facts.eligible = this.#attributes.eligible(attributes);
    facts.kind = this.#peers.kind(peer);
    facts.stale = this.#tags.isStale(tag);
    facts.bgpIdentifier = this.#peers.bgpIdentifier(peer);
    facts.addressOrder = this.#peers.addressOrder(peer);
    return facts;
  }
}
