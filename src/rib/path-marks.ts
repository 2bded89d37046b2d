import type { NetId, PeerIndex } from "./types.ts";

/** Paths of one net that are told apart towards neighbours: one for each bit of a word. */
export const SLOTS = 32;

/**
 * What only tables with several paths of one neighbour need (RFC 7911), beside the records, so that others pay nothing: the
 * arrays are address space until something is written. A place is 0 for the path in the net record, else the number of the
 * further path.
 */
export class PathMarks {
  /** Whether any mark was ever set: nothing has to be kept in step before. */
  isUsed = false;
  /** Path identifier as received, by net and by further path. */
  readonly #netIds: Int32Array;
  readonly #pathIds: Int32Array;
  /** The identifier as sent, 1 to `SLOTS`; 0: none yet. */
  readonly #netSlots: Uint8Array;
  readonly #pathSlots: Uint8Array;
  readonly #hasIds: Uint8Array;

  constructor(limits: { readonly maxRoutes: number; readonly maxPaths: number; readonly peers: number }) {
    this.#netIds = new Int32Array(limits.maxRoutes + 1);
    this.#pathIds = new Int32Array(limits.maxPaths + 1);
    this.#netSlots = new Uint8Array(limits.maxRoutes + 1);
    this.#pathSlots = new Uint8Array(limits.maxPaths + 1);
    this.#hasIds = new Uint8Array(limits.peers);
  }

  /** Whether routes of this neighbour come with identifiers. */
  sawIds(peer: PeerIndex, hasIds: boolean): void {
    this.#hasIds[peer] = hasIds ? 1 : 0;
    if (hasIds) this.isUsed = true;
  }

  /** As received; `undefined` where there is none. */
  receivedId(net: NetId, place: number, peer: PeerIndex): number | undefined {
    const id = this.idOf(net, place) >>> 0;
    return id === 0 && this.#hasIds[peer] === 0 ? undefined : id;
  }

  idOf(net: NetId, place: number): number {
    return place === 0 ? this.#netIds[net]! : this.#pathIds[place]!;
  }

  slotOf(net: NetId, place: number): number {
    return place === 0 ? this.#netSlots[net]! : this.#pathSlots[place]!;
  }

  setId(net: NetId, place: number, id: number): void {
    if (place === 0) this.#netIds[net] = id;
    else this.#pathIds[place] = id;
  }

  setSlot(net: NetId, place: number, slot: number): void {
    this.isUsed = true;
    if (place === 0) this.#netSlots[net] = slot;
    else this.#pathSlots[place] = slot;
  }

  /** The path in the net record and a further one change places. */
  swap(net: NetId, place: number): void {
    const id = this.#netIds[net]!;
    const slot = this.#netSlots[net]!;
    this.#netIds[net] = this.#pathIds[place]!;
    this.#netSlots[net] = this.#pathSlots[place]!;
    this.#pathIds[place] = id;
    this.#pathSlots[place] = slot;
  }
}
