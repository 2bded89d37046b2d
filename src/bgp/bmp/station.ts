import { createConnection, type Socket } from "node:net";
import { type Clock, type Log, type Metrics, milliseconds, type Seconds, type Timer } from "../../base/index.ts";
import { type PeerIndex, type Rib, RibError, type RouteFamily } from "../../rib/index.ts";
import { tellRoutes } from "./adj-rib-in-feed.ts";
import { type LocalFacts, LocRibFeed } from "./loc-rib-feed.ts";
import type { MonitoredPeer } from "./monitored-peer.ts";
import { TableFeed } from "./table-feed.ts";
import type { UpdateWriter } from "./update-writer.ts";
import {
  encodeInitiation,
  encodePeerDown,
  encodeRouteMonitoring,
  encodeTermination,
  type PeerDownReason,
  TerminationReason,
} from "./wire/index.ts";

/** Routes of a neighbour as they come and as import policy leaves them, the best ones, and what a neighbour is told. */
export type MonitoredTable =
  | "pre-policy"
  | "post-policy"
  | "loc-rib"
  | "adj-rib-out-pre-policy"
  | "adj-rib-out-post-policy";

export interface StationOptions {
  readonly name: string;
  /** Address, or name of a host; of one that connects to this router the address from which it does. */
  readonly address: string;
  /** Of the station; of one that connects to this router the port that it connects to. */
  readonly port: number;
  /** The station connects to this address of this router. Default: this router connects to it. @see RFC 7854 §3.2 */
  readonly listen?: string;
  /** At first; doubled with every failure, up to {@link LONGEST_RETRY}. */
  readonly connectRetry: Seconds;
  readonly tables: readonly MonitoredTable[];
  /** Addresses of neighbours as text; empty: all. */
  readonly neighbors: readonly string[];
  /** Between reports; `undefined`: none. */
  readonly statisticsInterval: Seconds | undefined;
}

export interface StationParts {
  readonly rib: Pick<Rib, "table" | "unicast" | "capability" | "attributes" | "openPeer" | "closePeer">;
  readonly writer: UpdateWriter;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly local: LocalFacts;
  readonly families: readonly RouteFamily[];
  /** Neighbours with a session. */
  readonly peers: () => Iterable<MonitoredPeer>;
  /** Asks a neighbour for its routes, which are not kept as they were before import policy. */
  readonly askAgain: (peer: string) => void;
  /** Reports of one neighbour, with what it is told before and after policy where that is of interest, and of this router. */
  readonly statistics: (
    peer: MonitoredPeer,
    told: { readonly before: ReadonlyMap<RouteFamily, number> | undefined; readonly after: boolean },
  ) => Uint8Array;
  readonly localStatistics: () => Uint8Array;
}

export interface StationStatus {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tables: readonly MonitoredTable[];
  readonly state: "down" | "listening" | "connecting" | "telling" | "up";
  /** Wall clock of the last connection. */
  readonly since: number | undefined;
  readonly peersTold: number;
  readonly messages: number;
  readonly octets: number;
  readonly queued: number;
  /** Times that what was queued became too much, and a neighbour was told of anew. */
  readonly resyncs: number;
  readonly connections: number;
  readonly failures: number;
  readonly lastError: string | undefined;
}

/** What may wait for a station. Beyond, a neighbour's routes are told anew when it has caught up. */
export const MOST_QUEUED = 4 * 1024 * 1024;
const SLICE = milliseconds(3);
/** Below, more is read from the tables. */
const LOW_WATER = 256 * 1024;
/** @see RFC 7854 §3.2 */
const LONGEST_RETRY = 720_000;

/**
 * One monitoring station: connects to it, or is connected to, says what there is and then what changes. Nothing it does or leaves holds up a session: what
 * it does not take in time is not kept but told anew from the tables later.
 */
