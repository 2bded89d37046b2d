import {
  type Clock,
  formatIpv6,
  type Ipv6Address,
  type Log,
  type Metrics,
  milliseconds,
  octetsEqual,
  sameValue,
  toHex,
} from "../../base/index.ts";
import {
  type AttributeId,
  type AttributeSet,
  EACH_KEY,
  LOCAL_PEER,
  type OutputVisitor,
  type PeerIndex,
  type Rib,
  RibError,
  type RibPeer,
  type RouteOutput,
} from "../../rib/index.ts";
import type { AttributeCodec } from "../wire/index.ts";
import { type Derived, deriveRoute } from "./derive.ts";
import { type BrownfieldDomain, placeOf } from "./domain.ts";
import { lostOf } from "./lost.ts";
import { markOf } from "./mark.ts";
import { type BrownfieldStatus, NeighbourBook, type RouteFinding } from "./neighbour-book.ts";

export type { BrownfieldStatus } from "./neighbour-book.ts";

/** How long routes are read before the event loop gets a turn, and how many before the clock is looked at. */
const TURN = milliseconds(3);
const AT_ONCE = 32;

export interface BrownfieldImportOptions {
  readonly domain: BrownfieldDomain;
  readonly bgpIdentifier: number;
  /** Addresses of the neighbours with brownfield, canonical text. */
  readonly neighbours: readonly string[];
}

export interface BrownfieldImportParts {
  readonly rib: Rib;
  readonly codec: AttributeCodec;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * What a neighbour is in the capability table: two peers, as a site's own address and that of any site may say the same of
 * one site, each for as long as it is there. The first has the lower number, which breaks the tie.
 */
interface Entrance {
  readonly unique: PeerIndex;
  readonly anycast: PeerIndex;
  routes: number;
}

/** One unicast route, and what was made of it. */
interface Learnt {
  readonly book: NeighbourBook;
  readonly finding: RouteFinding;
  readonly made: { readonly entrance: Entrance; readonly peer: PeerIndex; readonly key: Uint8Array } | undefined;
}

/**
 * Follows the IPv6 unicast table: the best route of each /128 of the domain that a brownfield neighbour brought is a
 * route of the capability table as well, for as long as it is there. Leases end in the capability table, as all do.
 * The object per route is a few hundred octets; there are as many as sites of capabilities on the far side.
 */
export class BrownfieldImport implements Disposable {
  #options: BrownfieldImportOptions;
  readonly #parts: BrownfieldImportParts;
  readonly #output: RouteOutput;
  readonly #observer: PeerIndex;
  #books: ReadonlyMap<string, NeighbourBook> = new Map();
  /** By the address in hexadecimal. */
  readonly #learnt = new Map<string, Learnt>();
  readonly #entrances = new Map<RibPeer, Entrance>();
  #closed = false;
  /** Reading goes on on a later turn. */
  #isReading = false;
  /** Those who wait until all that is in the table is read. */
  #settled: (() => void)[] = [];

