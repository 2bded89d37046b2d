import type { Bfd, BfdChange, BfdSession, BfdThread, BfdTimes } from "../../native/api.ts";
import { type Clock, type Log, type Metrics, type Milliseconds, milliseconds } from "../base/index.ts";
import { NEW_PATH, onChange, onSession, type PathState, type PathStep } from "./decision.ts";
import type { BfdPath, BfdPathStatus, BfdScheduling, PathSwitch, SessionNews } from "./path.ts";

export interface BfdMonitorParts {
  readonly bfd: Bfd;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly paths: PathSwitch;
  /** The speaker, which is told what becomes of a path after the data plane. */
  readonly sessions: {
    pathFailed(peer: string, failure: { readonly independent: boolean }): void;
    pathRecovered(peer: string): void;
  };
}

/** Changes that may wait for the event loop; what does not fit is made up for from the states themselves. */
const CHANGES_AT_ONCE = 1024;

interface Watched {
  path: BfdPath;
  readonly session: BfdSession;
  readonly ups: { add(): void };
  readonly failures: { add(): void };
  readonly isUp: { set(value: number): void };
  state: PathState;
  failed: number;
  failedAt: Milliseconds | undefined;
}

/**
 * Starts the BFD thread with a session for each path; neighbours are being spoken to when it returns.
 * @throws {Error} of the addon with `code`: EADDRINUSE where another daemon has the BFD port, EADDRNOTAVAIL for an address
 * that is not this host's
 */
export function startBfdMonitor(paths: readonly BfdPath[], parts: BfdMonitorParts): BfdMonitor {
  return new BfdMonitor(paths, parts);
}

/** Watches the paths to neighbours, and says which have failed: to the data plane first, then to the speaker. */
export class BfdMonitor implements Disposable {
  readonly #parts: BfdMonitorParts;
  readonly #thread: BfdThread;
  readonly #byPeer = new Map<string, Watched>();
  readonly #bySession = new Map<number, Watched>();
  /** Of neighbours whose session is up: for one that is watched later. */
  readonly #established = new Map<string, SessionNews>();
  #dropped = 0;
  #closed = false;

  constructor(paths: readonly BfdPath[], parts: BfdMonitorParts) {
    this.#parts = parts;
    this.#thread = parts.bfd.start({ bound: CHANGES_AT_ONCE, change: (change) => this.#changed(change) });
    try {
      for (const path of paths) this.#open(path);
    } catch (cause) {
      this.#thread[Symbol.dispose]();
      throw cause;
    }
    const { realtime, reason } = this.scheduling;
    if (!realtime && paths.length > 0) {
      parts.log.warn("bfd.no-realtime-priority", {
        reason,
        effect: "no interval below 300 ms and no multiplier below 3 is used",
        advice: "give semrd CAP_SYS_NICE",
      });
    }
  }

  get scheduling(): BfdScheduling {
    return this.#thread.priority;
  }

  /** `undefined` for a neighbour that is not watched. */
  status(peer: string): BfdPathStatus | undefined {
    const watched = this.#byPeer.get(peer);
    return (
      watched && {
        ...watched.session.status,
        pathFailed: watched.state.failed,
        failures: watched.failed,
        failedAt: watched.failedAt,
      }
    );
  }

  /**
   * Watches a path, or goes on watching it in another way: other times without a break (by a Poll Sequence), other ends
   * with a new session, of which the neighbour hears AdminDown first, which is no failure.
   * @throws {Error} of the addon as at the start; what was watched before still is
   */
  watch(path: BfdPath): void {
    const watched = this.#byPeer.get(path.peer);
    if (watched === undefined) {
      this.#open(path);
    } else if (sameEnds(watched.path, path)) {
      watched.session.setTimes(timesOf(path));
      watched.path = path;
    } else {
      const before = watched.path;
      this.#close(watched);
      try {
        this.#open(path);
      } catch (cause) {
        this.#open(before);
        throw cause;
      }
    }
  }

  /** Ends the watch, which is no failure: packets go this way if they did not. False: it was not watched. */
  unwatch(peer: string): boolean {
    const watched = this.#byPeer.get(peer);
    if (watched === undefined) return false;
    this.#close(watched);
    return true;
  }

  /** Next hops were added or removed: what a word of the data plane means has changed. Before anything else may happen to it. */
  rebind(): void {
    for (const watched of this.#byPeer.values()) {
      this.#bind(watched);
      if (watched.state.failed) this.#parts.paths.set(watched.path.peer, "down");
    }
  }

