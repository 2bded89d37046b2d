import { type Clock, type Log, type Metrics, Scope } from "../../base/index.ts";
import type { KeyBatch, Rib, RouteFamily } from "../../rib/index.ts";
import type { SessionEnd } from "../session/index.ts";
import {
  messagesIn,
  type ObservedPeer,
  type ObservedSession,
  type PeerObserver,
  type SpeakerObserver,
} from "../speaker/index.ts";
import {
  type AttributeCodec,
  encodeEndOfRib,
  type Family,
  HEADER_LENGTH,
  MessageType,
  RefreshSubtype,
} from "../wire/index.ts";
import type { LocalFacts } from "./loc-rib-feed.ts";
import { downReason, MonitoredPeer } from "./monitored-peer.ts";
import { Station, type StationOptions, type StationStatus } from "./station.ts";
import { StationDoor } from "./station-door.ts";
import { localStatistics, peerStatistics } from "./statistics.ts";
import { UpdateWriter } from "./update-writer.ts";
import { encodeRouteMirroring, encodeRouteMonitoring, encodeStatistics, StatisticType } from "./wire/index.ts";

/** Of a whole ROUTE-REFRESH. @see RFC 2918 §3 */
const REFRESH_LENGTH = HEADER_LENGTH + 4;

export interface MonitorParts {
  readonly rib: Rib;
  readonly codec: AttributeCodec;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly local: LocalFacts;
  readonly families: readonly RouteFamily[];
}

/** Tells stations of sessions and routes. @see RFC 7854; RFC 9069 */
export class BmpMonitor implements AsyncDisposable {
  readonly #parts: MonitorParts;
  #local: LocalFacts;
  readonly #scope = new Scope();
  readonly #writer: UpdateWriter;
  readonly #peers = new Set<MonitoredPeer>();
  readonly #stations: readonly Station[];
  readonly #doors: StationDoor[] = [];
  /** Asks a neighbour for its routes; set before the first session is there. */
  askAgain: ((peer: string) => void) | undefined;

