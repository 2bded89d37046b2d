import { compareOctets } from "../base/index.ts";
import { RibError } from "./fault.ts";
import type { PeerIndex, PeerKind, RibPeer } from "./types.ts";
import { LOCAL_PEER } from "./types.ts";

const KINDS: readonly PeerKind[] = ["local", "internal", "external", "confederation"];

/** Who the small numbers are. */
export class PeerBook {
  readonly limit: number;
  readonly #kind: Uint8Array;
  /** 1: internal, and no client of this reflector. Asked for each route that is told. */
  readonly #meshed: Uint8Array;
  readonly #identifier: Uint32Array;
  readonly #addressOrder: Uint16Array;
  readonly #peers: (RibPeer | undefined)[] = [];

  constructor(limit: number, local: RibPeer) {
    this.limit = limit;
    this.#kind = new Uint8Array(limit);
    this.#meshed = new Uint8Array(limit);
    this.#identifier = new Uint32Array(limit);
    this.#addressOrder = new Uint16Array(limit);
    this.#set(LOCAL_PEER, local);
  }

  open(peer: RibPeer): PeerIndex {
    for (let index = 1; index < this.limit; index++) {
      if (this.#peers[index] !== undefined) continue;
      this.#set(index, peer);
      return index;
    }
    throw new RibError({ code: "rib.peer-limit", limit: this.limit - 1 }, `${this.limit - 1} neighbours are the most`);
  }

  /** This router is known by other numbers from now on. */
  replaceLocal(local: RibPeer): void {
    this.#set(LOCAL_PEER, local);
  }

  #set(index: PeerIndex, peer: RibPeer): void {
    this.#peers[index] = peer;
    this.#kind[index] = KINDS.indexOf(peer.kind);
    this.#meshed[index] = peer.kind === "internal" && peer.reflectorClient !== true ? 1 : 0;
    this.#identifier[index] = peer.bgpIdentifier;
    this.#orderAddresses();
  }

  /** Adding or removing one peer never changes the order of two others, so what was decided stays decided. */
  #orderAddresses(): void {
    const known = this.#peers.flatMap((peer, index) => (peer === undefined ? [] : [{ peer, index }]));
    known.sort((a, b) => compareOctets(a.peer.address, b.peer.address));
    let order = 0;
    for (const [i, { peer, index }] of known.entries()) {
      if (i > 0 && compareOctets(known[i - 1]!.peer.address, peer.address) !== 0) order++;
      this.#addressOrder[index] = order;
    }
  }

  free(index: PeerIndex): void {
    this.#peers[index] = undefined;
  }

  get(index: PeerIndex): RibPeer | undefined {
    return this.#peers[index];
  }

  kind(index: PeerIndex): PeerKind {
    return KINDS[this.#kind[index]!]!;
  }

  /** Whether routes of one may go to the other: between two internal ones only where one is a client. @see RFC 4456 §6 */
  mayPass(from: PeerIndex, to: PeerIndex): boolean {
    return (this.#meshed[from]! & this.#meshed[to]!) === 0;
  }

  bgpIdentifier(index: PeerIndex): number {
    return this.#identifier[index]!;
  }

  addressOrder(index: PeerIndex): number {
    return this.#addressOrder[index]!;
  }
}
