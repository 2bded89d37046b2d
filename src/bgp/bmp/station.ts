import type { Socket } from "node:net";
import { milliseconds, type Seconds, type Timer } from "../../base/index.ts";
import { type PeerIndex, type Rib, RibError, type RouteFamily } from "../../rib/index.ts";
import { tellRoutes } from "./adj-rib-in-feed.ts";
import { tellOutgoing } from "./adj-rib-out-feed.ts";
import { type LocalFacts, LocRibFeed } from "./loc-rib-feed.ts";
import type { MonitoredPeer } from "./monitored-peer.ts";
import { type LinkParts, type LinkStatus, MOST_QUEUED, StationLink, type StationPlace } from "./station-link.ts";
import type { ToldRoutes } from "./statistics.ts";
import { type FeedSink, TableFeed } from "./table-feed.ts";
import type { UpdateWriter } from "./update-writer.ts";
import {
  encodeInitiation,
  encodeMirroringLost,
  encodePeerDown,
  encodeRouteMonitoring,
  NO_TIME,
  type PeerDownReason,
} from "./wire/index.ts";

/** Routes of a neighbour as they come and as import policy leaves them, the best ones, and what a neighbour is told. */
export type MonitoredTable =
  | "pre-policy"
  | "post-policy"
  | "loc-rib"
  | "adj-rib-out-pre-policy"
  | "adj-rib-out-post-policy"
  /** Messages as they came, all of them, and those that were treated as withdrawals. @see RFC 7854 §4.7 */
  | "mirrored"
  | "mirrored-errors";

export interface StationOptions extends StationPlace {
  readonly tables: readonly MonitoredTable[];
  /** Addresses of neighbours as text; empty: all. */
  readonly neighbors: readonly string[];
  /** Between reports; `undefined`: none. */
  readonly statisticsInterval: Seconds | undefined;
}

export interface StationParts extends LinkParts {
  readonly rib: Pick<Rib, "table" | "unicast" | "capability" | "attributes" | "openPeer" | "closePeer">;
  readonly writer: UpdateWriter;
  readonly local: LocalFacts;
  readonly families: readonly RouteFamily[];
  /** Neighbours with a session. */
  readonly peers: () => Iterable<MonitoredPeer>;
  /** Asks a neighbour for its routes, which are not kept as they were before import policy. */
  readonly askAgain: (peer: string) => void;
  /** Reports of one neighbour, with what it is told before and after policy where that is of interest, and of this router. */
  readonly statistics: (peer: MonitoredPeer, told: ToldRoutes) => Uint8Array;
  readonly localStatistics: () => Uint8Array;
}

export interface StationStatus extends Omit<LinkStatus, "state"> {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tables: readonly MonitoredTable[];
  /** `telling`: it is being told what there is. */
  readonly state: LinkStatus["state"] | "telling";
  readonly peersTold: number;
  /** Times that what was queued became too much, and a neighbour was told of anew. */
  readonly resyncs: number;
}

/**
 * One monitoring station: says what there is and then what changes. Nothing it does or leaves holds up a session: what it does
 * not take in time is not kept but told anew from the tables later.
 */
export class Station implements AsyncDisposable {
  readonly options: StationOptions;
  readonly #parts: StationParts;
  readonly #link: StationLink;
  readonly #resyncsCounter;
  /** `pending`: its tables have still to be read. */
  readonly #told = new Map<MonitoredPeer, "pending" | "telling" | "live">();
  /** Told that nothing more is said of them, until there is room. */
  readonly #lost = new Set<MonitoredPeer>();
  #locRib: LocRibFeed | undefined;
  /** What neighbours are told, before export policy. */
  readonly #outgoing = new Map<MonitoredPeer, TableFeed>();
  /** Of these messages were not told, as too much had waited. */
  readonly #missed = new Set<MonitoredPeer>();
  #telling: Promise<void> | undefined;
  #statistics: Timer | undefined;
  #resyncs = 0;

