import { type Clock, milliseconds, type Timer } from "../base/index.ts";
import { Deadlines } from "./deadlines.ts";
import type { AgentRecord, Hold } from "./record.ts";

type Lease = NonNullable<AgentRecord["lease"]>;

/** What of a record has ended by now. */
export interface Ended {
  /** The last third of the lease has begun. */
  readonly isStale: boolean;
  isOver(hold: Hold): boolean;
}

/**
 * When leases grow stale and end, and drains end: on the monotonic clock, so that a step of the wall clock ends none. One timer,
 * for what is next of all agents.
 */
export class Endings implements Disposable {
  readonly #clock: Clock;
  readonly #due: () => void;
  readonly #deadlines = new Deadlines();
  /** The monotonic instant of the wall-clock time in a lease or hold, fixed when it was first seen. */
  readonly #ends = new WeakMap<object, number>();
  #timer: { readonly at: number; readonly timer: Timer } | undefined;

  /** Calls `due` when something has ended: who is meant is to be taken. */
  constructor(clock: Clock, due: () => void) {
    this.#clock = clock;
    this.#due = due;
  }

  /** Monotonic. */
  end(of: Lease | Hold): number {
    const known = this.#ends.get(of);
    if (known !== undefined) return known;
    const wall = "validUntil" in of ? of.validUntil : of.deadline!;
    const end = this.#clock.monotonic() + (wall - this.#clock.wall());
    this.#ends.set(of, end);
    return end;
  }

  /** What has ended by `now`, which is monotonic. */
  ended(record: AgentRecord, now: number): Ended {
    const isStale = this.#staleAt(record) <= now;
    return { isStale, isOver: (hold) => hold.deadline !== undefined && this.end(hold) <= now };
  }

  /** Waits for what of the agent's record ends next after `now`: the instant for which {@link ended} was asked, so that nothing is between them. */
  follow(record: AgentRecord, now: number): void {
    const staleAt = this.#staleAt(record);
    let next = Infinity;
    if (record.lease !== undefined) next = staleAt > now ? staleAt : this.end(record.lease);
    for (const { hold } of record.offers) {
      if (hold?.deadline !== undefined && this.end(hold) > now) next = Math.min(next, this.end(hold));
    }
    this.#deadlines.set(record.agent, next === Infinity ? undefined : next);
    this.rearm();
  }

  forget(agent: string): void {
    this.#deadlines.set(agent, undefined);
    this.rearm();
  }

  /** An agent of whose record something has ended by `now`, which is monotonic; it is followed no longer. */
  take(now: number): string | undefined {
    return this.#deadlines.take(now);
  }

  /** Sets the timer for what is next, which the others do by themselves. */
  rearm(): void {
    const { next } = this.#deadlines;
    if (next === this.#timer?.at) return;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    if (next === undefined) return;
    const delay = Math.min(Math.max(0, next - this.#clock.monotonic()), LONGEST_WAIT);
    const timer = this.#clock.after(milliseconds(delay), () => {
      this.#timer = undefined;
      this.#due();
    });
    this.#timer = { at: next, timer };
  }

  [Symbol.dispose](): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
  }

  #staleAt({ lease }: AgentRecord): number {
    return lease === undefined ? Infinity : this.end(lease) - lease.renew;
  }
}

/** setTimeout and its like take 31 bits of milliseconds; the timer is armed again when it fires early. */
const LONGEST_WAIT = 86_400_000;
