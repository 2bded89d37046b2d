import { type Ipv6Address, Scope } from "../../base/index.ts";
import type { AttributeSet, RouteFamily } from "../../rib/index.ts";
import type { SelectionDeferral } from "../session/index.ts";
import {
  AttributeCodec,
  type CapabilityNlri,
  CeaseSubcode,
  DEFAULT_DIALECT,
  encodeMembership,
  type UnicastNlri,
} from "../wire/index.ts";
import type { AdjRibOut } from "./adj-rib-out.ts";
import { type CommonOptions, changedCommon, commonOf, planCommonChange } from "./common-change.ts";
import { ExportGroups } from "./export-groups.ts";
import type { LinkWatch } from "./link-watch.ts";
import { type ListenRange, ListenRanges, type RangeStatus, UNKNOWN_AS } from "./listen-ranges.ts";
import { Listeners } from "./listeners.ts";
import { NeighborChanges } from "./neighbor-changes.ts";
import type { PeerOptions, SpeakerOptions } from "./options.ts";
import { OwnRestartControl, type RestartChange } from "./own-restart.ts";
import { OwnRoutes } from "./own-routes.ts";
import type { PathFailure } from "./path-failure.ts";
import type { Peer } from "./peer.ts";
import { peerKey } from "./peer-address.ts";
import type { PeerChange } from "./peer-change.ts";
import { ceaseWithText, PeerDrivers } from "./peer-drivers.ts";
import type { JudgedRoute, SoftClear, Speaker, SpeakerParts } from "./speaker-api.ts";
import { linkWatch } from "./speaker-links.ts";
import type { PeerStatus } from "./status.ts";
import type { Endpoint } from "./transport.ts";

/**
 * Starts a speaker: listeners are open and every neighbour that is not passive is being connected to when it resolves.
 * @throws {SpeakerError} `bgp.bad-address`, `bgp.duplicate-peer`
 * @throws {TransportError} `bgp.listen-failed`, `bgp.needs-addon`
 */
