import type { AttributeStore } from "./attribute-store.ts";
import { LOCAL_GAIN } from "./net-decision.ts";
import { ATTRIBUTES, KEY, NET_SHIFT, type NetStore, PATH_NEXT, PATH_SHIFT, SINCE, TAG } from "./net-store.ts";
import type { PathChooser } from "./path-chooser.ts";
import type { PathMarks } from "./path-marks.ts";
import { BEST_CHANGED, NET_LOST, NOTHING, OTHERS_CHANGED, type PathOutcome, TOO_MANY } from "./path-outcome.ts";
import type { PathTags } from "./path-tags.ts";
import type { AttributeId, NetId, PeerIndex } from "./types.ts";
import { LOCAL_PEER } from "./types.ts";

const NOWHERE = -1;

export interface NetPathsParts {
  readonly store: NetStore;
  readonly attributes: AttributeStore;
  readonly tags: PathTags;
  readonly chooser: PathChooser;
  readonly marks: PathMarks;
  readonly peerLimit: number;
  /** Paths of one net that one neighbour may have. */
  readonly pathLimit: number;
}

/**
 * The paths of each net: the best in the net's record, others in a list behind it, and how many each peer has. A path is
 * known by its peer and the identifier that it came with, 0 where there are none.
 */
export class NetPaths {
  readonly #store: NetStore;
  readonly #attributes: AttributeStore;
  readonly #tags: PathTags;
  readonly #chooser: PathChooser;
  readonly #marks: PathMarks;
  readonly #pathLimit: number;
  /** By peer: its paths, and those of them that it has not confirmed. */
  readonly ofPeer: Int32Array;
  readonly unconfirmedOf: Int32Array;
  /** Bits of the slots whose paths the latest step has changed. */
  changedSlots = 0;
  #total = 0;

  constructor(parts: NetPathsParts) {
    this.#store = parts.store;
    this.#attributes = parts.attributes;
    this.#tags = parts.tags;
    this.#chooser = parts.chooser;
    this.#marks = parts.marks;
    this.#pathLimit = parts.pathLimit;
    this.ofPeer = new Int32Array(parts.peerLimit);
    this.unconfirmedOf = new Int32Array(parts.peerLimit);
  }

  get total(): number {
    return this.#total;
  }

  /** Adds the path of the peer in `tag` with this identifier, or overwrites it. */
  put(id: NetId, tag: number, pathId: number, attributes: AttributeId, now: number): PathOutcome | typeof TOO_MANY {
    const { nets } = this.#store;
    const net = id << NET_SHIFT;
    this.changedSlots = 0;
    if (nets[net + ATTRIBUTES] === 0) {
      this.#write(nets, net, tag, attributes, now);
      this.#mark(id, 0, pathId);
      this.#count(tag, 1);
      return BEST_CHANGED;
    }
    if (this.#isAt(id, 0, tag & 0xffff, pathId)) return this.#replaceBest(id, tag, attributes, now);
    return this.#putFurther(id, tag, pathId, attributes, now);
  }

  #isAt(id: NetId, place: number, peer: PeerIndex, pathId: number): boolean {
    if ((this.#store.tagAt(id, place) & 0xffff) !== peer) return false;
    return !this.#marks.isUsed || this.#marks.idOf(id, place) === pathId;
  }

  /** Of a path that is new in its record. */
  #mark(id: NetId, place: number, pathId: number): void {
    if (!this.#marks.isUsed) return;
    this.#marks.setId(id, place, pathId);
    this.#marks.setSlot(id, place, 0);
  }

  #noteSlot(id: NetId, place: number): void {
    const slot = this.#marks.isUsed ? this.#marks.slotOf(id, place) : 0;
    if (slot !== 0) this.changedSlots |= 1 << (slot - 1);
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
    this.#confirmed(records[record + TAG]!);
    if (old === attributes) {
      records[record + TAG] = tag;
      return false;
    }
    this.#write(records, record, tag, attributes, now);
    this.#attributes.release(old);
    return true;
  }

  #confirmed(tag: number): void {
    if (!this.#tags.isConfirmed(tag)) this.unconfirmedOf[tag & 0xffff]!--;
  }

  #count(tag: number, paths: 1 | -1): void {
    this.#total += paths;
    this.ofPeer[tag & 0xffff]! += paths;
  }

