import { type Ipv6Address, messageOf, momentOf, seconds } from "../../base/index.ts";
import type { PeerIndex } from "../../rib/index.ts";
import { defaultPolicy } from "../policy/index.ts";
import {
  type AttributeCodec,
  CeaseSubcode,
  ErrorCode,
  type NotificationMessage,
  notification,
  shutdownData,
} from "../wire/index.ts";
import type { ExportGroups } from "./export-groups.ts";
import type { LinkedSession } from "./link-watch.ts";
import { type ListenRange, type ListenRanges, optionsFromRange } from "./listen-ranges.ts";
import type { Listeners } from "./listeners.ts";
import { peerCounters } from "./metrics.ts";
import type { PeerOptions, SpeakerOptions } from "./options.ts";
import type { OwnRestartControl } from "./own-restart.ts";
import { Peer } from "./peer.ts";
import { peerAddress, peerKey } from "./peer-address.ts";
import { sessionKind, standingOf } from "./peer-parts.ts";
import { PeerRecord } from "./peer-record.ts";
import { SpeakerError, type SpeakerParts } from "./speaker-api.ts";
import type { Connection } from "./transport.ts";

/** After a change of configuration both ends have to forget the old session first. */
const REST_AFTER_CHANGE = seconds(1);

export interface PeerDriversParts {
  readonly parts: SpeakerParts;
  /** Those of now. */
  readonly options: () => SpeakerOptions;
  readonly codec: AttributeCodec;
  readonly groups: ExportGroups;
  readonly restart: OwnRestartControl;
  readonly ranges: ListenRanges;
  readonly listeners: Listeners;
  readonly linkChanged: (peer: Peer) => void;
  readonly began: (session: LinkedSession) => void;
  readonly isHeard: (address: string) => boolean;
}

/** Who is a neighbour: a driver for each, made, replaced and ended, and those for who comes by itself. */
export class PeerDrivers {
  readonly #parts: SpeakerParts;
  readonly #options: () => SpeakerOptions;
  readonly #codec: AttributeCodec;
  readonly #groups: ExportGroups;
  readonly #restart: OwnRestartControl;
  readonly #ranges: ListenRanges;
  readonly #listeners: Listeners;
  readonly #linkChanged: PeerDriversParts["linkChanged"];
  readonly #began: PeerDriversParts["began"];
  readonly #isHeard: PeerDriversParts["isHeard"];
  /** In the order of configuration. */
  readonly #peers = new Map<string, Peer>();
  /** See `PeerParts`. */
  readonly #mesh = new Set<PeerIndex>();
  /** Drivers that end. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(all: PeerDriversParts) {
    const { parts, options, codec, groups, restart, ranges, listeners } = all;
    this.#linkChanged = all.linkChanged;
    this.#began = all.began;
    this.#isHeard = all.isHeard;
    this.#parts = parts;
    this.#options = options;
    this.#codec = codec;
    this.#groups = groups;
    this.#restart = restart;
    this.#ranges = ranges;
    this.#listeners = listeners;
  }

  get(address: string): Peer | undefined {
    return this.#peers.get(peerKey(address));
  }

  values(): MapIterator<Peer> {
    return this.#peers.values();
  }

  /** When those that were ending have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.#leaving);
  }

  /** That clients have of their own. */
  get clusterIds(): ReadonlySet<number> {
    return new Set(
      this.#peers.values().flatMap(({ options: { clusterId } }) => (clusterId === undefined ? [] : [clusterId])),
    );
  }

  /** Of the clients with sessions, by BGP identifier. */
  *clusters(): Generator<readonly [number, number]> {
    for (const { options, bgpIdentifier } of this.#peers.values()) {
      if (options.clusterId !== undefined && bgpIdentifier !== undefined) yield [bgpIdentifier, options.clusterId];
    }
  }