export async function startSpeaker(
  options: SpeakerOptions,
  parts: SpeakerParts,
  signal: AbortSignal,
): Promise<Speaker> {
  const scope = new Scope(signal);
  try {
    signal.throwIfAborted();
    const speaker = new RunningSpeaker(options, parts, scope);
    await speaker.listen();
    return speaker;
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

class RunningSpeaker implements Speaker {
  #options: SpeakerOptions;
  readonly #parts: SpeakerParts;
  readonly #scope: Scope;
  readonly #codec: AttributeCodec;
  readonly #groups: ExportGroups;
  readonly #restart: OwnRestartControl;
  readonly #routes: OwnRoutes;
  readonly #listeners: Listeners;
  readonly #ranges: ListenRanges;
  readonly #peers: PeerDrivers;
  readonly #links: LinkWatch;
  readonly #neighbors: NeighborChanges;
  #importTargets: readonly Uint8Array[] | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: SpeakerOptions, parts: SpeakerParts, scope: Scope) {
    this.#options = options;
    this.#parts = parts;
    this.#scope = scope;
    this.#codec = new AttributeCodec(options.dialect ?? DEFAULT_DIALECT);
    this.#groups = new ExportGroups(this.#codec, parts.rib.attributes, options);
    this.#routes = new OwnRoutes(parts.rib, this.#codec);
    this.#ranges = new ListenRanges(options.localAs, parts);
    this.#ranges.replace(options.ranges ?? []);
    this.#listeners = scope.own(
      new Listeners({
        ...parts,
        ranges: () => this.#ranges.ranges,
        peers: () => this.#peers.values(),
        accept: (connection, protects) => this.#stopped === undefined && this.#peers.accept(connection, protects),
      }),
    );
    this.#restart = new OwnRestartControl(options, parts.clock, parts.log, (what) => this.#changed(what));
    scope.own(this.#restart);
    this.#peers = new PeerDrivers({
      parts,
      options: () => this.#options,
      codec: this.#codec,
      groups: this.#groups,
      restart: this.#restart,
      ranges: this.#ranges,
      listeners: this.#listeners,
      linkChanged: (peer) => this.#linkChanged(peer),
      began: (session) => this.#links.began(session),
      isHeard: (address) => this.#links.hears(address),
    });
    this.#links = scope.own(
      linkWatch(parts, {
        peers: this.#peers,
        ranges: this.#ranges,
        listeners: this.#listeners,
        port: () => this.#options.listen[0]?.port,
        hasStopped: () => this.#stopped !== undefined,
      }),
    );
    this.#neighbors = new NeighborChanges({
      ...{ log: parts.log, peers: this.#peers, groups: this.#groups, listeners: this.#listeners },
      ...{ ranges: this.#ranges, links: this.#links, localAs: () => this.#options.localAs },
    });
    for (const peer of options.peers) this.#peers.add(peer);
  }

  async listen(): Promise<void> {
    await this.#listeners.listen(this.#options.listen);
    for (const peer of this.#peers.values()) peer.start();
    this.#links.look();
  }

  /** Its routes, and what it is told, are judged by what is on the link now. */
  #linkChanged(peer: Peer): void {
    this.#parts.log.info("bgp.peer.link-changed", { peer: peer.options.address });
    this.#neighbors.judgeAgain(peer);
  }

  get listening(): readonly Endpoint[] {
    return this.#listeners.local;
  }

  get strangersRefused(): number {
    return this.#listeners.strangersRefused;
  }

  get selectionSettled(): Promise<void> {
    return this.#restart.settled;
  }

  get neighborsHeard(): Promise<void> {
    return this.#restart.heard;
  }

  get deferral(): SelectionDeferral {
    return this.#restart.deferral;
  }

  originate(nlri: CapabilityNlri, attributes: AttributeSet): void {
    this.#routes.originate(nlri, attributes);
  }

  withdraw(nlri: CapabilityNlri): void {
    this.#routes.withdraw(nlri);
  }

  importTargets(targets: readonly Uint8Array[]): void {
    this.#importTargets = targets;
    const { localAs, nextHop } = this.#options;
    const own = targets.map((target) => encodeMembership(localAs, target));
    // A reflector takes everything from its clients, and says so to them alone: see `membershipPolicy`. Others have none.
    this.#routes.become([...own, encodeMembership(localAs, undefined)], membershipSet(nextHop));
  }

  originateUnicast(nlri: UnicastNlri, attributes: AttributeSet): void {
    this.#routes.originateUnicast(nlri, attributes);
  }

  withdrawUnicast(nlri: UnicastNlri): void {
    this.#routes.withdrawUnicast(nlri);
  }

  localStateConverged(): void {
    this.#restart.localStateConverged();
  }

  peers(): readonly PeerStatus[] {
    const named = this.#peers.values().filter(({ options }) => options.remoteAs !== UNKNOWN_AS);
    return Array.from(named, (peer) => peer.status());
  }

  peer(address: string): PeerStatus | undefined {
    return this.#peers.get(address)?.status();
  }

  *received(address: string, family: RouteFamily): Generator<JudgedRoute> {
    const kept = this.#peers.get(address)?.received(family);
    if (kept === undefined) return;
    const { routes, intake } = kept;
    for (const route of routes.routes()) {
      if (this.#peers.get(address)?.received(family)?.routes !== routes) return; // another session, or none
      yield { ...route, ...intake.look(route.attributes, route.key) };
    }
  }

  keepsReceived(address: string, family: RouteFamily): boolean {
    return this.#peers.get(address)?.received(family) !== undefined;
  }

  told(address: string, family: RouteFamily): AdjRibOut | undefined {
    return this.#peers.get(address)?.told(family);
  }

  ranges(): readonly RangeStatus[] {
    return this.#ranges.status();
  }

  setRanges(ranges: readonly ListenRange[]): void {
    const before = this.#ranges.ranges;
    this.#ranges.replace(ranges);
    try {
      this.#listeners.guard();
    } catch (cause) {
      this.#ranges.replace(before);
      throw cause;
    }
    for (const peer of [...this.#peers.values()])
      if (peer.options.range !== undefined) this.#neighbors.placeAgain(peer);
    this.#links.look();
  }

  async change(common: CommonOptions, { leaving = [] }: Parameters<Speaker["change"]>[1] = {}): Promise<void> {
    const before = commonOf(this.#options);
    const changed = changedCommon(before, common);
    if (changed.size === 0) return;
    await this.#listeners.listen(common.listen);
    this.#parts.log.info("bgp.changed", { changed: [...changed] });
    const { confederation: _c, clusterId: _i, siteOfOrigin: _s, ...others } = this.#options;
    this.#options = { ...others, ...common };
    this.#ranges.localAs = common.localAs;
    this.#restart.gracefulRestart = common.gracefulRestart;
    this.#groups.speakerChanged(this.#options);
    if (this.#importTargets !== undefined) this.importTargets(this.#importTargets);
    const apart = new Set(leaving.map(peerKey));
    for (const peer of [...this.#peers.values()]) {
      if (!apart.has(peerKey(peer.options.address)))
        this.#neighbors.commonChanged(peer, planCommonChange(before, common, peer.options));
    }
    this.#listeners.keepOnly(common.listen);
    this.#links.look();
  }

  clear(address: string, text?: string): boolean {
    const peer = this.#peers.get(address);
    peer?.clear(ceaseWithText(CeaseSubcode.AdministrativeReset, text));
    return peer !== undefined;
  }

  clearSoft(address: string, direction: "in" | "out"): SoftClear {
    const peer = this.#peers.get(address);
    if (peer === undefined) return "unknown-peer";
    if (!peer.isEstablished) return "no-session";
    if (direction === "in") return peer.askAgain() ? "done" : "no-route-refresh";
    peer.replay();
    return "done";
  }

  refresh(address: string): boolean {
    return this.clearSoft(address, "in") === "done" && this.clearSoft(address, "out") === "done";
  }

  pathFailed(address: string, failure: PathFailure): boolean {
    const peer = this.#peers.get(address);
    peer?.pathFailed(failure);
    return peer !== undefined;
  }

  pathRecovered(address: string): boolean {
    const peer = this.#peers.get(address);
    peer?.pathRecovered();
    return peer !== undefined;
  }

  get gracefulShutdown(): boolean {
    return this.#groups.mode.gracefulShutdown;
  }

  set gracefulShutdown(gracefulShutdown: boolean) {
    if (gracefulShutdown === this.gracefulShutdown) return;
    this.#groups.mode = { gracefulShutdown };
    this.#parts.log.info("bgp.graceful-shutdown", { on: gracefulShutdown });
    for (const peer of this.#peers.values()) peer.replay();
  }

  addPeer(options: PeerOptions): void {
    this.#neighbors.add(options);
  }

  changePeer(options: PeerOptions): PeerChange {
    return this.#neighbors.change(options);
  }

  disable(address: string, text?: string): boolean {
    return this.#neighbors.disable(address, text);
  }

  enable(address: string): boolean {
    return this.#neighbors.enable(address);
  }

  removePeer(address: string, text?: string): Promise<boolean> {
    return this.#neighbors.remove(address, text);
  }

  stop(how: { readonly restart: boolean; readonly text?: string }): Promise<void> {
    this.#stopped ??= this.#stop(how);
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop({ restart: false });
  }

  async #stop(how: { readonly restart: boolean; readonly text?: string }): Promise<void> {
    const message = how.restart ? undefined : ceaseWithText(CeaseSubcode.AdministrativeShutdown, how.text);
    const peers = [...this.#peers.values()];
    for (const peer of peers) peer.freezeRoutes();
    await Promise.all([this.#peers.settled(), ...peers.map((peer) => peer.stop(message))]);
    await Promise.all(peers.map((peer) => peer[Symbol.asyncDispose]()));
    await this.#scope[Symbol.asyncDispose]();
  }

  #changed(what: RestartChange): void {
    for (const peer of this.#peers.values()) {
      if (what === "selection-settled") peer.replay();
      else peer.poke();
    }
  }
}

function membershipSet(nextHop: Ipv6Address): AttributeSet {
  const none = { communities: [], extendedCommunities: [], largeCommunities: [], opaque: [] } as const;
  return { origin: "igp", asPath: [], nextHop, localPref: 100, ...none };
}