  #replaceBest(id: NetId, tag: number, attributes: AttributeId, now: number): PathOutcome {
    const { nets, further } = this.#store;
    const net = id << NET_SHIFT;
    const wasStale = this.#tags.isStale(nets[net + TAG]!);
    const other = this.#overwrite(nets, net, tag, attributes, now);
    if (other) this.#noteSlot(id, 0);
    const swapped = further[id] !== 0 && (other || wasStale) && this.#chooser.reselect(id);
    return other || swapped ? BEST_CHANGED : NOTHING;
  }

  #putFurther(
    id: NetId,
    tag: number,
    pathId: number,
    attributes: AttributeId,
    now: number,
  ): PathOutcome | typeof TOO_MANY {
    const { nets, paths, further } = this.#store;
    const net = id << NET_SHIFT;
    const peer = tag & 0xffff;
    const rankOfBest = this.#rank(nets[net + ATTRIBUTES]!, nets[net + TAG]!);
    const rank = this.#rank(attributes, tag);
    let own = (nets[net + TAG]! & 0xffff) === peer ? 1 : 0;
    let unconfirmed = own === 1 && !this.#tags.isConfirmed(nets[net + TAG]!) ? 0 : NOWHERE;
    let path = further[id]!;
    while (path !== 0) {
      const other = paths[(path << PATH_SHIFT) + TAG]!;
      if ((other & 0xffff) === peer) {
        if (!this.#marks.isUsed || this.#marks.idOf(id, path) === pathId) break;
        own++;
        if (!this.#tags.isConfirmed(other)) unconfirmed = path;
      }
      path = paths[(path << PATH_SHIFT) + PATH_NEXT]!;
    }
    if (path === 0 && own >= this.#pathLimit) {
      // A neighbour that is back may have numbered its paths anew: what it has not confirmed makes room.
      return unconfirmed === NOWHERE ? TOO_MANY : this.#supersede(id, unconfirmed, tag, pathId, attributes, now);
    }
    let changed = true;
    let mattered = false;
    if (path === 0) {
      path = this.#store.addPath();
      paths[(path << PATH_SHIFT) + PATH_NEXT] = further[id]!;
      further[id] = path;
      this.#write(paths, path << PATH_SHIFT, tag, attributes, now);
      this.#mark(id, path, pathId);
      this.#count(tag, 1);
    } else {
      const record = path << PATH_SHIFT;
      mattered = this.#rank(paths[record + ATTRIBUTES]!, tag) <= rankOfBest;
      const wasStale = this.#tags.isStale(paths[record + TAG]!);
      const other = this.#overwrite(paths, record, tag, attributes, now);
      if (other) this.#noteSlot(id, path);
      changed = other || wasStale;
    }
    if ((mattered || rank <= rankOfBest) && this.#chooser.reselect(id)) return BEST_CHANGED;
    return changed ? OTHERS_CHANGED : NOTHING;
  }

  /** Puts a path into the record of another one of the same neighbour. */
  #supersede(id: NetId, place: number, tag: number, pathId: number, attributes: AttributeId, now: number): PathOutcome {
    const { nets, paths, further } = this.#store;
    const isBest = place === 0;
    const other = isBest
      ? this.#overwrite(nets, id << NET_SHIFT, tag, attributes, now)
      : this.#overwrite(paths, place << PATH_SHIFT, tag, attributes, now);
    this.#marks.setId(id, place, pathId);
    if (other) this.#noteSlot(id, place);
    const swapped = further[id] !== 0 && this.#chooser.reselect(id);
    return swapped || (isBest && other) ? BEST_CHANGED : OTHERS_CHANGED;
  }

  #rank(attributes: AttributeId, tag: number): number {
    const rank = this.#attributes.rank[attributes]!;
    return (tag & 0xffff) === LOCAL_PEER ? rank - LOCAL_GAIN : rank;
  }

  /** Removes the path of `peer` with this identifier, if there is one. */
  drop(id: NetId, peer: PeerIndex, pathId: number): PathOutcome {
    this.changedSlots = 0;
    if (this.#store.attributesAt(id, 0) === 0) return NOTHING;
    let previous = NOWHERE;
    let place = 0;
    do {
      if (this.#isAt(id, place, peer, pathId)) return this.#remove(id, place, previous);
      previous = place;
      place = this.#store.placeAfter(id, place);
    } while (place !== 0);
    return NOTHING;
  }

  /** Removes the paths of `peer` that `doomed` names. */
  dropAll(id: NetId, peer: PeerIndex, doomed: (tag: number, attributes: AttributeId) => boolean): PathOutcome {
    this.changedSlots = 0;
    let outcome: PathOutcome = NOTHING;
    let previous = NOWHERE;
    let place = 0;
    while (this.#store.attributesAt(id, 0) !== 0) {
      const tag = this.#store.tagAt(id, place);
      if ((tag & 0xffff) === peer && doomed(tag, this.#store.attributesAt(id, place))) {
        const step = this.#remove(id, place, previous);
        if (step > outcome) outcome = step;
        // What is left may have changed places.
        previous = NOWHERE;
        place = 0;
        continue;
      }
      previous = place;
      place = this.#store.placeAfter(id, place);
      if (place === 0) break;
    }
    return outcome;
  }

  /** @param previous the place in front of `place` in the list */
  #remove(id: NetId, place: number, previous: number): PathOutcome {
    const { nets, paths, further } = this.#store;
    const net = id << NET_SHIFT;
    const attributes = this.#store.attributesAt(id, place);
    const tag = this.#store.tagAt(id, place);
    if (place === 0) {
      const first = further[id]!;
      if (first === 0) nets[net + ATTRIBUTES] = 0;
      else {
        const record = first << PATH_SHIFT;
        for (let word = ATTRIBUTES; word <= SINCE; word++) nets[net + word] = paths[record + word]!;
        further[id] = paths[record + PATH_NEXT]!;
        if (this.#marks.isUsed) this.#marks.swap(id, first);
        this.#store.removePath(first);
        if (further[id] !== 0) this.#chooser.reselect(id);
      }
      this.#forget(attributes, tag);
      return first === 0 ? NET_LOST : BEST_CHANGED;
    }
    const following = this.#store.placeAfter(id, place);
    if (previous === 0) further[id] = following;
    else paths[(previous << PATH_SHIFT) + PATH_NEXT] = following;
    const mattered = this.#rank(attributes, tag) <= this.#rank(nets[net + ATTRIBUTES]!, nets[net + TAG]!);
    this.#store.removePath(place);
    this.#forget(attributes, tag);
    return mattered && this.#chooser.reselect(id) ? BEST_CHANGED : OTHERS_CHANGED;
  }

  #forget(attributes: AttributeId, tag: number): void {
    this.#confirmed(tag);
    this.#count(tag, -1);
    this.#attributes.release(attributes);
  }

  /** Gives the stale paths of `peer` other attributes; without any they are removed. */
  replaceStale(id: NetId, peer: PeerIndex, change: (attributes: AttributeId) => AttributeId | undefined): PathOutcome {
    const { nets, paths, further } = this.#store;
    const net = id << NET_SHIFT;
    if (nets[net + KEY] === 0 || nets[net + ATTRIBUTES] === 0) return NOTHING;
    let outcome: PathOutcome = NOTHING;
    let slots = 0;
    let goes = false;
    let place = 0;
    do {
      const tag = this.#store.tagAt(id, place);
      const old = this.#store.attributesAt(id, place);
      const attributes = (tag & 0xffff) === peer && this.#tags.isStale(tag) ? change(old) : old;
      if (attributes === undefined) goes = true;
      else if (attributes !== old) {
        this.#attributes.retain(attributes);
        if (place === 0) nets[net + ATTRIBUTES] = attributes;
        else paths[(place << PATH_SHIFT) + ATTRIBUTES] = attributes;
        this.#attributes.release(old);
        this.changedSlots = 0;
        this.#noteSlot(id, place);
        slots |= this.changedSlots;
        if (outcome !== BEST_CHANGED) outcome = place === 0 ? BEST_CHANGED : OTHERS_CHANGED;
      }
      place = this.#store.placeAfter(id, place);
    } while (place !== 0);
    if (outcome !== NOTHING && further[id] !== 0 && this.#chooser.reselect(id)) outcome = BEST_CHANGED;
    if (goes) {
      const dropped = this.dropAll(
        id,
        peer,
        (tag, attributes) => this.#tags.isStale(tag) && change(attributes) === undefined,
      );
      if (dropped > outcome) outcome = dropped;
    }
    this.changedSlots = slots;
    return outcome;
  }
}