export class Station implements AsyncDisposable {
  readonly options: StationOptions;
  readonly #parts: StationParts;
  readonly #closing = new AbortController();
  readonly #messagesCounter;
  readonly #resyncsCounter;
  readonly #upGauge;
  #socket: Socket | undefined;
  #isUp = false;
  /** `pending`: its tables have still to be read. */
  readonly #told = new Map<MonitoredPeer, "pending" | "telling" | "live">();
  /** Told that nothing more is said of them, until there is room. */
  readonly #lost = new Set<MonitoredPeer>();
  #locRib: LocRibFeed | undefined;
  /** What neighbours are told, before export policy. */
  readonly #outgoing = new Map<MonitoredPeer, TableFeed>();
  #telling: Promise<void> | undefined;
  #retry: Timer | undefined;
  #statistics: Timer | undefined;
  #backOff: number;
  #since: number | undefined;
  #messages = 0;
  #octets = 0;
  #resyncs = 0;
  #connections = 0;
  #failures = 0;
  #lastError: string | undefined;

  constructor(options: StationOptions, parts: StationParts) {
    this.options = options;
    this.#parts = parts;
    this.#backOff = options.connectRetry * 1000;
    const labels = { station: options.name };
    const { metrics } = parts;
    this.#messagesCounter = metrics.counter("semrd_bmp_messages_total", "Messages to a monitoring station", labels);
    this.#resyncsCounter = metrics.counter("semrd_bmp_resyncs_total", "Neighbours told anew to a slow station", labels);
    this.#upGauge = metrics.gauge("semrd_bmp_up", "Whether a monitoring station is connected", labels);
    if (options.listen === undefined) this.#connect();
  }

  /** There is a connection, or one is being made. */
  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** The station has connected to this router. */
  accept(socket: Socket): void {
    socket.setKeepAlive(true);
    this.#follow(socket);
    this.#connected(socket);
  }

