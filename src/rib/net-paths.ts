import type { AttributeStore } from "./attribute-store.ts";
import { LOCAL_GAIN } from "./net-decision.ts";
import { ATTRIBUTES, FURTHER, KEY, NET_SHIFT, type NetStore, PATH_NEXT, PATH_SHIFT, SINCE, TAG } from "./net-store.ts";
import type { PathChooser } from "./path-chooser.ts";
import type { PathTags } from "./path-tags.ts";
import type { AttributeId, NetId, PeerIndex } from "./types.ts";
import { LOCAL_PEER } from "./types.ts";

/** What a step did to its net: numbers, as there is one for each route. */
export type PathOutcome = typeof BEST_STAYS | typeof BEST_CHANGED | typeof NET_LOST;
export const BEST_STAYS = 0;
export const BEST_CHANGED = 1;
/** It has no path any more. */
export const NET_LOST = 2;

export interface NetPathsParts {
  readonly store: NetStore;
  readonly attributes: AttributeStore;
  readonly tags: PathTags;
  readonly chooser: PathChooser;
  readonly peerLimit: number;
}

/** The paths of each net: the best in the net's record, others in a list behind it, and how many each peer has. */
export class NetPaths {
  readonly #store: NetStore;
  readonly #attributes: AttributeStore;
  readonly #tags: PathTags;
  readonly #chooser: PathChooser;
  /** By peer: its paths, and those of them that are stale. */
  readonly ofPeer: Int32Array;
  readonly staleOf: Int32Array;
  #total = 0;

  constructor(parts: NetPathsParts) {
    this.#store = parts.store;
    this.#attributes = parts.attributes;
    this.#tags = parts.tags;
    this.#chooser = parts.chooser;
    this.ofPeer = new Int32Array(parts.peerLimit);
    this.staleOf = new Int32Array(parts.peerLimit);
  }

  get total(): number {
    return this.#total;
  }

  /** Adds the path of the peer in `tag`, or overwrites it. True: the best path is another one now. */
  put(id: NetId, tag: number, attributes: AttributeId, now: number): boolean {
    const { nets } = this.#store;
    const net = id << NET_SHIFT;
    if (nets[net + ATTRIBUTES] === 0) {
      this.#write(nets, net, tag, attributes, now);
      this.#count(tag, 1);
      return true;
    }
    if ((nets[net + TAG]! & 0xffff) === (tag & 0xffff)) return this.#replaceBest(id, tag, attributes, now);
    return this.#putFurther(id, tag, attributes, now);
  }

