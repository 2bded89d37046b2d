import type { Clock } from "../base/index.ts";
import { IdSet } from "./id-set.ts";
import type { NetStore } from "./net-store.ts";
import { KEY, peerIn, recordOf, SET, setIn } from "./path-record.ts";
import type { PeerBook } from "./peer-book.ts";
import type { OutputVisitor, OutputWalker, RouteOutput } from "./route-table.ts";
import type { AttributeId, NetId, PeerIndex } from "./types.ts";
import { Verdicts } from "./verdicts.ts";

/** Changed nets that are sorted by attribute set at a time; a wider window packs messages better. */
const WINDOW = 0x10000;
/** The first window of a replay, so that the first route is not kept waiting; each is twice as wide as the one before. */
const FIRST_WINDOW = 0x800;

/** What a table needs of an output. */
export interface TableOutput {
  /** Whether it may have something to say about `net`, or has said something about it. */
  wants(net: NetId): boolean;
}

/** What an output needs of its table. */
export interface OutputHost {
  readonly store: NetStore;
  readonly peers: PeerBook;
  readonly clock: Clock;
  readonly capacity: number;
  /** Shared scratch: head of the chain of each attribute set, all zero between uses. */
  readonly chainHeads: Int32Array;
  /** Shared scratch: next window place in the chain. */
  readonly chainNext: Int32Array;
  /** Shared scratch: nets of a window in the order of their numbers, and the sets that they have. */
  readonly gathered: Int32Array;
  readonly used: Int32Array;
  /** `output` needs a net no more that has no path: it may be forgotten when nobody else does. */
  settle(net: NetId): void;
  /** The same for many, each once; the array is written over. */
  settleAll(nets: Int32Array, count: number): void;
  closed(output: TableOutput): void;
}

export type ChainScratch = Pick<OutputHost, "chainHeads" | "chainNext" | "gathered" | "used">;

export function makeChainScratch(attributeLimit: number): ChainScratch {
  return {
    chainHeads: new Int32Array(attributeLimit + 1),
    chainNext: new Int32Array(WINDOW + 1),
    gathered: new Int32Array(WINDOW),
    used: new Int32Array(WINDOW),
  };
}

