import { type Clock, type Milliseconds, milliseconds, type Random, type Seconds } from "../../base/index.ts";
import { type AttributeId, type PeerIndex, RibError, type RibPeer, type RouteFamily } from "../../rib/index.ts";
import { longLivedSet } from "../policy/index.ts";
import {
  type Agreement,
  type Helper,
  type HelperEffect,
  type HelperEvent,
  type HelperTimer,
  helperTimeout,
  longLivedTimer,
  NO_HELPER,
  type SessionEnd,
  stepHelper,
} from "../session/index.ts";
import { type AttributeCodec, type Family, routeFamily } from "../wire/index.ts";
import type { SpeakerRib } from "./peer-parts.ts";
import { TimerSet } from "./timer-set.ts";

/** A millisecond or less of a turn that inputs and outputs share. */
const NETS_AT_ONCE = 2048;

export interface PeerRibParts {
  readonly rib: SpeakerRib;
  /** Whose routes are taken from this neighbour. */
  readonly families: readonly RouteFamily[];
  readonly codec: AttributeCodec;
  readonly clock: Clock;
  readonly random: Random;
  readonly stalePathTime: Seconds;
  /** Nothing is kept any more for a neighbour that is gone. */
  readonly onReleased: () => void;
  /** The last job is done: UPDATEs may be taken again. */
  readonly onIdle: () => void;
  /** Routes of a session that lives have gone in a sweep. */
  readonly onSwept: (family: RouteFamily) => void;
}

/** One sweep; true when done. */
type Job = (peer: PeerIndex) => boolean;

/**
 * A neighbour's place in the RIB, for longer than a session: its number, its stale routes (`session/graceful-restart`
 * decides about them), and the sweeps that take many turns. While a sweep runs, `busy` holds back new UPDATEs.
 */
export class PeerRib implements Disposable {
  readonly #parts: PeerRibParts;
  readonly #timers: TimerSet<HelperTimer>;
  /** One for each family that is being refreshed: how long its end may take. @see RFC 7313 §4.2 */
  readonly #refreshes: TimerSet<RouteFamily>;
  #helper: Helper = NO_HELPER;
  /** Of the session whose routes are kept. */
  #outlived: Agreement | undefined;
  #peer: RibPeer | undefined;
  #index: PeerIndex | undefined;
  #jobs: Job[] = [];
  #running = false;
  #frozen = false;

  constructor(parts: PeerRibParts) {
    this.#parts = parts;
    this.#timers = new TimerSet(parts.clock, parts.random, (timer) => this.#step(helperTimeout(timer)));
    this.#refreshes = new TimerSet(parts.clock, parts.random, (family) => this.#endRefresh(family));
  }

  /** Its number; `undefined` before its first session. */
  get index(): PeerIndex | undefined {
    return this.#index;
  }

  get helper(): Helper {
    return this.#helper;
  }

  /** The neighbour is gone, and its routes are kept. */
  get isHelping(): boolean {
    return this.#helper.state === "retaining" || this.#helper.state === "long-lived";
  }

  /** What was agreed on with a neighbour that is gone, while its routes are kept. */
  get outlived(): Agreement | undefined {
    return this.isHelping ? this.#outlived : undefined;
  }

  /** How long stale routes of a family are kept yet as they are; `undefined`: none are. */
  keptYet(family: Family): Milliseconds | undefined {
    const timers: readonly HelperTimer[] = ["restart", "stalePath", longLivedTimer(family)];
    const left = timers.flatMap((timer) => this.#timers.left(timer) ?? []);
    return left.length === 0 ? undefined : milliseconds(Math.min(...left));
  }

  get busy(): boolean {
    return this.#jobs.length > 0;
  }

  /** Routes in its Adj-RIB-In. */
  routes(family: RouteFamily): number {
    return this.#index === undefined ? 0 : this.#parts.rib.table(family).pathsOf(this.#index);
  }

  /** The session is up. A neighbour that comes back as somebody else starts with nothing. */
  established(peer: RibPeer, agreed: Agreement): PeerIndex {
    const same = this.#peer !== undefined && this.#peer.bgpIdentifier === peer.bgpIdentifier;
    if (!same) this.#forget();
    this.#peer = peer;
    this.#index ??= this.#parts.rib.openPeer(peer);
    this.#step({ type: "established", agreed });
    return this.#index;
  }

  lost(agreed: Agreement, end: SessionEnd): void {
    this.#refreshes.disarmAll();
    this.forgetReceived();
    this.#outlived = agreed;
    this.#step({ type: "lost", agreed, end });
  }

  /** What was kept before import policy goes: it is of the session. */
  forgetReceived(): void {
    if (this.#frozen) return;
    for (const family of this.#parts.families) {
      const table = this.#parts.rib.receivedIfKept(family);
      if (table !== undefined) this.#enqueue((peer) => table.sweep(peer, NETS_AT_ONCE));
    }
  }

  /** Routes that are kept for a restart go: it is no restart. */
  giveUp(): void {
    this.#step({ type: "stopped" });
  }

  endOfRib(family: Family): void {
    this.#step({ type: "endOfRib", family });
  }

  /** What the neighbour does not say again until `endRefresh` is out of date. @see RFC 7313 §4.2 */
  beginRefresh(family: RouteFamily): void {
    if (this.#frozen) return;
    this.#refreshes.arm(family, this.#parts.stalePathTime, { jitter: false });
    this.#enqueue((peer) => this.#parts.rib.table(family).beginRefresh(peer, NETS_AT_ONCE));
    const kept = this.#parts.rib.receivedIfKept(family);
    if (kept !== undefined) this.#enqueue((peer) => kept.beginRefresh(peer, NETS_AT_ONCE));
  }

  /** A mark without a beginning means nothing. */
  endRefresh(family: RouteFamily): void {
    if (!this.#refreshes.isArmed(family)) return;
    this.#refreshes.disarm(family);
    this.#endRefresh(family);
  }

  #endRefresh(family: RouteFamily): void {
    this.#sweep(family, (peer) => this.#parts.rib.table(family).sweepStale(peer, NETS_AT_ONCE));
    const kept = this.#parts.rib.receivedIfKept(family);
    if (kept !== undefined) this.#enqueue((peer) => kept.sweepStale(peer, NETS_AT_ONCE));
  }

  /** Every route of the family goes, the session stays. @see RFC 4760 §7 */
  sweepAll(family: RouteFamily): void {
    this.#sweep(family, (peer) => this.#parts.rib.table(family).sweep(peer, NETS_AT_ONCE));
    const kept = this.#parts.rib.receivedIfKept(family);
    if (kept !== undefined) this.#enqueue((peer) => kept.sweep(peer, NETS_AT_ONCE));
  }

  #sweep(family: RouteFamily, job: Job): void {
    let before: number | undefined;
    this.#enqueue((peer) => {
      before ??= this.routes(family);
      const done = job(peer);
      if (done && this.routes(family) < before) this.#parts.onSwept(family);
      return done;
    });
  }