  constructor(options: BrownfieldImportOptions, parts: BrownfieldImportParts) {
    this.#options = options;
    this.#parts = parts;
    const { rib } = parts;
    this.#openBooks();
    this.#observer = rib.openPeer({
      name: "brownfield",
      kind: "external", // hears about routes of all neighbours
      bgpIdentifier: options.bgpIdentifier,
      address: new Uint8Array(16),
      autonomousSystem: 0,
    });
    this.#output = rib.unicast("ipv6-unicast").openOutput(this.#observer);
    const visitor = this.#visitor();
    const drain = (): void => {
      const start = parts.clock.monotonic();
      while (!this.#closed && this.#output.drain(visitor, AT_ONCE) > 0) {
        if (parts.clock.monotonic() - start < TURN) continue;
        this.#isReading = true;
        parts.clock.soon(drain);
        return;
      }
      this.#isReading = false;
      this.#tellSettled();
    };
    this.#output.onPending = drain;
  }

  /** Resolves when all that is in the unicast table is in the capability table, too, or when this is disposed. */
  settled(): Promise<void> {
    if (this.#closed || (!this.#isReading && this.#output.pending === 0)) return Promise.resolve();
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  #tellSettled(): void {
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  /** Goes by something else from now on: all that is in the table is read again, over later turns. */
  change(options: BrownfieldImportOptions): void {
    this.#options = options;
    this.#openBooks();
    this.#output.replay();
  }

  #openBooks(): void {
    const { log, metrics } = this.#parts;
    const before = this.#books;
    this.#books = new Map(
      this.#options.neighbours.map((address) => [
        address,
        before.get(address) ?? new NeighbourBook(address, log, metrics),
      ]),
    );
  }

  /** `undefined` for a neighbour without brownfield. */
  status(address: string): BrownfieldStatus | undefined {
    return this.#books.get(address);
  }

  /** A neighbour sends back a route of this router, which nobody takes: what does it look like by now? */
  returned(address: string, set: AttributeSet): void {
    if (markOf(set)?.originId !== this.#options.bgpIdentifier) return;
    this.#books.get(address)?.returned(lostOf(set, this.#options.domain));
  }

  #visitor(): OutputVisitor {
    return {
      admit: (_attributes, source) => (this.#bookOf(source) === undefined ? false : EACH_KEY),
      admitKey: (_attributes, _source, key, start) => placeOf(this.#options.domain.prefix, key, start) === "capability",
      announce: (attributes, key, start, _length, source) => {
        this.#take(key.slice(start + 1, start + 17), attributes, source);
        return true;
      },
      withdraw: (key, start) => {
        this.#forget(toHex(key.slice(start + 1, start + 17)));
        return true;
      },
    };
  }

  #bookOf(source: PeerIndex): NeighbourBook | undefined {
    const peer = source === LOCAL_PEER ? undefined : this.#parts.rib.peer(source);
    return peer === undefined ? undefined : this.#books.get(formatIpv6(peer.address));
  }

  #take(address: Ipv6Address, attributes: AttributeId, source: PeerIndex): void {
    const { rib } = this.#parts;
    const peer = rib.peer(source)!; // `admit` has found its book
    const book = this.#bookOf(source)!;
    const { domain, bgpIdentifier } = this.#options;
    const kind = peer.kind === "external" ? "external" : "internal";
    const derived = deriveRoute(address, rib.attributes.get(attributes), { kind, bgpIdentifier }, domain);
    const id = toHex(address);
    const before = this.#learnt.get(id);
    const made = derived.ok ? this.#announce(derived, peer) : undefined;
    // The new one is there before the old one goes.
    if (before?.made !== undefined) {
      if (isSame(before.made, made)) before.made.entrance.routes--;
      else this.#withdraw(before.made);
    }
    const finding: RouteFinding = derived.ok
      ? { refusal: undefined, mismatch: derived.mismatch, lost: derived.lost }
      : { refusal: derived.reason, mismatch: false, lost: derived.lost };
    if (before?.book !== book || !sameValue(before.finding, finding)) {
      before?.book.forget(before.finding);
      book.note(finding, formatIpv6(address));
    }
    this.#learnt.set(id, { book, finding, made });
  }

  #announce(derived: Extract<Derived, { ok: true }>, peer: RibPeer): Learnt["made"] {
    const { rib, codec, log } = this.#parts;
    const { key, set, anycast } = derived;
    try {
      const entrance = this.#entrance(peer);
      const identity = codec.identity(set, "capability");
      const id = rib.attributes.intern(identity, 0, identity.length, () => set, "capability");
      const entry = anycast ? entrance.anycast : entrance.unique;
      rib.capability.announce(entry, oneKey(key), id);
      entrance.routes++;
      return { entrance, peer: entry, key };
    } catch (cause) {
      if (!(cause instanceof RibError)) throw cause;
      log.error("brownfield.no-room", { peer: peer.name, code: cause.code, advice: cause.message });
      return undefined;
    }
  }

  #forget(id: string): void {
    const learnt = this.#learnt.get(id);
    if (learnt === undefined) return;
    this.#learnt.delete(id);
    learnt.book.forget(learnt.finding);
    if (learnt.made !== undefined) this.#withdraw(learnt.made);
  }

  #withdraw({ entrance, peer, key }: NonNullable<Learnt["made"]>): void {
    const { rib } = this.#parts;
    rib.capability.withdraw(peer, oneKey(key));
    entrance.routes--;
    if (entrance.routes > 0) return;
    for (const [of, known] of this.#entrances) if (known === entrance) this.#entrances.delete(of);
    rib.closePeer(entrance.unique);
    rib.closePeer(entrance.anycast);
  }

  #entrance(of: RibPeer): Entrance {
    const known = this.#entrances.get(of);
    if (known !== undefined) return known;
    const { rib } = this.#parts;
    const open = (what: string): PeerIndex => rib.openPeer({ ...of, name: `${of.name} by brownfield${what}` });
    const unique = open("");
    try {
      const entrance = { unique, anycast: open(", any site"), routes: 0 };
      this.#entrances.set(of, entrance);
      return entrance;
    } catch (cause) {
      rib.closePeer(unique);
      throw cause;
    }
  }

  /** Stops following; what was learnt stays as it is. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#tellSettled();
    this.#output[Symbol.dispose]();
  }
}

function isSame(before: NonNullable<Learnt["made"]>, made: Learnt["made"]): boolean {
  return made !== undefined && made.peer === before.peer && octetsEqual(made.key, before.key);
}

function oneKey(octets: Uint8Array): Parameters<Rib["capability"]["withdraw"]>[1] {
  return { octets, starts: Int32Array.of(0), lengths: Int32Array.of(octets.length), count: 1 };
}