  constructor(stations: readonly StationOptions[], parts: MonitorParts) {
    this.#parts = parts;
    this.#local = parts.local;
    const local = (): LocalFacts => this.#local;
    const { rib, codec, clock, log, metrics, families } = parts;
    this.#writer = new UpdateWriter(rib.attributes, codec);
    this.#stations = stations.map((options) =>
      this.#scope.own(
        new Station(options, {
          ...{ rib, clock, log, metrics, families },
          get local() {
            return local();
          },
          writer: this.#writer,
          peers: () => this.#peers,
          askAgain: (peer) => this.askAgain?.(peer),
          statistics: (peer, told) => encodeStatistics(peer.view, this.#now(), peerStatistics(peer, told, parts)),
          localStatistics: () => this.#localStatistics(),
        }),
      ),
    );
    this.#openDoors();
  }

  /** This router has other numbers now: the stations begin anew, or have to connect again. */
  set local(local: LocalFacts) {
    this.#local = local;
    for (const station of this.#stations) station.beginAnew();
  }

  /** Stations that connect to this router, by where they do. */
  #openDoors(): void {
    const passive = this.#stations.filter(({ options }) => options.listen !== undefined);
    const doors = Map.groupBy(passive, ({ options: { listen, port } }) => `${listen} ${port}`);
    for (const stations of doors.values()) {
      const { listen, port } = stations[0]!.options;
      this.#doors.push(this.#scope.own(new StationDoor({ address: listen!, port }, stations, this.#parts)));
    }
  }

  get observer(): SpeakerObserver {
    return (peer) => new Watched(peer, this.#parts.clock, this);
  }

  /** Where stations connect to this router. */
  get listening(): readonly { readonly address: string; readonly port: number }[] {
    return this.#doors.flatMap(({ listening }) => listening ?? []);
  }

  stations(): readonly StationStatus[] {
    return this.#stations.map((station) => station.status());
  }

  peerUp(peer: MonitoredPeer): void {
    this.#peers.add(peer);
    for (const station of this.#stations) station.peerUp(peer);
  }

  peerDown(peer: MonitoredPeer, end: SessionEnd): void {
    this.#peers.delete(peer);
    const why = downReason(end);
    for (const station of this.#stations) station.peerDown(peer, why);
  }

  swept(peer: MonitoredPeer): void {
    for (const station of this.#stations) station.swept(peer);
  }

  /** An UPDATE as it came. */
  received(peer: MonitoredPeer, octets: Uint8Array, start: number, end: number): void {
    const isMarker = isEndOfRib(octets, start, end);
    let pre: Uint8Array | undefined;
    let post: Uint8Array | undefined;
    const { asWidth } = peer.session.agreed;
    for (const station of this.#stations) {
      if (!station.listensTo(peer)) continue;
      if (station.wants("pre-policy")) {
        pre ??= encodeRouteMonitoring(peer.view, this.#now(), { postPolicy: false, asWidth }, octets, start, end);
        station.say(peer, pre);
      }
      // The neighbour has said what it had, and so has import policy.
      if (isMarker && station.wants("post-policy")) {
        post ??= encodeRouteMonitoring(peer.view, this.#now(), { postPolicy: true, asWidth: 4 }, octets, start, end);
        station.say(peer, post);
      }
    }
  }

  /** A message of whatever type, as it came; `errored`: an UPDATE that was treated as a withdrawal. @see RFC 7854 §4.7 */
  mirror(
    peer: MonitoredPeer,
    octets: Uint8Array,
    start: number,
    end: number,
    what: "mirrored" | "mirrored-errors",
  ): void {
    let message: Uint8Array | undefined;
    const form = { asWidth: peer.session.agreed.asWidth, errored: what === "mirrored-errors" };
    for (const station of this.#stations) {
      if (!station.wants(what) || !station.listensTo(peer)) continue;
      message ??= encodeRouteMirroring(peer.view, this.#now(), form, octets, start, end);
      station.say(peer, message);
    }
  }

  /** The neighbour has said all of a family once more, as it was asked to. @see RFC 7854 §3.3; RFC 7313 §4 */
  refreshed(peer: MonitoredPeer, family: Family): void {
    const { asWidth } = peer.session.agreed;
    const form = { postPolicy: false, asWidth } as const;
    const message = encodeRouteMonitoring(peer.view, this.#now(), form, encodeEndOfRib(family));
    for (const station of this.#stations) {
      if (station.wants("pre-policy") && station.listensTo(peer)) station.say(peer, message);
    }
  }

  /** UPDATEs on their way to a neighbour: one message for all stations that want them. @see RFC 8671 §5.1 */
  sent(peer: MonitoredPeer, block: Uint8Array): void {
    const listening = this.#stations.filter(
      (station) => station.wants("adj-rib-out-post-policy") && station.listensTo(peer),
    );
    if (listening.length === 0) return;
    for (const update of messagesIn(block)) {
      const message = peer.sent(update, this.#now());
      for (const station of listening) if (station.listensTo(peer)) station.say(peer, message);
    }
  }

  announced(peer: MonitoredPeer, family: RouteFamily, keys: KeyBatch, attributes: number): void {
    const listening = this.#listening(peer);
    if (listening.length === 0) return;
    this.#writer.announce(family, keys, this.#writer.ofId(family, attributes), (update) =>
      this.#post(peer, update, listening),
    );
  }

  withdrawn(peer: MonitoredPeer, family: RouteFamily, keys: KeyBatch): void {
    const listening = this.#listening(peer);
    if (listening.length === 0) return;
    this.#writer.withdraw(family, keys, (update) => this.#post(peer, update, listening));
  }

  #listening(peer: MonitoredPeer): readonly Station[] {
    return this.#stations.filter((station) => station.wants("post-policy") && station.listensTo(peer));
  }

  /** One message for all of them. */
  #post(peer: MonitoredPeer, update: Uint8Array, stations: readonly Station[]): void {
    const message = encodeRouteMonitoring(peer.view, this.#now(), { postPolicy: true, asWidth: 4 }, update);
    for (const station of stations) if (station.listensTo(peer)) station.say(peer, message);
  }

  #now(): number {
    return this.#parts.clock.wall();
  }

  #localStatistics(): Uint8Array {
    const { autonomousSystem, bgpIdentifier } = this.#local;
    const view = { kind: "loc-rib", autonomousSystem, bgpIdentifier } as const;
    return encodeStatistics(view, this.#now(), localStatistics(this.#parts.families, this.#parts));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}

/** What one neighbour does, with the session that it belongs to. */
class Watched implements PeerObserver {
  readonly #peer: ObservedPeer;
  readonly #clock: Clock;
  readonly #monitor: BmpMonitor;
  #up: MonitoredPeer | undefined;

  constructor(peer: ObservedPeer, clock: Clock, monitor: BmpMonitor) {
    this.#peer = peer;
    this.#clock = clock;
    this.#monitor = monitor;
  }

  established(session: ObservedSession): void {
    this.#up = new MonitoredPeer(this.#peer, session, this.#clock.wall());
    this.#monitor.peerUp(this.#up);
  }

  ended(end: SessionEnd): void {
    if (this.#up !== undefined) this.#monitor.peerDown(this.#up, end);
    this.#up = undefined;
  }

  received(octets: Uint8Array, start: number, end: number): void {
    if (this.#up === undefined) return;
    this.#up.nextUpdate();
    this.#monitor.mirror(this.#up, octets, start, end, "mirrored");
    const type = octets[start + HEADER_LENGTH - 1];
    if (type === MessageType.Update) this.#monitor.received(this.#up, octets, start, end);
    if (type !== MessageType.RouteRefresh || end - start !== REFRESH_LENGTH) return;
    const at = start + HEADER_LENGTH;
    if (octets[at + 2] !== RefreshSubtype.End) return;
    this.#monitor.refreshed(this.#up, { afi: (octets[at]! << 8) | octets[at + 1]!, safi: octets[at + 3]! });
  }

  sent(messages: Uint8Array): void {
    if (this.#up !== undefined) this.#monitor.sent(this.#up, messages);
  }

  announced(family: RouteFamily, keys: KeyBatch, attributes: number): void {
    this.#up?.heard(keys.count);
    if (this.#up !== undefined) this.#monitor.announced(this.#up, family, keys, attributes);
  }

  repeated(routes: number, what: "announced" | "withdrawn"): void {
    this.#up?.repeated(routes, what);
  }

  withdrawn(family: RouteFamily, keys: KeyBatch): void {
    this.#up?.heard(keys.count);
    if (this.#up !== undefined) this.#monitor.withdrawn(this.#up, family, keys);
  }

  refused(_family: RouteFamily, keys: KeyBatch, reason: string): void {
    this.#up?.refused(keys.count, reason);
  }

  treatedAsWithdraw(routes: number, octets: Uint8Array, start: number, end: number): void {
    if (this.#up !== undefined) this.#monitor.mirror(this.#up, octets, start, end, "mirrored-errors");
    this.#up?.count(StatisticType.UpdatesTreatedAsWithdraw, 1);
    this.#up?.count(StatisticType.PrefixesTreatedAsWithdraw, routes);
  }

  swept(): void {
    if (this.#up !== undefined) this.#monitor.swept(this.#up);
  }

  stateChanged(): void {}
  gone(): void {}
}

/** No routes and no attributes, or MP_UNREACH_NLRI alone and empty. @see RFC 4724 §2 */
function isEndOfRib(octets: Uint8Array, start: number, end: number): boolean {
  const body = end - start - HEADER_LENGTH;
  if (body === 4) return true;
  const at = start + HEADER_LENGTH;
  const hasOne = octets[at] === 0 && octets[at + 1] === 0 && octets[at + 5] === 15;
  return (
    hasOne &&
    (body === 10 || body === 11) &&
    ((octets[at + 4]! & 0x10) === 0 ? octets[at + 6] === 3 : octets[at + 7] === 3)
  );
}