  /** The process ends: the RIB keeps what it has, so that nothing is taken out of forwarding on the way. */
  freeze(): void {
    this.#frozen = true;
    this.#jobs = [];
    this.#timers.disarmAll();
    this.#refreshes.disarmAll();
  }

  [Symbol.dispose](): void {
    this.#timers[Symbol.dispose]();
    this.#forget();
  }

  /** The RIB sweeps what is left and frees the number. */
  #forget(): void {
    this.#helper = NO_HELPER;
    this.#timers.disarmAll();
    this.#refreshes.disarmAll();
    this.#jobs = [];
    if (this.#index !== undefined && !this.#frozen) this.#parts.rib.closePeer(this.#index);
    this.#index = undefined;
    this.#peer = undefined;
  }

  #step(event: HelperEvent): void {
    if (this.#frozen) return;
    const wasHelping = this.isHelping;
    const { helper, effects } = stepHelper(this.#helper, event, this.#parts.stalePathTime);
    this.#helper = helper;
    for (const effect of effects) this.#perform(effect);
    if (wasHelping && helper.state === "none") this.#parts.onReleased();
  }

  #perform(effect: HelperEffect): void {
    if (effect.type === "arm") {
      this.#timers.arm(effect.timer, effect.delay, { jitter: false });
      return;
    }
    if (effect.type === "disarm") {
      this.#timers.disarm(effect.timer);
      return;
    }
    const { families, codec, rib } = this.#parts;
    const family = routeFamily(effect.family, codec.dialect);
    if (family === undefined || !families.includes(family)) return;
    const table = rib.table(family);
    if (effect.type === "deleteStale") this.#enqueue((peer) => table.sweepStale(peer, NETS_AT_ONCE));
    else if (effect.type === "deleteAll") this.#enqueue((peer) => table.sweep(peer, NETS_AT_ONCE));
    else if (effect.type === "markLongLived") {
      this.#enqueue((peer) => table.replaceStale(peer, NETS_AT_ONCE, this.#lastResort(family)));
    } else {
      this.#enqueue((peer) => table.markStale(peer, NETS_AT_ONCE));
    }
  }

  /** Sets of stale routes as they are used from now on. The answers hold for one turn, as the numbers of sets do. */
  #lastResort(family: RouteFamily): (attributes: AttributeId) => AttributeId | undefined {
    const { rib, codec } = this.#parts;
    const marked = (id: AttributeId): AttributeId | undefined => {
      const set = longLivedSet(rib.attributes.get(id));
      if (set === undefined) return undefined;
      const identity = codec.identity(set, family);
      try {
        return rib.attributes.intern(identity, 0, identity.length, codec.sourceOf(set), family);
      } catch (cause) {
        // Without room for the mark a route cannot be told from a good one: it goes, as it would without this help.
        if (cause instanceof RibError) return undefined;
        throw cause;
      }
    };
    const known = new Map<AttributeId, AttributeId | undefined>();
    return (id) => {
      if (!known.has(id)) known.set(id, marked(id));
      return known.get(id);
    };
  }

  /** A job of the session's own, from the next turn on: whatever comes waits for it. */
  inTurns(job: () => boolean): void {
    this.#jobs.push(job);
    if (this.#running) return;
    this.#running = true;
    this.#parts.clock.soon(() => this.#run());
  }

  /** Jobs run in order; the first piece at once, the rest on later turns. */
  #enqueue(job: Job): void {
    this.#jobs.push(job);
    if (!this.#running) this.#run();
  }

  #run(): void {
    const job = this.#jobs[0];
    this.#running = job !== undefined && this.#index !== undefined;
    if (job === undefined || this.#index === undefined) {
      this.#parts.onIdle();
      return;
    }
    if (!job(this.#index)) {
      this.#parts.clock.soon(() => this.#run());
      return;
    }
    if (this.#jobs[0] === job) this.#jobs.shift(); // it may have led to the end of all
    this.#run();
  }
}
