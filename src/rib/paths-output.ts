import { IdSet } from "./id-set.ts";
import { SLOTS } from "./path-marks.ts";
import { KEY, recordOf, SET } from "./path-record.ts";
import type { PathSlots } from "./path-slots.ts";
import type { OutputHost, TableOutput } from "./route-output.ts";
import type { OutputVisitor, OutputWalker, RouteOutput } from "./route-table.ts";
import type { AttributeId, NetId, PeerIndex } from "./types.ts";
import { Verdicts } from "./verdicts.ts";

/** Nets that are looked at in one go, so that their messages can be sorted by attribute set: about two milliseconds. */
const WINDOW = 0x1000;
/** An item of the window that takes a path back. */
const WITHDRAWAL = 0x80;

export interface PathsHost extends OutputHost {
  readonly slots: PathSlots;
}

/**
 * Adj-RIB-Out of a neighbour that is told several paths of a net (RFC 7911): two words a net, a bit for each path that it was
 * told and for each that has changed since, so that only what changed is said again.
 *
 * Of each net it is told the best that it may have: not its own, not what reflection keeps from it, not what policy refuses.
 */
export class PathsOutput implements RouteOutput, TableOutput {
  readonly #host: PathsHost;
  readonly #peer: PeerIndex;
  readonly #limit: number;
  readonly #changed: IdSet;
  readonly #told: Int32Array;
  readonly #due: Int32Array;
  #advertised = 0;
  /** Nets of the window that have not changed since they were looked at. */
  readonly #settled: IdSet;
  readonly #windowNets = new Int32Array(WINDOW);
  #windowCount = 0;
  /** What is to be said: net and slot, in chains of one attribute set each. */
  readonly #itemNets = new Int32Array(WINDOW + SLOTS);
  readonly #itemSlots = new Uint8Array(WINDOW + SLOTS);
  #at = 0;
  #end = 0;
  readonly #gatheredNets = new Int32Array(WINDOW + SLOTS);
  readonly #gatheredSlots = new Uint8Array(WINDOW + SLOTS);
  #gathered = 0;
  readonly #chains: AttributeId[] = [];
  /** Sets of the paths of the net at hand, by slot. */
  readonly #sets = new Int32Array(SLOTS + 1);
  #cursor: NetId = 1;
  #recheckFrom: NetId = 1;
  #onPending: (() => void) | undefined;
  #announcedPending = false;
  #disposed = false;

  /** @param limit paths of a net; of more than `SLOTS` the best are told */
  constructor(host: PathsHost, peer: PeerIndex, limit: number) {
    this.#host = host;
    this.#peer = peer;
    this.#limit = Math.min(limit, SLOTS);
    this.#changed = new IdSet();
    this.#settled = new IdSet();
    this.#told = new Int32Array(host.capacity + 1);
    this.#due = new Int32Array(host.capacity + 1);
    this.#changed.addUpTo(host.store.netTop - 1);
  }

  get pending(): number {
    return this.#changed.size;
  }

  get advertised(): number {
    return this.#advertised;
  }

  get onPending(): (() => void) | undefined {
    return this.#onPending;
  }

  set onPending(listener: (() => void) | undefined) {
    this.#onPending = listener;
    this.#wake();
  }

