import { type Clock, KEYS_AHEAD, milliseconds, type Timer } from "../base/index.ts";
import type { CapabilityBook, PlanId } from "./capability-book.ts";
import { NumberQueue } from "./number-queue.ts";
import type { OperationSink } from "./plan.ts";

/** Longest piece of work at a time, with the time in which its sink carries it out. */
const SLICE_MS = 2.5;

/** What the sink takes for a plan until that is known: slower than any. */
const FIRST_GUESS_MS = 0.05;
/** How fast a sink that was slow once is believed to be quicker. */
const FORGETTING = 0.75;

/** A slice of jobs ends when it has more operations: a sink carries them out in a millisecond or two, and takes out as many again. */
const MANY_OPERATIONS = 128;

/** Members whose plans are done between two looks at the clock: a look costs as much as a tenth of a small plan. */
const MOST_UNTIMED = 32;
/** At the least; in these the hand-over counts, too. */
const MEMBERS_IN_MS = 500;

/** With more members than this a plan costs so much that one which has just been done rests before it is done again. */
const MANY_MEMBERS = 16;
/** So long: thousands of members that come one by one are a few changes of their group. The first is done at once. */
const REST = milliseconds(100);

export interface WorkQueueParts {
  readonly clock: Clock;
  readonly book: CapabilityBook;
  /** These are done next, 0 is none. */
  readonly lookAhead: (plans: Int32Array) => void;
  /** Does a plan that was marked. How many members it has then; 0 also for one that is gone. */
  readonly compile: (plan: PlanId) => number;
  /** Operations for the end of the slice so far. */
  readonly gathered: () => number;
  /** At the end of each slice. */
  readonly sliceDone: () => void;
  /** While its sink is full nothing is done: what is marked meanwhile is done once, as it is then. */
  readonly sink: Pick<OperationSink, "isFull" | "whenRoom">;
}

/** What is to be done on later turns, in slices: plans that changed, and longer jobs. */
export class WorkQueue {
  readonly #parts: WorkQueueParts;
  /** Plans that wait. */
  readonly #waiting = new NumberQueue();
  readonly #ahead = new Int32Array(KEYS_AHEAD);
  /** Of the plans that were looked ahead at, those that are left. */
  #lookedAhead = 0;
  /** Plans that have just been done, with when they may be done again, in order. */
  readonly #rests = new Map<PlanId, number>();
  /** Those of them that wait for it, with when that is, in order. */
  #resting: { readonly plan: PlanId; readonly until: number }[] = [];
  #wake: Timer | undefined;
  /** Longer jobs, one after the other, a step at a time; there may be one for each group. */
  readonly #jobs = new Set<Iterator<void>>();
  /** The first of them. */
  #job: Iterator<void> | undefined;
  /** Longer jobs that only mark plans, by what they are for, likewise. */
  readonly #sweeps = new Map<string, Iterator<void>>();
  #sweep: Iterator<void> | undefined;
  /** In this slice they go before plans. */
  #sweepsFirst = false;
  /** Of plans within this slice. */
  #done = 0;
  /** What the sink is believed to take for each of them. */
  #handOver = FIRST_GUESS_MS;
  #scheduled = false;
  #closed = false;
  /** Made once: a closure inside `schedule` would cost every call of it. */
  readonly #slice = (): void => this.#work();
  /** Until the sink has room. */
  #held = false;

  constructor(parts: WorkQueueParts) {
    this.#parts = parts;
  }

  /** Plans and jobs that are left. */
  get size(): number {
    const sweeps = this.#sweeps.size + (this.#sweep === undefined ? 0 : 1);
    return this.#waiting.length + this.#resting.length + this.#jobs.size + sweeps;
  }

  /** For jobs: what they mark is done with the rest. */
  mark(plan: PlanId): void {
    const { book } = this.#parts;
    if (book.waits(plan)) return;
    book.setWaits(plan, true);
    this.#waiting.push(plan);
  }

  /** The next one; 0: there is none. */
  #shift(): PlanId {
    if (this.#lookedAhead === 0 && this.#waiting.length > 1) {
      this.#waiting.peek(this.#ahead);
      this.#parts.lookAhead(this.#ahead);
      this.#lookedAhead = Math.min(this.#ahead.length, this.#waiting.length);
    }
    if (this.#lookedAhead > 0) this.#lookedAhead--;
    return this.#waiting.shift();
  }

  touch(plan: PlanId): void {
    this.mark(plan);
    this.schedule();
  }

  addJob(job: Iterator<void>): void {
    this.#jobs.add(job);
    this.#job ??= job;
    this.schedule();
  }