  #write(records: Int32Array, record: number, tag: number, attributes: AttributeId, now: number): void {
    this.#attributes.retain(attributes);
    records[record + ATTRIBUTES] = attributes;
    records[record + TAG] = tag;
    records[record + SINCE] = now;
  }

  /** Only for a record that holds a path. */
  #overwrite(records: Int32Array, record: number, tag: number, attributes: AttributeId, now: number): boolean {
    const old = records[record + ATTRIBUTES]!;
    this.#refreshed(records[record + TAG]!);
    if (old === attributes) {
      records[record + TAG] = tag;
      return false;
    }
    this.#write(records, record, tag, attributes, now);
    this.#attributes.release(old);
    return true;
  }

  #refreshed(tag: number): void {
    if (this.#tags.isStale(tag)) this.staleOf[tag & 0xffff]!--;
  }

  #count(tag: number, paths: 1 | -1): void {
    this.#total += paths;
    this.ofPeer[tag & 0xffff]! += paths;
  }

  #replaceBest(id: NetId, tag: number, attributes: AttributeId, now: number): boolean {
    const { nets } = this.#store;
    const net = id << NET_SHIFT;
    const wasStale = this.#tags.isStale(nets[net + TAG]!);
    const other = this.#overwrite(nets, net, tag, attributes, now);
    const swapped = nets[net + FURTHER] !== 0 && (other || wasStale) && this.#chooser.reselect(id);
    return other || swapped;
  }

  #putFurther(id: NetId, tag: number, attributes: AttributeId, now: number): boolean {
    const { nets, paths } = this.#store;
    const net = id << NET_SHIFT;
    const rankOfBest = this.#rank(nets[net + ATTRIBUTES]!, nets[net + TAG]!);
    const rank = this.#rank(attributes, tag);
    let path = nets[net + FURTHER]!;
    while (path !== 0 && (paths[(path << PATH_SHIFT) + TAG]! & 0xffff) !== (tag & 0xffff)) {
      path = paths[(path << PATH_SHIFT) + PATH_NEXT]!;
    }
    let mattered = false;
    if (path === 0) {
      path = this.#store.addPath();
      paths[(path << PATH_SHIFT) + PATH_NEXT] = nets[net + FURTHER]!;
      nets[net + FURTHER] = path;
      this.#write(paths, path << PATH_SHIFT, tag, attributes, now);
      this.#count(tag, 1);
    } else {
      mattered = this.#rank(paths[(path << PATH_SHIFT) + ATTRIBUTES]!, tag) <= rankOfBest;
      this.#overwrite(paths, path << PATH_SHIFT, tag, attributes, now);
    }
    return (mattered || rank <= rankOfBest) && this.#chooser.reselect(id);
  }

  #rank(attributes: AttributeId, tag: number): number {
    const rank = this.#attributes.rank[attributes]!;
    return (tag & 0xffff) === LOCAL_PEER ? rank - LOCAL_GAIN : rank;
  }

  /** Removes the path of `peer`, if there is one. */
  drop(id: NetId, peer: PeerIndex): PathOutcome {
    const { nets, paths } = this.#store;
    const net = id << NET_SHIFT;
    const best = nets[net + ATTRIBUTES]!;
    if (best === 0) return BEST_STAYS;
    const tag = nets[net + TAG]!;
    const first = nets[net + FURTHER]!;
    if ((tag & 0xffff) === peer) {
      if (first === 0) nets[net + ATTRIBUTES] = 0;
      else {
        const record = first << PATH_SHIFT;
        for (let word = ATTRIBUTES; word <= SINCE; word++) nets[net + word] = paths[record + word]!;
        nets[net + FURTHER] = paths[record + PATH_NEXT]!;
        this.#store.removePath(first);
        this.#chooser.reselect(id);
      }
      this.#forget(best, tag);
      return first === 0 ? NET_LOST : BEST_CHANGED;
    }
    let previous = 0;
    let path = first;
    while (path !== 0 && (paths[(path << PATH_SHIFT) + TAG]! & 0xffff) !== peer) {
      previous = path;
      path = paths[(path << PATH_SHIFT) + PATH_NEXT]!;
    }
    if (path === 0) return BEST_STAYS;
    const record = path << PATH_SHIFT;
    const following = paths[record + PATH_NEXT]!;
    if (previous === 0) nets[net + FURTHER] = following;
    else paths[(previous << PATH_SHIFT) + PATH_NEXT] = following;
    const attributes = paths[record + ATTRIBUTES]!;
    const pathTag = paths[record + TAG]!;
    const mattered = this.#rank(attributes, pathTag) <= this.#rank(best, tag);
    this.#store.removePath(path);
    this.#forget(attributes, pathTag);
    return mattered && this.#chooser.reselect(id) ? BEST_CHANGED : BEST_STAYS;
  }

  #forget(attributes: AttributeId, tag: number): void {
    this.#refreshed(tag);
    this.#count(tag, -1);
    this.#attributes.release(attributes);
  }

  /** Gives the path of `peer`, which must have one, other attributes; without any it is removed. */
  replace(id: NetId, peer: PeerIndex, change: (attributes: AttributeId) => AttributeId | undefined): PathOutcome {
    const { nets, paths } = this.#store;
    const net = id << NET_SHIFT;
    const isBest = (nets[net + TAG]! & 0xffff) === peer;
    let path = nets[net + FURTHER]!;
    while (!isBest && (paths[(path << PATH_SHIFT) + TAG]! & 0xffff) !== peer) {
      path = paths[(path << PATH_SHIFT) + PATH_NEXT]!;
    }
    const records = isBest ? nets : paths;
    const at = (isBest ? net : path << PATH_SHIFT) + ATTRIBUTES;
    const old = records[at]!;
    const attributes = change(old);
    if (attributes === old) return BEST_STAYS;
    if (attributes === undefined) return this.drop(id, peer);
    this.#attributes.retain(attributes);
    records[at] = attributes;
    this.#attributes.release(old);
    const swapped = nets[net + FURTHER] !== 0 && this.#chooser.reselect(id);
    return isBest || swapped ? BEST_CHANGED : BEST_STAYS;
  }

  /** The tag of the path of `peer`, if it has one. */
  tagOf(id: NetId, peer: PeerIndex): number | undefined {
    const { nets, paths } = this.#store;
    const net = id << NET_SHIFT;
    if (nets[net + KEY] === 0 || nets[net + ATTRIBUTES] === 0) return undefined;
    if ((nets[net + TAG]! & 0xffff) === peer) return nets[net + TAG]!;
    for (let path = nets[net + FURTHER]!; path !== 0; path = paths[(path << PATH_SHIFT) + PATH_NEXT]!) {
      const tag = paths[(path << PATH_SHIFT) + TAG]!;
      if ((tag & 0xffff) === peer) return tag;
    }
    return undefined;
  }
}