  replay(): void {
    const { netTop } = this.#host.store;
    this.#changed.addUpTo(netTop - 1);
    this.#due.fill(-1, 0, netTop);
    for (let i = 0; i < this.#windowCount; i++) this.#settled.delete(this.#windowNets[i]!);
    this.#windowCount = this.#at = this.#end = 0;
    this.#wake();
  }

  recheck(
    differs: (attributes: AttributeId, source: PeerIndex, key: Uint8Array, start: number) => boolean,
    limit: number,
  ): boolean {
    const { store, slots } = this.#host;
    const { keyOctets } = store;
    this.#recheckFrom = this.#eachPath(this.#recheckFrom, Math.max(1, limit), (net, place, source) => {
      if (differs(store.attributesAt(net, place), source, keyOctets, store.keyStart(net))) {
        this.note(net, slots.bitOf(net, place));
      }
    });
    const done = this.#recheckFrom === 0;
    if (done) this.#recheckFrom = 1;
    return done;
  }

  walk(visit: OutputWalker, from: number, limit: number): number {
    const { store, slots } = this.#host;
    const { keyOctets } = store;
    return this.#eachPath(from, limit, (net, place, source) => {
      const bit = slots.bitOf(net, place);
      const slot = bit === 0 ? 0 : lowestSlot(bit);
      const told = (this.#told[net]! & bit) !== 0 ? "told" : "not-told";
      const state = this.#changed.has(net) ? "pending" : told;
      const [start, length] = [store.keyStart(net), store.keyLength(net)];
      visit(store.attributesAt(net, place), source, keyOctets, start, length, slot, state);
    });
  }

  /** Paths of so many nets that the neighbour may have, the best of each net first. Returns where to go on, 0 at the end. */
  #eachPath(from: NetId, limit: number, visit: (net: NetId, place: number, source: PeerIndex) => void): number {
    const { store, slots } = this.#host;
    const { nets, netTop } = store;
    const end = Math.min(netTop, from + limit);
    for (let net = from; net < end; net++) {
      if (nets[recordOf(net) + KEY] === 0) continue;
      const count = slots.rank(net);
      for (let i = 0; i < count; i++) {
        const place = slots.order[i]!;
        const source = store.peerAt(net, place);
        if (this.#mayHave(source)) visit(net, place, source);
      }
    }
    return end === netTop ? 0 : end;
  }

  /** Never what it said itself, and between internal peers only by reflection. @see RFC 4271 §9.2; RFC 4456 §6 */
  #mayHave(source: PeerIndex): boolean {
    return source !== this.#peer && this.#host.peers.mayPass(source, this.#peer);
  }

  wants(net: NetId): boolean {
    return this.#told[net] !== 0 || this.#changed.has(net);
  }

  /** Paths of `net` have come, gone, or changed places; those of these slots are not what they were. */
  note(net: NetId, slots: number): void {
    if (slots !== 0) this.#due[net]! |= slots;
    this.#settled.delete(net);
    if (this.#changed.add(net)) this.#wake();
  }

  /** The order of the paths of `net` may be another one. */
  reordered(net: NetId): void {
    if (this.#limit < SLOTS) this.note(net, 0);
  }

  /** A slot of `net` stands for another path now. */
  reassigned(net: NetId, bit: number): void {
    if ((this.#told[net]! & bit) !== 0) this.note(net, bit);
    // What was to be said under it is another path by now.
    else if (this.#settled.has(net)) this.note(net, 0);
  }

  #wake(): void {
    if (this.#announcedPending || this.#onPending === undefined || this.#changed.size === 0) return;
    this.#announcedPending = true;
    this.#host.clock.soon(() => {
      if (this.#disposed) return;
      if (this.#changed.size > 0) this.#onPending?.();
      else this.#announcedPending = false;
    });
  }

  drain(visitor: OutputVisitor, limit: number): number {
    const verdicts = new Verdicts(visitor);
    if (this.#at === this.#end) this.#fillWindow(verdicts);
    for (let visited = 0; visited < limit && this.#at < this.#end; visited++) {
      const net = this.#itemNets[this.#at]!;
      if (this.#settled.has(net) && !this.#say(net, this.#itemSlots[this.#at]!, visitor)) break;
      this.#at++;
    }
    verdicts.close();
    if (this.#at === this.#end) this.#closeWindow();
    if (this.#changed.size === 0) this.#announcedPending = false;
    return this.#changed.size;
  }

  /** False: the visitor wants no more, and the item stays to be said. */
  #say(net: NetId, item: number, visitor: OutputVisitor): boolean {
    const { store } = this.#host;
    const slot = item & ~WITHDRAWAL;
    const bit = 1 << (slot - 1);
    const start = store.keyStart(net);
    const length = store.keyLength(net);
    if (item !== slot) {
      if (!visitor.withdraw(store.keyOctets, start, length, slot)) return false;
      this.#told[net]! &= ~bit;
      this.#advertised--;
      return true;
    }
    const place = this.#host.slots.placeOf(net, slot);
    const source = store.peerAt(net, place);
    const attributes = store.attributesAt(net, place);
    if (!visitor.announce(attributes, store.keyOctets, start, length, source, slot)) return false;
    if ((this.#told[net]! & bit) === 0) this.#advertised++;
    this.#told[net]! |= bit;
    this.#due[net]! &= ~bit;
    return true;
  }

  /** Everything of the window has been said: what has not changed meanwhile is done. */
  #closeWindow(): void {
    for (let i = 0; i < this.#windowCount; i++) {
      const net = this.#windowNets[i]!;
      if (!this.#settled.delete(net)) continue;
      this.#changed.delete(net);
      if (this.#host.store.nets[recordOf(net) + SET] === 0) this.#host.settle(net);
    }
    this.#windowCount = 0;
  }

  /** Looks at the next changed nets behind the cursor and lays out what is to be said about them. */
  #fillWindow(verdicts: Verdicts): void {
    const { chainHeads, store } = this.#host;
    this.#gathered = 0;
    let net = this.#changed.next(this.#cursor);
    if (net === 0) net = this.#changed.next(1);
    while (net !== 0 && this.#windowCount < WINDOW && this.#gathered < WINDOW) {
      this.#cursor = net + 1;
      this.#windowNets[this.#windowCount++] = net;
      if (store.nets[recordOf(net) + KEY] !== 0) this.#gather(net, verdicts);
      this.#settled.add(net);
      net = this.#changed.next(net + 1);
    }
    this.#at = 0;
    this.#end = 0;
    for (const attributes of this.#chains) {
      for (let place = chainHeads[attributes]!; place !== 0; place = this.#host.chainNext[place]!) {
        this.#itemNets[this.#end] = this.#gatheredNets[place - 1]!;
        this.#itemSlots[this.#end++] = this.#gatheredSlots[place - 1]!;
      }
      chainHeads[attributes] = 0;
    }
    this.#chains.length = 0;
  }

  #gather(net: NetId, verdicts: Verdicts): void {
    const wanted = this.#wanted(net, verdicts);
    const told = this.#told[net]!;
    let gone = told & ~wanted;
    let news = wanted & (~told | this.#due[net]!);
    for (; gone !== 0; gone &= gone - 1) this.#add(net, lowestSlot(gone) | WITHDRAWAL, 0);
    for (; news !== 0; news &= news - 1) this.#add(net, lowestSlot(news), this.#sets[lowestSlot(news)]!);
  }

  #add(net: NetId, item: number, attributes: AttributeId): void {
    const { chainHeads, chainNext } = this.#host;
    const head = chainHeads[attributes]!;
    if (head === 0) this.#chains.push(attributes);
    this.#gatheredNets[this.#gathered] = net;
    this.#gatheredSlots[this.#gathered++] = item;
    chainNext[this.#gathered] = head;
    chainHeads[attributes] = this.#gathered;
  }

  /** The slots of the paths that the neighbour shall have. */
  #wanted(net: NetId, verdicts: Verdicts): number {
    const { slots, store } = this.#host;
    const count = slots.rank(net);
    let wanted = 0;
    for (let i = 0, taken = 0; i < count && taken < this.#limit; i++) {
      const place = slots.order[i]!;
      const source = store.peerAt(net, place);
      if (!this.#mayHave(source)) continue;
      const attributes = store.attributesAt(net, place);
      if (!verdicts.admit(attributes, source, store, net)) continue;
      const slot = slots.slotOf(net, place, count);
      this.#sets[slot] = attributes;
      wanted |= 1 << (slot - 1);
      taken++;
    }
    return wanted;
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#onPending = undefined;
    this.#host.closed(this);
  }
}

/** Of a word that is not 0. */
function lowestSlot(bits: number): number {
  return 32 - Math.clz32(bits & -bits);
}
