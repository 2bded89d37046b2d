import { type Clock, type Milliseconds, milliseconds, type Seconds, seconds, type Timer } from "../../base/index.ts";
import {
  type Answer,
  answered,
  type CommitOptions,
  fault,
  type ManagementFault,
  type PendingCommit,
  refused,
  type Session,
} from "../datastore/index.ts";
import type { StoredPending } from "./commit-store.ts";

/** @see RFC 6241 §8.4.5.1 */
const DEFAULT_TIMEOUT: Seconds = seconds(600);
/** Timers take 31 bits of milliseconds; a longer wait is armed again. */
const LONGEST_WAIT = 86_400_000;

/** The one confirmed commit that may be waiting, of whatever protocol; `timedOut` is called at its deadline. */
export class ConfirmedCommit {
  readonly #clock: Clock;
  readonly #timedOut: () => void;
  #pending: StoredPending | undefined;
  #session: number | undefined;
  #endsAt = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, timedOut: () => void) {
    this.#clock = clock;
    this.#timedOut = timedOut;
  }

  get stored(): StoredPending | undefined {
    return this.#pending;
  }

  get pending(): PendingCommit | undefined {
    if (this.#pending === undefined) return undefined;
    const { timeout: _, ...facts } = this.#pending;
    return this.#session === undefined ? facts : { ...facts, session: this.#session };
  }

  /**
   * Whether a request may build on what waits: `alone` when nothing does. One that has a persist id needs it, one
   * without needs its session.
   */
  authority(session: Session, persistId: string | undefined): Answer<"alone" | "follow-up"> {
    const pending = this.#pending;
    if (pending === undefined) {
      if (persistId === undefined) return answered("alone");
      return refused(
        fault("invalid-value", "no confirmed commit with this persist-id is waiting", { errorType: "protocol" }),
      );
    }
    if (persistId !== undefined) {
      if (persistId === pending.persist) return answered("follow-up");
      return refused(
        fault("invalid-value", "the confirmed commit that waits has another persist-id", { errorType: "protocol" }),
      );
    }
    if (pending.persist === undefined && this.#session === session.id) return answered("follow-up");
    return refused(this.inUse());
  }

  /** Why something else cannot be done now. */
  inUse(): ManagementFault {
    const { user, protocol, persist } = this.#pending!;
    const how = persist === undefined ? "from the session that made it" : "with its persist-id";
    const message = `a confirmed commit of ${user} (${protocol}) waits for its confirmation: confirm or cancel it ${how}, or wait until it is undone`;
    return fault("in-use", message, {
      errorType: "protocol",
      appTag: "confirmed-commit-pending",
      ...(this.#session === undefined ? {} : { info: { sessionId: this.#session } }),
    });
  }

  isOf(session: Session): boolean {
    return this.#pending !== undefined && this.#pending.persist === undefined && this.#session === session.id;
  }

  /** What will wait after a commit with these options; `undefined`: nothing. A follow-up keeps what is gone back to. */
  next(session: Session, { confirmed }: CommitOptions, commit: number, before: number): StoredPending | undefined {
    if (confirmed === undefined) return undefined;
    const timeout = milliseconds((confirmed.timeout ?? DEFAULT_TIMEOUT) * 1000);
    const { user, protocol } = session;
    const persist = confirmed.persist ?? this.#pending?.persist;
    return {
      commit,
      rollback: this.#pending?.rollback ?? before,
      deadline: milliseconds(this.#clock.wall() + timeout),
      timeout,
      user,
      protocol,
      ...(persist === undefined ? {} : { persist }),
    };
  }

  /** The same with its time counted anew. */
  extended(timeout: Seconds): StoredPending {
    const span = milliseconds(timeout * 1000);
    return { ...this.#pending!, timeout: span, deadline: milliseconds(this.#clock.wall() + span) };
  }

  /** From now on this waits, or nothing. `left`: what an earlier process left of its time. */
  set(pending: StoredPending | undefined, session: Session | undefined, left?: Milliseconds): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#pending = pending;
    this.#session = pending === undefined || pending.persist !== undefined ? undefined : session?.id;
    if (pending === undefined) return;
    this.#endsAt = this.#clock.monotonic() + (left ?? pending.timeout);
    this.#arm();
  }

  /** Asks again later: the way back was refused. */
  retry(after: Milliseconds): void {
    this.#endsAt = this.#clock.monotonic() + after;
    this.#arm();
  }

  #arm(): void {
    const left = Math.max(0, this.#endsAt - this.#clock.monotonic());
    this.#timer = this.#clock.after(milliseconds(Math.min(left, LONGEST_WAIT)), () => {
      if (left > LONGEST_WAIT) this.#arm();
      else this.#timedOut();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}

/** What is left of the time of a stored confirmed commit; 0: it is over. A clock that was set back gives no more than was granted. */
export function timeLeft({ deadline, timeout }: StoredPending, now: Milliseconds): Milliseconds {
  return milliseconds(Math.max(0, Math.min(deadline - now, timeout)));
}
