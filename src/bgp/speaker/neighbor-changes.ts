import type { Log } from "../../base/index.ts";
import { CeaseSubcode, ErrorCode, notification } from "../wire/index.ts";
import type { CommonChangeReason } from "./common-change.ts";
import type { ExportGroups } from "./export-groups.ts";
import { planGuest } from "./guest-change.ts";
import type { LinkWatch } from "./link-watch.ts";
import type { ListenRanges } from "./listen-ranges.ts";
import type { Listeners } from "./listeners.ts";
import type { PeerOptions } from "./options.ts";
import type { Peer } from "./peer.ts";
import { peerKey, zoneOf } from "./peer-address.ts";
import { type PeerChange, planPeerChange } from "./peer-change.ts";
import { ceaseWithText, type PeerDrivers } from "./peer-drivers.ts";
import { SpeakerError } from "./speaker-api.ts";

export interface NeighborChangesParts {
  readonly log: Log;
  readonly peers: PeerDrivers;
  readonly groups: ExportGroups;
  readonly listeners: Listeners;
  readonly ranges: ListenRanges;
  readonly links: LinkWatch;
  /** The speaker's own AS, of now. */
  readonly localAs: () => number;
}

/** Neighbours that come, become others and go while the speaker runs: what that is for their drivers, and for all who watch them. */
export class NeighborChanges {
  readonly #parts: NeighborChangesParts;

  constructor(parts: NeighborChangesParts) {
    this.#parts = parts;
  }

  /** A neighbour that came by itself, after the ranges have changed. */
  placeAgain(peer: Peer): void {
    const step = planGuest(peer.options, this.#parts.ranges.ranges, this.#parts.localAs());
    if (step.type === "change" && step.change.effect !== "reset") {
      this.#parts.ranges.stays(step.peer.address, peerKey(step.peer.address));
      this.change(step.peer);
      return;
    }
    const subcode = step.type === "change" ? CeaseSubcode.OtherConfigurationChange : CeaseSubcode.PeerDeconfigured;
    void this.#parts.peers.dismiss(peer, notification(ErrorCode.Cease, subcode));
  }

  /** What all neighbours have in common is another one now, for these reasons of this neighbour. */
  commonChanged(peer: Peer, reasons: readonly CommonChangeReason[]): void {
    const { options } = peer;
    const isReset = reasons.some(({ effect }) => effect === "reset");
    if (isReset && options.range !== undefined) {
      void this.#parts.peers.dismiss(peer, notification(ErrorCode.Cease, CeaseSubcode.OtherConfigurationChange));
    } else if (isReset || (reasons.length > 0 && options.enabled === false)) this.#parts.peers.replace(peer, options);
    else if (reasons.some(({ effect }) => effect === "live")) this.judgeAgain(peer);
  }

  /** What it is told, and what it has said, is judged by what is so now. */
  judgeAgain(peer: Peer): void {
    if (peer.commonChanged().needsRefresh) this.#warnNoRefresh(peer.options);
  }

  #warnNoRefresh({ address }: PeerOptions): void {
    this.#parts.log.warn("bgp.peer.cannot-refresh", {
      peer: address,
      effect: "routes that came before stay as the import policy of then left them",
      advice:
        "the neighbour cannot send its routes again (RFC 2918): clear the session when it may end, or set soft-reconfiguration",
    });
  }

  /** Clients are in other clusters now: everybody inside is told, and has said, something else. @see RFC 4456 §8 */
  #clustersChanged(): void {
    this.#parts.groups.regroup(this.#parts.peers.clusters());
    for (const peer of this.#parts.peers.values()) {
      if (peer.kind === "internal") this.judgeAgain(peer);
    }
  }

  add(options: PeerOptions): void {
    const before = this.#parts.peers.clusterIds;
    this.#addPeer(options);
    if (!sameMembers(before, this.#parts.peers.clusterIds)) this.#clustersChanged();
  }

  #addPeer(options: PeerOptions): void {
    const guest = this.#parts.peers.get(options.address);
    if (guest !== undefined && guest.options.range !== undefined) {
      void this.#parts.peers.dismiss(guest, notification(ErrorCode.Cease, CeaseSubcode.OtherConfigurationChange));
    }
    const peer = this.#parts.peers.add(options);
    try {
      this.#parts.listeners.guard();
    } catch (cause) {
      this.#parts.peers.drop(peer);
      throw cause;
    }
    this.#parts.listeners.added(options);
    peer.start();
    if (zoneOf(options.address) !== undefined) this.#parts.links.soon();
  }

  change(options: PeerOptions): PeerChange {
    const peer = this.#parts.peers.get(options.address);
    if (peer !== undefined && peer.options.range !== undefined && options.range === undefined) {
      const change = planPeerChange(peer.options, options);
      this.add(options); // which a guest makes place for
      return change;
    }
    if (peer === undefined) {
      const fault = { code: "bgp.unknown-peer", address: options.address } as const;
      throw new SpeakerError(fault, `${options.address} is no BGP neighbour: it cannot be changed, add it`);
    }
    const change = planPeerChange(peer.options, options);
    const { log } = this.#parts;
    if (change.effect === "nothing") return change;
    const changed = change.reasons.map(({ option }) => option);
    log.info("bgp.peer.changed", { peer: options.address, effect: change.effect, changed });
    if (change.effect === "reset" || peer.options.enabled === false) this.#parts.peers.replace(peer, options);
    else if (this.#changeLive(peer, options).needsRefresh) this.#warnNoRefresh(options);
    if (changed.includes("clusterId")) this.#clustersChanged();
    // One that is tried again is listened for, and one that is next door now has its next hops on its link.
    if (zoneOf(options.address) !== undefined || changed.includes("multihop")) this.#parts.links.soon();
    return change;
  }

  #changeLive(peer: Peer, options: PeerOptions): { readonly needsRefresh: boolean } {
    const before = peer.options;
    const changed = peer.change(options);
    try {
      this.#parts.listeners.guard();
    } catch (cause) {
      peer.change(before);
      throw cause;
    }
    if (options.ttlSecurityHops !== before.ttlSecurityHops) this.#parts.listeners.added(options);
    return changed;
  }

  disable(address: string, text?: string): boolean {
    const peer = this.#parts.peers.get(address);
    if (peer === undefined || peer.options.range !== undefined) return false;
    const message = text === undefined ? {} : { shutdownMessage: text };
    this.change({ ...peer.options, ...message, enabled: false });
    return true;
  }

  enable(address: string): boolean {
    const peer = this.#parts.peers.get(address);
    if (peer === undefined) return false;
    this.change({ ...peer.options, enabled: true });
    return true;
  }

  async remove(address: string, text?: string): Promise<boolean> {
    const peer = this.#parts.peers.get(address);
    if (peer === undefined) return false;
    this.#parts.peers.forget(peer);
    this.#parts.listeners.guard();
    if (zoneOf(address) !== undefined) this.#parts.links.soon();
    if (peer.options.clusterId !== undefined) this.#clustersChanged();
    const subcode = text === undefined ? CeaseSubcode.PeerDeconfigured : CeaseSubcode.AdministrativeShutdown;
    await this.#parts.peers.leave(peer, ceaseWithText(subcode, text));
    return true;
  }
}

const sameMembers = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean => a.size === b.size && a.isSubsetOf(b);