  status(): StationStatus {
    const { name, address, port, tables } = this.options;
    const isTelling = [...this.#told.values()].some((how) => how !== "live") || this.#lost.size > 0;
    const connected = isTelling ? "telling" : "up";
    return {
      ...{ name, address, port, tables },
      state: this.#isUp ? connected : this.#stateWithout(),
      since: this.#since,
      peersTold: this.#told.size,
      messages: this.#messages,
      octets: this.#octets,
      queued: this.#socket?.writableLength ?? 0,
      resyncs: this.#resyncs,
      connections: this.#connections,
      failures: this.#failures,
      lastError: this.#lastError,
    };
  }

  #stateWithout(): "down" | "listening" | "connecting" {
    if (this.options.listen !== undefined) return "listening";
    return this.#socket === undefined ? "down" : "connecting";
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
    if (!this.#isUp || !this.#isOfInterest(peer) || !this.#tellsOfPeers()) return;
    this.#told.set(peer, "live");
    this.#write(peer.up());
    this.#followOutgoing(peer);
  }

  peerDown(peer: MonitoredPeer, why: PeerDownReason): void {
    this.#lost.delete(peer);
    this.#outgoing.get(peer)?.[Symbol.dispose]();
    this.#outgoing.delete(peer);
    if (this.#told.delete(peer)) this.#write(encodePeerDown(peer.view, this.#parts.clock.wall(), why));
  }

  /** Messages about a neighbour that it listens to. Too many that wait: nothing more is said until it has caught up. */
  say(peer: MonitoredPeer, message: Uint8Array): void {
    if (!this.#told.has(peer)) return;
    if ((this.#socket?.writableLength ?? 0) < MOST_QUEUED) {
      this.#write(message);
      return;
    }
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
    const socket = this.#socket;
    if (!this.wants("adj-rib-out-pre-policy") || socket === undefined) return;
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
      { write: (message) => this.#write(message), hasRoom: () => socket.writableLength < LOW_WATER },
    );
    this.#outgoing.set(peer, feed);
  }

  /** What it was told of this router is not so any more: it is told all anew, on another connection. */
  beginAnew(): void {
    if (!this.#isUp) return;
    this.#write(encodeTermination(TerminationReason.NoReason));
    this.#end(this.#socket!);
    this.#forget();
    if (this.options.listen === undefined) this.#connect();
  }

  /** A station that does not take what waits for it is not waited for. */
  #end(socket: Socket): void {
    socket.end();
    this.#parts.clock.after(milliseconds(1000), () => socket.destroy());
  }

  #connect(): void {
    const { address, port } = this.options;
    const socket = createConnection({ host: address, port, keepAlive: true });
    this.#follow(socket);
    socket.on("connect", () => this.#connected(socket));
  }

  #follow(socket: Socket): void {
    this.#socket = socket;
    let reason = "the station closed the connection";
    socket.on("error", (error) => {
      reason = error.message;
    });
    socket.on("drain", () => this.#drained());
    socket.on("close", () => this.#gone(socket, reason));
    // A station says nothing (RFC 7854 §3.2); what it says all the same must not fill a buffer.
    socket.resume();
  }

  #connected(socket: Socket): void {
    const { clock, log, local } = this.#parts;
    this.#isUp = true;
    this.#connections++;
    this.#since = clock.wall();
    this.#upGauge.set(1);
    this.#lastError = undefined;
    log.info("bmp.station.up", { station: this.options.name });
    this.#write(encodeInitiation({ name: local.name, description: local.description }));
    if (this.#tellsOfPeers()) for (const peer of this.#parts.peers()) if (this.#isOfInterest(peer)) this.#tell(peer);
    if (this.wants("loc-rib")) this.#openLocRib(socket);
    this.#report();
    this.#read();
  }

  #openLocRib(socket: Socket): void {
    const { rib, families, writer, clock, local, log } = this.#parts;
    try {
      this.#locRib = new LocRibFeed(
        { rib, families, writer, clock, local },
        {
          write: (message) => this.#write(message),
          hasRoom: () => socket.writableLength < LOW_WATER,
        },
      );
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
    this.#messages++;
    this.#messagesCounter.add();
    this.#octets += message.length;
    this.#socket?.write(message);
  }

  #drained(): void {
    if (!this.#isUp) return;
    if ((this.#socket?.writableLength ?? 0) < LOW_WATER) {
      for (const peer of this.#lost) this.#tell(peer);
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
      if (this.#isUp) this.#read();
    });
  }

  /** Reads the tables once for all neighbours that are waiting for it, at the station's pace and in slices. */
  async #tellTables(): Promise<void> {
    const socket = this.#socket!;
    const waiting = new Map<PeerIndex, MonitoredPeer>();
    for (const [peer, how] of this.#told) {
      if (how !== "pending") continue;
      this.#told.set(peer, "telling");
      waiting.set(peer.session.peerIndex, peer);
    }
    const isStillTold = (peer: MonitoredPeer): boolean => this.#told.get(peer) === "telling";
    const isHere = (): boolean => socket === this.#socket && this.#isUp;
    if (this.wants("post-policy")) {
      for (const family of this.#parts.families) {
        await tellRoutes(family, this.#parts, {
          wanted: (index) => {
            const peer = waiting.get(index);
            return peer !== undefined && isStillTold(peer) ? peer : undefined;
          },
          tell: (peer, update) => this.#monitor(peer, update),
          hasRoom: () => socket.writableLength < LOW_WATER,
          turn: async () => {
            await this.#room(socket);
            return isHere();
          },
        });
      }
    }
    if (this.wants("adj-rib-out-post-policy")) {
      for (const peer of waiting.values()) if (isHere()) await this.#tellOutgoing(peer, socket, isStillTold);
    }
    if (!isHere()) return;
    for (const peer of waiting.values()) {
      if (!isStillTold(peer)) continue;
      this.#told.set(peer, "live");
      if (this.wants("post-policy"))
        for (const family of peer.session.families) this.#monitor(peer, this.#parts.writer.endOfRib(family));
    }
  }

  /** What a neighbour has been told so far; what it is told meanwhile comes as it is said. @see RFC 8671 §5.1 */
  async #tellOutgoing(
    peer: MonitoredPeer,
    socket: Socket,
    isStillTold: (peer: MonitoredPeer) => boolean,
  ): Promise<void> {
    const { clock, writer } = this.#parts;
    for (const [family, adjRibOut] of peer.session.told) {
      let started = clock.monotonic();
      for (let from = 1; from !== 0; ) {
        if (clock.monotonic() - started > SLICE || socket.writableLength >= LOW_WATER) {
          await this.#room(socket);
          started = clock.monotonic();
        }
        if (socket !== this.#socket || !isStillTold(peer)) return;
        from = adjRibOut.say(from, (update) => this.#write(peer.sent(update, clock.wall())));
      }
      this.#write(peer.sent(writer.endOfRib(family), clock.wall()));
    }
  }

  #monitor(peer: MonitoredPeer, update: Uint8Array): void {
    const form = { postPolicy: true, asWidth: 4 } as const;
    this.#write(encodeRouteMonitoring(peer.view, this.#parts.clock.wall(), form, update));
  }

  /** A turn for others, and room in the socket. */
  async #room(socket: Socket): Promise<void> {
    const { clock } = this.#parts;
    if (socket.writableLength < LOW_WATER) {
      await new Promise<void>((resolve) => clock.soon(resolve));
      return;
    }
    await new Promise<void>((resolve) => {
      const go = (): void => {
        socket.off("drain", go).off("close", go);
        resolve();
      };
      socket.on("drain", go).on("close", go);
    });
  }

  #report(): void {
    const { statisticsInterval: interval } = this.options;
    if (interval === undefined) return;
    this.#statistics = this.#parts.clock.after(milliseconds(interval * 1000), () => {
      if ((this.#socket?.writableLength ?? 0) < MOST_QUEUED) {
        const after = this.wants("adj-rib-out-post-policy");
        for (const peer of this.#told.keys()) {
          this.#write(this.#parts.statistics(peer, { before: this.#outgoing.get(peer)?.sizes, after }));
        }
        if (this.#locRib !== undefined) this.#write(this.#parts.localStatistics());
      }
      this.#report();
    });
  }

  #gone(socket: Socket, reason: string): void {
    if (socket !== this.#socket) return;
    const { clock, log } = this.#parts;
    this.#forget();
    this.#failures++;
    if (this.#lastError === undefined) log.warn("bmp.station.lost", { station: this.options.name, reason });
    this.#lastError = reason;
    if (this.#closing.signal.aborted || this.options.listen !== undefined) return;
    this.#retry = clock.after(milliseconds(this.#backOff), () => this.#connect());
    this.#backOff = Math.min(LONGEST_RETRY, 2 * this.#backOff);
  }

  #forget(): void {
    // A connection that held for a while was no failure of connecting.
    if (this.#isUp) this.#backOff = this.options.connectRetry * 1000;
    this.#isUp = false;
    this.#upGauge.set(0);
    this.#socket = undefined;
    this.#told.clear();
    this.#lost.clear();
    this.#statistics?.cancel();
    for (const feed of this.#outgoing.values()) feed[Symbol.dispose]();
    this.#outgoing.clear();
    this.#locRib?.[Symbol.dispose]();
    this.#locRib = undefined;
  }

  /** Says that it ends. @see RFC 7854 §4.5 */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#retry?.cancel();
    const socket = this.#socket;
    const wasUp = this.#isUp;
    if (wasUp) this.#write(encodeTermination(TerminationReason.AdministrativelyClosed));
    this.#forget();
    if (socket === undefined) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    if (wasUp) this.#end(socket);
    else socket.destroy();
    await closed;
    await this.#telling;
  }
}