  /** The speaker's news about a neighbour; one that is not watched is possible. */
  session(peer: string, news: SessionNews): void {
    if (news.type === "established") this.#established.set(peer, news);
    else this.#established.delete(peer);
    const watched = this.#byPeer.get(peer);
    if (watched === undefined) {
      // An earlier process may have watched it, and found its path broken.
      if (news.type === "established") this.#parts.paths.set(peer, "up");
      return;
    }
    if (!this.#closed) watched.session.watch(news.type === "established" ? news.connection : undefined);
    this.#take(watched, onSession(watched.state, news));
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { session } of this.#byPeer.values()) session[Symbol.dispose]();
    this.#thread[Symbol.dispose]();
  }

  #open(path: BfdPath): void {
    const { metrics } = this.#parts;
    const { peer, local, multihop, minimumTtl } = path;
    const session = this.#thread.openSession({
      local,
      remote: peer,
      multihop,
      ...(minimumTtl === undefined ? {} : { minimumTtl }),
      ...timesOf(path),
    });
    const labels = { peer };
    const watched = {
      path,
      session,
      ups: metrics.counter("semrd_bfd_ups_total", "Times that a BFD session came up", labels),
      failures: metrics.counter("semrd_bfd_failures_total", "Times that BFD found a path broken", labels),
      isUp: metrics.gauge("semrd_bfd_up_state", "1 while the BFD session is up, 0 otherwise", labels),
      state: NEW_PATH,
      failed: 0,
      failedAt: undefined,
    };
    this.#byPeer.set(peer, watched);
    this.#bySession.set(session.session, watched);
    this.#bind(watched);
    const news = this.#established.get(peer);
    if (news?.type === "established") session.watch(news.connection);
  }

  #close({ path: { peer }, session, state, isUp }: Watched): void {
    session[Symbol.dispose]();
    this.#byPeer.delete(peer);
    this.#bySession.delete(session.session);
    isUp.set(0);
    if (state.failed) this.#parts.paths.set(peer, "up");
  }

  #changed(change: BfdChange): void {
    if (this.#closed) return;
    const watched = this.#bySession.get(change.session);
    if (watched !== undefined) this.#follow(watched, change);
    const { dropped } = this.#thread;
    if (dropped === this.#dropped) return;
    this.#parts.log.warn("bfd.changes-dropped", { count: dropped - this.#dropped });
    this.#dropped = dropped;
    for (const other of this.#byPeer.values()) this.#makeUp(other);
  }

  #follow(watched: Watched, change: BfdChange): void {
    const { path } = watched;
    const { state, before, diagnostic, failed, peerEnded, stored } = change;
    watched.isUp.set(state === "Up" ? 1 : 0);
    if (state === "Up") {
      watched.ups.add();
      this.#parts.log.info("bfd.session.up", { peer: path.peer });
    } else if (before === "Up") {
      const { restarting } = watched.state;
      this.#parts.log.warn("bfd.session.down", { peer: path.peer, diagnostic, failed, peerEnded, restarting, stored });
    }
    this.#take(watched, onChange(watched.state, change), change.at);
  }

  /** What was dropped may have been a failure: the state of now is taken for one. */
  #makeUp(watched: Watched): void {
    const { state, remoteState, remoteIndependent, diagnostic } = watched.session.status;
    const failed = state !== "Up" && remoteState !== "AdminDown" && state !== "AdminDown";
    const facts = {
      session: watched.session.session,
      state,
      before: state,
      diagnostic,
      remoteState,
      remoteIndependent,
    };
    this.#take(
      watched,
      onChange(watched.state, { ...facts, failed, peerEnded: false, stored: false, at: kernelTime() }),
    );
  }

  /** @param at of what it follows from, CLOCK_MONOTONIC in milliseconds */
  #take(watched: Watched, { state, effects }: PathStep, at = kernelTime()): void {
    const { path } = watched;
    watched.state = state;
    if (!this.#closed) this.#bind(watched);
    if (effects.set !== undefined) this.#parts.paths.set(path.peer, effects.set);
    if (effects.fail !== undefined) {
      watched.failed++;
      watched.failedAt = milliseconds(this.#parts.clock.wall() - (kernelTime() - at));
      watched.failures.add();
      this.#parts.sessions.pathFailed(path.peer, effects.fail);
    } else if (effects.recover === true) this.#parts.sessions.pathRecovered(path.peer);
  }

  /** While the neighbour restarts, only BFD that does not share the fate of its control plane may switch. */
  #bind(watched: Watched): void {
    const { session, path, state } = watched;
    const mayStore = !state.restarting || session.status.remoteIndependent;
    session.bind(mayStore ? this.#parts.paths.binding(path.peer) : undefined);
  }
}

function sameEnds(a: BfdPath, b: BfdPath): boolean {
  return a.local === b.local && a.multihop === b.multihop && a.minimumTtl === b.minimumTtl;
}

/** In microseconds, as the thread wants them. */
function timesOf({ desiredMinTx, requiredMinRx, detectMultiplier }: BfdPath): BfdTimes {
  return { desiredMinTx: desiredMinTx * 1000, requiredMinRx: requiredMinRx * 1000, detectMultiplier };
}

/** CLOCK_MONOTONIC, as the thread has it. */
function kernelTime(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