  constructor(options: StationOptions, parts: StationParts) {
    this.options = options;
    this.#parts = parts;
    const labels = { station: options.name };
    const help = "Neighbours told anew to a slow station";
    this.#resyncsCounter = parts.metrics.counter("semrd_bmp_resyncs_total", help, labels);
    this.#link = new StationLink(options, parts, {
      up: () => this.#connected(),
      drained: () => this.#drained(),
      down: () => this.#forget(),
    });
  }

  /** There is a connection, or one is being made. */
  get isConnected(): boolean {
    return this.#link.isConnected;
  }

  /** The station has connected to this router. */
  accept(socket: Socket): void {
    this.#link.accept(socket);
  }

  /** What it was told of this router is not so any more: it is told all anew, on another connection. */
  beginAnew(): void {
    this.#link.beginAnew();
  }

  status(): StationStatus {
    const { name, address, port, tables } = this.options;
    const isTelling = [...this.#told.values()].some((how) => how !== "live") || this.#lost.size > 0;
    const link = this.#link.status();
    return {
      ...{ name, address, port, tables },
      ...link,
      state: link.state === "up" && isTelling ? "telling" : link.state,
      peersTold: this.#told.size,
      resyncs: this.#resyncs,
    };
  }

  get #mirrors(): boolean {
    return this.wants("mirrored") || this.wants("mirrored-errors");
  }

  wants(table: MonitoredTable): boolean {
    return this.options.tables.includes(table);
  }

  #isOfInterest(peer: MonitoredPeer): boolean {
    const { neighbors } = this.options;
    return neighbors.length === 0 || neighbors.includes(peer.name);
  }

  /** Whether it hears what changes of this neighbour now. */
  listensTo(peer: MonitoredPeer): boolean {
    return this.#told.has(peer);
  }

  /** A session that has just begun: all that comes of it is told as it comes. */
  peerUp(peer: MonitoredPeer): void {
    if (!this.#link.isUp || !this.#isOfInterest(peer) || !this.#tellsOfPeers()) return;
    this.#told.set(peer, "live");
    this.#write(peer.up());
    this.#followOutgoing(peer);
  }

  peerDown(peer: MonitoredPeer, why: PeerDownReason): void {
    this.#lost.delete(peer);
    if (why.reason !== 5) this.#missed.delete(peer);
    this.#outgoing.get(peer)?.[Symbol.dispose]();
    this.#outgoing.delete(peer);
    if (this.#told.delete(peer)) this.#write(encodePeerDown(peer.view, this.#parts.clock.wall(), why));
  }

  /** Messages about a neighbour that it listens to. Too many that wait: nothing more is said until it has caught up. */
  say(peer: MonitoredPeer, message: Uint8Array): void {
    if (!this.#told.has(peer)) return;
    if (this.#link.queued < MOST_QUEUED) {
      this.#write(message);
      return;
    }
    this.#missed.add(peer);
    this.#startOver(peer);
  }

  /** What is known of the neighbour at the station is void, and comes anew when there is room. @see RFC 7854 §4.9, reason 5 */
  #startOver(peer: MonitoredPeer): void {
    this.#resyncs++;
    this.#resyncsCounter.add();
    this.peerDown(peer, { reason: 5 });
    this.#lost.add(peer);
  }

  /** Routes have gone that it was not told of one by one: those that are left are told anew. */
  swept(peer: MonitoredPeer): void {
    if (!this.#told.has(peer)) return;
    this.#startOver(peer);
    this.#drained();
  }

  #tellsOfPeers(): boolean {
    return this.options.tables.some((table) => table !== "loc-rib");
  }

  /** @see RFC 8671 §5.2 */
  #followOutgoing(peer: MonitoredPeer): void {
    if (!this.wants("adj-rib-out-pre-policy")) return;
    const { writer, clock } = this.#parts;
    const { told } = peer.session;
    const outputs = [...told].map(([family, adjRibOut]) => [family, adjRibOut.openBeforePolicy()] as const);
    const form = { postPolicy: false, asWidth: 4, out: true } as const;
    const feed = new TableFeed(
      {
        ...{ writer, clock, view: peer.view, form, outputs },
        pathIds: (family) => told.get(family)!.pathIds,
        mayPass: (family, source) => told.get(family)!.mayPass(source),
      },
      this.#sink,
    );
    this.#outgoing.set(peer, feed);
  }

  get #sink(): FeedSink {
    return { write: (message) => this.#write(message), hasRoom: () => this.#link.hasRoom };
  }

  #connected(): void {
    const { local, peers } = this.#parts;
    this.#write(encodeInitiation({ name: local.name, description: local.description }));
    if (this.#tellsOfPeers()) for (const peer of peers()) if (this.#isOfInterest(peer)) this.#tell(peer);
    if (this.wants("loc-rib")) this.#openLocRib();
    this.#report();
    this.#read();
  }

  #openLocRib(): void {
    const { rib, families, writer, clock, local, log } = this.#parts;
    try {
      this.#locRib = new LocRibFeed({ rib, families, writer, clock, local }, this.#sink);
    } catch (cause) {
      if (!(cause instanceof RibError)) throw cause;
      log.error("bmp.loc-rib.no-room", { station: this.options.name, code: cause.code, advice: cause.message });
    }
  }

  #tell(peer: MonitoredPeer): void {
    this.#told.set(peer, "pending");
    this.#write(peer.up());
    if (this.wants("pre-policy")) this.#parts.askAgain(peer.name);
    this.#followOutgoing(peer);
  }

  #write(message: Uint8Array): void {
    this.#link.write(message);
  }

  #drained(): void {
    if (!this.#link.isUp) return;
    if (this.#link.hasRoom) {
      for (const peer of this.#lost) {
        this.#tell(peer);
        if (this.#mirrors && this.#missed.delete(peer)) {
          this.#write(encodeMirroringLost(peer.view, this.#parts.clock.wall()));
        }
      }
      this.#lost.clear();
    }
    this.#locRib?.pump();
    for (const feed of this.#outgoing.values()) feed.pump();
    this.#read();
  }

  #read(): void {
    if (this.#telling !== undefined || ![...this.#told.values()].includes("pending")) return;
    this.#telling = this.#tellTables().finally(() => {
      this.#telling = undefined;
      if (this.#link.isUp) this.#read();
    });
  }

  /** Reads the tables once for all neighbours that are waiting for it, at the station's pace and in slices. */
  async #tellTables(): Promise<void> {
    const { connection } = this.#link;
    const waiting = new Map<PeerIndex, MonitoredPeer>();
    for (const [peer, how] of this.#told) {
      if (how !== "pending") continue;
      this.#told.set(peer, "telling");
      waiting.set(peer.session.peerIndex, peer);
    }
    const isStillTold = (peer: MonitoredPeer): boolean => this.#told.get(peer) === "telling";
    const isHere = (): boolean => connection === this.#link.connection && this.#link.isUp;
    if (this.wants("post-policy")) {
      for (const family of this.#parts.families) {
        await tellRoutes(family, this.#parts, {
          wanted: (index) => {
            const peer = waiting.get(index);
            return peer !== undefined && isStillTold(peer) ? peer : undefined;
          },
          tell: (peer, update) => this.#monitor(peer, update),
          hasRoom: () => this.#link.hasRoom,
          turn: async () => {
            await this.#link.room();
            return isHere();
          },
        });
      }
    }
    if (this.wants("adj-rib-out-post-policy")) {
      const room = () => this.#link.room();
      for (const peer of waiting.values()) {
        const isWanted = (): boolean => isHere() && isStillTold(peer);
        if (isHere()) await tellOutgoing(peer, this.#parts, { ...this.#sink, room, isWanted });
      }
    }
    if (!isHere()) return;
    for (const peer of waiting.values()) {
      if (!isStillTold(peer)) continue;
      this.#told.set(peer, "live");
      if (this.wants("post-policy"))
        for (const family of peer.session.families) this.#monitor(peer, this.#parts.writer.endOfRib(family));
    }
  }

  /** What was there before it is told: its time is not known any more. */
  #monitor(peer: MonitoredPeer, update: Uint8Array): void {
    const form = { postPolicy: true, asWidth: 4 } as const;
    this.#write(encodeRouteMonitoring(peer.view, NO_TIME, form, update));
  }

  #report(): void {
    const { statisticsInterval: interval } = this.options;
    if (interval === undefined) return;
    this.#statistics = this.#parts.clock.after(milliseconds(interval * 1000), () => {
      if (this.#link.queued < MOST_QUEUED) {
        const after = this.wants("adj-rib-out-post-policy");
        for (const peer of this.#told.keys()) {
          this.#write(this.#parts.statistics(peer, { before: this.#outgoing.get(peer)?.sizes, after }));
        }
        if (this.#locRib !== undefined) this.#write(this.#parts.localStatistics());
      }
      this.#report();
    });
  }

  #forget(): void {
    this.#told.clear();
    this.#lost.clear();
    this.#missed.clear();
    this.#statistics?.cancel();
    for (const feed of this.#outgoing.values()) feed[Symbol.dispose]();
    this.#outgoing.clear();
    this.#locRib?.[Symbol.dispose]();
    this.#locRib = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
    await this.#telling;
  }
}