  /**
   * For jobs that only mark plans, and of which others may cause as many as they like: while plans wait, these have every other
   * slice. The one of the same name, if it has not begun, does for both.
   */
  addSweep(name: string, begin: () => Iterator<void>): void {
    if (this.#sweeps.has(name)) return;
    this.#sweeps.set(name, this.#named(name, begin));
    this.#sweep ??= this.#nextSweep();
    this.schedule();
  }

  *#named(name: string, begin: () => Iterator<void>): Generator<void> {
    // What is asked for from now on is not seen by this one any more
    this.#sweeps.delete(name);
    const steps = begin();
    while (steps.next().done !== true) yield;
  }

  #nextSweep(): Iterator<void> | undefined {
    return this.#sweeps.values().next().value;
  }

  /** Also without work: then the slice only ends. */
  schedule(): void {
    if (this.#scheduled || this.#held || this.#closed) return;
    this.#scheduled = true;
    this.#parts.clock.soon(this.#slice);
  }

  #work(): void {
    this.#scheduled = false;
    if (this.#closed) return;
    const { clock, sink } = this.#parts;
    if (sink.isFull === true && sink.whenRoom !== undefined) {
      this.#held = true;
      sink.whenRoom(() => {
        this.#held = false;
        this.schedule();
      });
      return;
    }
    const now = clock.monotonic();
    const until = now + SLICE_MS;
    for (const [plan, restsUntil] of this.#rests) {
      if (restsUntil > now) break;
      this.#rests.delete(plan);
    }
    // Jobs first: what they mark is done with the rest.
    this.#done = 0;
    this.#sweepsFirst = !this.#sweepsFirst;
    for (let spent = 0; ; ) {
      const members = this.#step();
      if (members === 0) break;
      spent += members + this.#handOver * MEMBERS_IN_MS;
      if (spent < MOST_UNTIMED) continue;
      spent = 0;
      if (this.#isEnough || clock.monotonic() + this.#done * this.#handOver >= until) break;
    }
    this.#endSlice();
    if (this.#waiting.length > 0 || this.#jobs.size > 0 || this.#sweep !== undefined) this.schedule();
  }

  get #isEnough(): boolean {
    return this.#jobs.size > 0 && this.#parts.gathered() > MANY_OPERATIONS;
  }

  /** Hands over what was done, and learns how long that takes. */
  #endSlice(): void {
    const { clock, sliceDone } = this.#parts;
    const begin = clock.monotonic();
    sliceDone();
    if (this.#done === 0) return;
    const each = (clock.monotonic() - begin) / this.#done;
    this.#handOver = Math.max(each, FORGETTING * this.#handOver);
  }

  /** True: it has rested enough. */
  #mayBeDone(plan: PlanId): boolean {
    if (this.#rests.size === 0) return true;
    const until = this.#rests.get(plan);
    if (until === undefined) return true;
    this.#rests.delete(plan);
    if (until <= this.#parts.clock.monotonic()) return true;
    this.#rest(plan);
    return false;
  }

  #rest(plan: PlanId): void {
    this.#resting.push({ plan, until: this.#parts.clock.monotonic() + REST });
    this.#wake ??= this.#parts.clock.after(REST, () => this.#endRests());
  }

  #endRests(): void {
    this.#wake = undefined;
    const { clock } = this.#parts;
    const now = clock.monotonic();
    const next = this.#resting.findIndex(({ until }) => until > now);
    const rested = this.#resting.splice(0, next === -1 ? this.#resting.length : next);
    for (const { plan } of rested) this.#waiting.push(plan);
    const [first] = this.#resting;
    if (first !== undefined) this.#wake = clock.after(milliseconds(first.until - now), () => this.#endRests());
    this.schedule();
  }

  /** How much was done, in members; 0: there is nothing to do. */
  #step(): number {
    const job = this.#job;
    if (job !== undefined) {
      if (job.next().done === true) {
        this.#jobs.delete(job);
        [this.#job] = this.#jobs;
      }
      return MOST_UNTIMED;
    }
    const sweep = this.#sweep;
    if (sweep !== undefined && (this.#sweepsFirst || this.#waiting.length === 0)) {
      if (sweep.next().done === true) this.#sweep = this.#nextSweep();
      return MOST_UNTIMED;
    }
    const plan = this.#shift();
    if (plan === 0) return 0;
    if (!this.#mayBeDone(plan)) return MOST_UNTIMED;
    const { book, clock, compile } = this.#parts;
    book.setWaits(plan, false);
    this.#done++;
    const members = compile(plan);
    if (members > MANY_MEMBERS) this.#rests.set(plan, clock.monotonic() + REST);
    return 1 + members;
  }

  close(): void {
    this.#closed = true;
    this.#wake?.cancel();
  }
}
