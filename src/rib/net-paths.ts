import type { AttributeStore } from "./attribute-store.ts";
import { LOCAL_GAIN } from "./net-decision.ts";
import type { NetStore } from "./net-store.ts";
import type { PathChooser } from "./path-chooser.ts";
import type { PathMarks } from "./path-marks.ts";
import { BEST_CHANGED, NET_LOST, NOTHING, OTHERS_CHANGED, type PathOutcome, TOO_MANY } from "./path-outcome.ts";
import {
  KEY,
  ORIGIN,
  PATH_NEXT,
  peerIn,
  recordOf,
  SET,
  setIn,
  tagIn,
  timeIn,
  writeEpoch,
  writePath,
  writeSet,
} from "./path-record.ts";
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
  /** Announcements that were there as they came, other than those that confirm what was doubtful: counted on for ever. */
  repeated = 0;
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

  /** Adds the path of the peer in `tag` with this identifier, or overwrites it. @param now of `NetStore.times` */
  put(id: NetId, tag: number, pathId: number, attributes: AttributeId, now: number): PathOutcome | typeof TOO_MANY {
    const { nets } = this.#store;
    const net = recordOf(id);
    this.changedSlots = 0;
    if (nets[net + SET] === 0) {
      this.#write(nets, net, tag, attributes, now);
      this.#mark(id, 0, pathId);
      this.#count(tag, 1);
      return BEST_CHANGED;
    }
    if (this.#isAt(id, 0, tag & 0xffff, pathId)) return this.#replaceBest(id, tag, attributes, now);
    return this.#putFurther(id, tag, pathId, attributes, now);
  }

  #isAt(id: NetId, place: number, peer: PeerIndex, pathId: number): boolean {
    if (this.#store.peerAt(id, place) !== peer) return false;
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
    this.#store.times.retain(now);
    writePath(records, record, attributes, tag, now);
  }

  /** Only for a record that holds a path. */
  #overwrite(records: Int32Array, record: number, tag: number, attributes: AttributeId, now: number): boolean {
    const old = setIn(records, record);
    const before = tagIn(records, record);
    this.#confirmed(before);
    if (old === attributes) {
      if (this.#tags.isConfirmed(before)) this.repeated++;
      writeEpoch(records, record, tag);
      return false;
    }
    const since = timeIn(records, record);
    this.#write(records, record, tag, attributes, now);
    this.#attributes.release(old);
    this.#store.times.release(since);
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
    const net = recordOf(id);
    const wasStale = this.#tags.isStale(tagIn(nets, net));
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
    const net = recordOf(id);
    const peer = tag & 0xffff;
    const rankOfBest = this.#rank(setIn(nets, net), peerIn(nets, net));
    const rank = this.#rank(attributes, peer);
    let own = peerIn(nets, net) === peer ? 1 : 0;
    let unconfirmed = own === 1 && !this.#tags.isConfirmed(tagIn(nets, net)) ? 0 : NOWHERE;
    let path = further[id]!;
    while (path !== 0) {
      const record = recordOf(path);
      if (peerIn(paths, record) === peer) {
        if (!this.#marks.isUsed || this.#marks.idOf(id, path) === pathId) break;
        own++;
        if (!this.#tags.isConfirmed(tagIn(paths, record))) unconfirmed = path;
      }
      path = paths[record + PATH_NEXT]!;
    }
    if (path === 0 && own >= this.#pathLimit) {
      // A neighbour that is back may have numbered its paths anew: what it has not confirmed makes room.
      return unconfirmed === NOWHERE ? TOO_MANY : this.#supersede(id, unconfirmed, tag, pathId, attributes, now);
    }
    let changed = true;
    let mattered = false;
    if (path === 0) {
      path = this.#store.addPath();
      paths[recordOf(path) + PATH_NEXT] = further[id]!;
      further[id] = path;
      this.#write(paths, recordOf(path), tag, attributes, now);
      this.#mark(id, path, pathId);
      this.#count(tag, 1);
    } else {
      const record = recordOf(path);
      mattered = this.#rank(setIn(paths, record), peer) <= rankOfBest;
      const wasStale = this.#tags.isStale(tagIn(paths, record));
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
      ? this.#overwrite(nets, recordOf(id), tag, attributes, now)
      : this.#overwrite(paths, recordOf(place), tag, attributes, now);
    this.#marks.setId(id, place, pathId);
    if (other) this.#noteSlot(id, place);
    const swapped = further[id] !== 0 && this.#chooser.reselect(id);
    return swapped || (isBest && other) ? BEST_CHANGED : OTHERS_CHANGED;
  }

  #rank(attributes: AttributeId, peer: PeerIndex): number {
    const rank = this.#attributes.rank[attributes]!;
    return peer === LOCAL_PEER ? rank - LOCAL_GAIN : rank;
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
    const net = recordOf(id);
    const records = place === 0 ? nets : paths;
    const going = place === 0 ? net : recordOf(place);
    const attributes = setIn(records, going);
    const tag = tagIn(records, going);
    this.#store.times.release(timeIn(records, going));
    if (place === 0) {
      const first = further[id]!;
      if (first === 0) nets[net + SET] = 0;
      else {
        const record = recordOf(first);
        nets[net + SET] = paths[record + SET]!;
        nets[net + ORIGIN] = paths[record + ORIGIN]!;
        further[id] = paths[record + PATH_NEXT]!;
        if (this.#marks.isUsed) this.#marks.swap(id, first);
        this.#store.removePath(first);
        if (further[id] !== 0) this.#chooser.reselect(id);
      }
      this.#forget(attributes, tag);
      return first === 0 ? NET_LOST : BEST_CHANGED;
    }
    const following = paths[going + PATH_NEXT]!;
    if (previous === 0) further[id] = following;
    else paths[recordOf(previous) + PATH_NEXT] = following;
    const mattered = this.#rank(attributes, tag & 0xffff) <= this.#rank(setIn(nets, net), peerIn(nets, net));
    this.#store.removePath(place);
    this.#forget(attributes, tag);
    return mattered && this.#chooser.reselect(id) ? BEST_CHANGED : OTHERS_CHANGED;
  }

  #forget(attributes: AttributeId, tag: number): void {
    this.#confirmed(tag);
    this.#count(tag, -1);
    this.#attributes.release(attributes);
  }

  /** Makes room for further epochs. @see PathTags.younger */
  renew(id: NetId, peer: PeerIndex): void {
    const { nets, paths } = this.#store;
    if (nets[recordOf(id) + KEY] === 0 || nets[recordOf(id) + SET] === 0) return;
    let place = 0;
    do {
      const tag = this.#store.tagAt(id, place);
      if ((tag & 0xffff) === peer) {
        const younger = this.#tags.younger(tag);
        if (this.#tags.isConfirmed(younger)) this.#confirmed(tag);
        if (place === 0) writeEpoch(nets, recordOf(id), younger);
        else writeEpoch(paths, recordOf(place), younger);
      }
      place = this.#store.placeAfter(id, place);
    } while (place !== 0);
  }

  /** Gives the stale paths of `peer` other attributes; without any they are removed. */
  replaceStale(id: NetId, peer: PeerIndex, change: (attributes: AttributeId) => AttributeId | undefined): PathOutcome {
    const { nets, paths, further } = this.#store;
    const net = recordOf(id);
    if (nets[net + KEY] === 0 || nets[net + SET] === 0) return NOTHING;
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
        if (place === 0) writeSet(nets, net, attributes);
        else writeSet(paths, recordOf(place), attributes);
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