  #meet(address: string): void {
    const { bgpIdentifier, options } = this.get(address) ?? {};
    if (bgpIdentifier !== undefined && options?.clusterId !== undefined) {
      this.#groups.met(bgpIdentifier, options.clusterId);
    }
  }

  /** Takes back what `add` did, before it has been started. */
  drop(peer: Peer): void {
    peer.record.counters.release();
    this.#peers.delete(peerKey(peer.options.address));
    void this.leave(peer, undefined);
  }

  /** It is no neighbour any more, and its driver ends. */
  dismiss(peer: Peer, message: NotificationMessage): Promise<void> {
    this.forget(peer);
    return this.leave(peer, message);
  }

  /** @throws {SpeakerError} `bgp.duplicate-peer`, `bgp.bad-address` */
  add(options: PeerOptions): Peer {
    const key = peerKey(options.address);
    if (this.#peers.has(key)) {
      const fault = { code: "bgp.duplicate-peer", address: options.address } as const;
      throw new SpeakerError(fault, `BGP neighbour ${options.address} is configured twice`);
    }
    const { metrics, clock } = this.#parts;
    const record = new PeerRecord(peerCounters(metrics, options.address), momentOf(clock));
    const peer = this.#create(options, record);
    this.#peers.set(key, peer);
    return peer;
  }

  /** It is no neighbour any more; its driver is still there. */
  forget({ options: { address, range }, record }: Peer): void {
    // Those of a range have the counters of the range.
    if (range === undefined) record.counters.release();
    this.#peers.delete(peerKey(address));
    this.#ranges.left(peerKey(address));
    this.#restart.event({ type: "removed", peer: address });
  }

  #create(
    options: PeerOptions,
    record: PeerRecord,
    more: Pick<ConstructorParameters<typeof Peer>[2], "mayCome" | "gone" | "isHeard"> = {},
  ): Peer {
    const withoutPolicy = defaultPolicy({ acceptExternal: this.#options().acceptExternal ?? false });
    const address = addressOf(options.address);
    const { localAs } = this.#options();
    const kind = sessionKind(options.remoteAs, this.#options());
    const observed = { name: options.address, address, remoteAs: options.remoteAs, localAs, kind } as const;
    const speaker = this.#options;
    return new Peer(options, address, {
      ...this.#parts,
      observer: this.#parts.observer?.(observed),
      get speaker() {
        return speaker();
      },
      codec: this.#codec,
      record,
      restart: this.#restart,
      sessionChanged: (change) => {
        const linked = change.type === "established" ? this.get(change.peer)?.linked : undefined;
        if (linked !== undefined) this.#began(linked);
        if (change.type === "established") this.#meet(change.peer);
        this.#parts.sessionChanged?.(change);
      },
      linkChanged: this.#linkChanged,
      looped: this.#parts.looped,
      keyTurned: () => this.#listeners.guard(),
      groupOf: (of, agreed, facts) => this.#groups.of(of, agreed, facts),
      mesh: this.#mesh,
      meshChanged: () => {
        for (const peer of this.#peers.values()) peer.meshChanged();
      },
      clusterIds: () => this.clusterIds,
      isReflector: () => this.#peers.values().some(({ options: other }) => other.reflectorClient === true),
      standingOf: (other) => {
        const known = this.get(other)?.options;
        return known && standingOf(known, this.#options());
      },
      importPolicy: (of) => of.importPolicy ?? withoutPolicy,
      ...more,
    });
  }

  /** The old driver ends, another one goes on with its record, after a rest where there was a session. */
  replace(old: Peer, options: PeerOptions): void {
    const key = peerKey(options.address);
    const peer = this.#create(options, old.record);
    this.#peers.set(key, peer);
    try {
      this.#listeners.guard();
    } catch (cause) {
      this.#peers.set(key, old);
      void this.leave(peer, undefined);
      throw cause;
    }
    const isShutDown = options.enabled === false;
    const rest = old.isConnected ? REST_AFTER_CHANGE : undefined;
    const message = isShutDown
      ? ceaseWithText(CeaseSubcode.AdministrativeShutdown, options.shutdownMessage)
      : notification(ErrorCode.Cease, CeaseSubcode.OtherConfigurationChange);
    void this.leave(old, message);
    this.#listeners.added(options);
    if (isShutDown) this.#restart.event({ type: "removed", peer: options.address });
    peer.start(rest);
  }

  /** Ends a driver. */
  leave(peer: Peer, message: NotificationMessage | undefined): Promise<void> {
    const leaving = peer
      .stop(message)
      .then(() => peer[Symbol.asyncDispose]())
      .catch((cause: unknown) => {
        this.#parts.log.error("bgp.peer.stop-failed", { peer: peer.options.address, reason: messageOf(cause) });
      })
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
    return leaving;
  }

  /** Whether a connection is that of a neighbour. */
  accept(connection: Connection, protects: (address: string) => boolean): boolean {
    const { address } = connection.remote;
    const peer = this.get(address) ?? this.#welcome(address, protects);
    if (peer === undefined || !protects(peer.options.address)) return false;
    peer.accept(connection);
    return true;
  }

  /** Somebody of a range connects: a neighbour for as long as the connection lasts. */
  #welcome(address: string, protects: (address: string) => boolean): Peer | undefined {
    const key = peerKey(address);
    const range = protects(address) ? this.#ranges.admit(address, key) : undefined;
    return range && this.#host(address, key, range);
  }

  /** A router is heard on a link where routers may become neighbours. */
  discovered(address: string): void {
    const key = peerKey(address);
    const known = this.#peers.get(key);
    if (known !== undefined || this.#ranges.of(address)?.connectTo === undefined) {
      if (known?.options.range !== undefined) known.discovered();
      return;
    }
    const range = this.#ranges.admit(address, key);
    if (range !== undefined) this.#host(address, key, range).discovered();
  }

  #host(address: string, key: string, range: ListenRange): Peer {
    const { metrics, clock } = this.#parts;
    const record = new PeerRecord(peerCounters(metrics, range.name), momentOf(clock));
    const peer: Peer = this.#create(optionsFromRange(address, range), record, {
      // Ranges may change between its connection and its OPEN.
      mayCome: (autonomousSystem) => this.#ranges.mayCome(address, autonomousSystem),
      isHeard: () => this.#isHeard(address),
      gone: () => {
        if (this.#peers.get(key) !== peer) return;
        this.forget(peer);
        void this.leave(peer, undefined);
      },
    });
    this.#peers.set(key, peer);
    peer.start();
    return peer;
  }
}

/** @throws {SpeakerError} `bgp.bad-address` */
export function addressOf(text: string): Ipv6Address {
  const address = peerAddress(text);
  if (address !== undefined) return address;
  const advice = text.includes("%") ? "only link-local addresses have a zone" : "it is neither IPv6 nor IPv4";
  throw new SpeakerError({ code: "bgp.bad-address", address: text }, `BGP neighbour address "${text}": ${advice}`);
}

/** For a Cease that an operator reads. @see RFC 9003 */
export function ceaseWithText(subcode: number, text: string | undefined): NotificationMessage {
  return notification(ErrorCode.Cease, subcode, text === undefined ? undefined : shutdownData(text));
}