/** Adj-RIB-Out of one neighbour: one bit for "must hear about it" and one for "was told", and the neighbour's own place in the walk over them. */
export class NeighbourOutput implements RouteOutput, TableOutput {
  readonly #host: OutputHost;
  readonly #peer: PeerIndex;
  readonly #changed: IdSet;
  readonly #advertised: IdSet;
  #window = new Int32Array(1);
  /** Nets of the drain in hand that have no path any more. */
  #forgotten = new Int32Array(256);
  #forgottenCount = 0;
  #windowAt = 0;
  #windowEnd = 0;
  #width = FIRST_WINDOW;
  #cursor: NetId = 1;
  #recheckFrom: NetId = 1;
  #onPending: (() => void) | undefined;
  #announcedPending = false;
  #disposed = false;
  /** Made once: a closure inside `#wake` would cost every call of it. */
  readonly #laterTurn = (): void => {
    if (this.#disposed) return;
    if (this.#changed.size > 0) this.#onPending?.();
    else this.#announcedPending = false;
  };

  constructor(host: OutputHost, peer: PeerIndex) {
    this.#host = host;
    this.#peer = peer;
    this.#changed = new IdSet();
    this.#advertised = new IdSet();
    this.replay();
  }

  get pending(): number {
    return this.#changed.size;
  }

  get advertised(): number {
    return this.#advertised.size;
  }

  get onPending(): (() => void) | undefined {
    return this.#onPending;
  }

  set onPending(listener: (() => void) | undefined) {
    this.#onPending = listener;
    this.#wake();
  }

  replay(): void {
    this.#width = FIRST_WINDOW;
    this.#changed.addUpTo(this.#host.store.netTop - 1);
    this.#wake();
  }

  recheck(
    differs: (attributes: AttributeId, source: PeerIndex, key: Uint8Array, start: number) => boolean,
    limit: number,
  ): boolean {
    const { store } = this.#host;
    const { nets, netTop, keyOctets } = store;
    const end = Math.min(netTop, this.#recheckFrom + Math.max(1, limit));
    for (let net = this.#recheckFrom; net < end; net++) {
      if (this.#changed.has(net) || !this.#mayHave(net)) continue;
      const record = recordOf(net);
      if (differs(setIn(nets, record), peerIn(nets, record), keyOctets, store.keyStart(net))) this.#changed.add(net);
    }
    const done = end === netTop;
    this.#recheckFrom = done ? 1 : end;
    this.#wake();
    return done;
  }

  walk(visit: OutputWalker, from: number, limit: number): number {
    const { store } = this.#host;
    const end = Math.min(store.netTop, from + limit);
    for (let net = from; net < end; net++) {
      if (!this.#mayHave(net)) continue;
      const told = this.#advertised.has(net) ? "told" : "not-told";
      const state = this.#changed.has(net) ? "pending" : told;
      const [start, length] = [store.keyStart(net), store.keyLength(net)];
      visit(store.attributesAt(net, 0), store.peerAt(net, 0), store.keyOctets, start, length, 0, state);
    }
    return end === store.netTop ? 0 : end;
  }

  wants(net: NetId): boolean {
    return this.#changed.has(net) || this.#advertised.has(net);
  }

  /** The best path of `net` is another one now, or there is none. */
  note(net: NetId): void {
    if (this.#advertised.has(net) || this.#mayHave(net)) {
      if (this.#changed.add(net)) this.#wake();
    } else this.#changed.delete(net);
  }

  /** None of these nets has a path any more. */
  noteLost(nets: Int32Array, count: number): void {
    for (let i = 0; i < count; i++) {
      const net = nets[i]!;
      if (this.#advertised.has(net)) this.#changed.add(net);
      else this.#changed.delete(net);
    }
    this.#wake();
  }

  /** Never back to where it came from, and between internal peers only by reflection. @see RFC 4271 §9.2; RFC 4456 §6 */
  #mayHave(net: NetId): boolean {
    const { nets } = this.#host.store;
    const record = recordOf(net);
    return nets[record + SET] !== 0 && this.#mayHaveFrom(peerIn(nets, record));
  }

  #mayHaveFrom(source: PeerIndex): boolean {
    return source !== this.#peer && this.#host.peers.mayPass(source, this.#peer);
  }

  #wake(): void {
    if (this.#announcedPending || this.#onPending === undefined || this.#changed.size === 0) return;
    this.#announcedPending = true;
    this.#host.clock.soon(this.#laterTurn);
  }

  drain(visitor: OutputVisitor, limit: number): number {
    const verdicts = new Verdicts(visitor);
    const { nets } = this.#host.store;
    let visited = 0;
    while (visited < limit) {
      if (this.#windowAt === this.#windowEnd && !this.#fillWindow()) break;
      const net = this.#window[this.#windowAt]!;
      if (this.#changed.has(net)) {
        const isLost = nets[recordOf(net) + SET] === 0;
        if (!(isLost ? this.#takeBack(net, visitor) : this.#offer(net, visitor, verdicts))) break;
        visited++;
      }
      this.#windowAt++;
    }
    verdicts.close();
    if (this.#forgottenCount > 0) this.#host.settleAll(this.#forgotten, this.#forgottenCount);
    this.#forgottenCount = 0;
    if (this.#changed.size === 0) this.#announcedPending = false;
    return this.#changed.size;
  }

  /** A net without a path is done with; at the end of the drain, together with others. */
  #forget(net: NetId): void {
    if (this.#forgottenCount === this.#forgotten.length) {
      const more = new Int32Array(2 * this.#forgottenCount);
      more.set(this.#forgotten);
      this.#forgotten = more;
    }
    this.#forgotten[this.#forgottenCount++] = net;
  }

  /** False: the visitor wants no more, and the net stays to be told. */
  #offer(net: NetId, visitor: OutputVisitor, verdicts: Verdicts): boolean {
    const { store } = this.#host;
    const record = recordOf(net);
    const attributes = setIn(store.nets, record);
    const source = peerIn(store.nets, record);
    if (this.#mayHaveFrom(source) && verdicts.admit(attributes, source, store, net)) {
      const { keyOctets } = store;
      if (!visitor.announce(attributes, keyOctets, store.keyStart(net), store.keyLength(net), source, 0)) return false;
      this.#advertised.add(net);
    } else if (this.#advertised.has(net)) {
      if (!visitor.withdraw(store.keyOctets, store.keyStart(net), store.keyLength(net), 0)) return false;
      this.#advertised.delete(net);
    }
    this.#changed.delete(net);
    return true;
  }

  /** The same for a net without a path, that others may have forgotten already. */
  #takeBack(net: NetId, visitor: OutputVisitor): boolean {
    const { store } = this.#host;
    if (store.nets[recordOf(net) + KEY] !== 0) {
      if (this.#advertised.has(net)) {
        if (!visitor.withdraw(store.keyOctets, store.keyStart(net), store.keyLength(net), 0)) return false;
        this.#advertised.delete(net);
      }
      this.#forget(net);
    }
    this.#changed.delete(net);
    return true;
  }

  /**
   * Takes the next changed nets behind the cursor: those without a path first, others in chains of one attribute set each, chains
   * laid out one after the other.
   */
  #fillWindow(): boolean {
    const { chainHeads, chainNext, gathered, used, store } = this.#host;
    const { nets } = store;
    const width = this.#width;
    const needed = Math.min(width, this.#changed.size);
    if (this.#window.length < needed) this.#window = new Int32Array(2 ** (32 - Math.clz32(needed - 1)));
    const window = this.#window;
    let lost = 0;
    let count = 0;
    let sets = 0;
    let last = 0;
    let net = this.#changed.next(this.#cursor);
    if (net === 0) net = this.#changed.next(1);
    for (; net !== 0 && lost + count < width; net = this.#changed.next(net + 1)) {
      last = net;
      const attributes = setIn(nets, recordOf(net));
      if (attributes === 0) {
        window[lost++] = net;
        continue;
      }
      const head = chainHeads[attributes]!;
      if (head === 0) used[sets++] = attributes;
      gathered[count++] = net;
      chainNext[count] = head;
      chainHeads[attributes] = count;
    }
    this.#width = Math.min(WINDOW, 2 * width);
    this.#cursor = last + 1;
    this.#windowAt = 0;
    let end = lost;
    for (let i = 0; i < sets; i++) {
      const attributes = used[i]!;
      for (let place = chainHeads[attributes]!; place !== 0; place = chainNext[place]!)
        window[end++] = gathered[place - 1]!;
      chainHeads[attributes] = 0;
    }
    this.#windowEnd = end;
    return end > 0;
  }

  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#onPending = undefined;
    this.#host.closed(this);
  }
}
