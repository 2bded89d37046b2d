import { type Clock, milliseconds, type Timer } from "../base/index.ts";
import type { CapabilityPlan } from "./capability-plan.ts";
import type { OperationSink } from "./plan.ts";

/** Longest piece of work at a time. */
const SLICE_MS = 4;

/** With more members than this a plan costs so much that one which has just been done rests before it is done again. */
const MANY_MEMBERS = 16;
/** So long: thousands of members that come one by one are a few changes of their group. The first is done at once. */
const REST = milliseconds(100);

/** Plans that are done and still in the list; then it is cut. */
const MOST_DONE = 16_384;

export interface WorkQueueParts {
  readonly clock: Clock;
  /** A plan that was marked. */
  readonly compile: (plan: CapabilityPlan) => void;
  /** At the end of each slice. */
  readonly sliceDone: () => void;
  /** While its sink is full nothing is done: what is marked meanwhile is done once, as it is then. */
  readonly sink: Pick<OperationSink, "isFull" | "whenRoom">;
}

/** What is to be done on later turns, in slices: plans that changed, and longer jobs. */
export class WorkQueue {
  readonly #parts: WorkQueueParts;
  /** Plans that wait, in order, from `#first` on. */
  #dirty: CapabilityPlan[] = [];
  #first = 0;
  /** Plans that wait for the end of their rest, with when that is, in order. */
  #resting: { readonly plan: CapabilityPlan; readonly until: number }[] = [];
  #wake: Timer | undefined;
  /** Longer jobs, a step at a time. */
  readonly #jobs: Iterator<void>[] = [];
  #scheduled = false;
  #closed = false;
  /** Until the sink has room. */
  #held = false;

  constructor(parts: WorkQueueParts) {
    this.#parts = parts;
  }

  /** Plans and jobs that are left. */
  get size(): number {
    return this.#dirty.length - this.#first + this.#resting.length + this.#jobs.length;
  }

  /** For jobs: what they mark is done with the rest. */
  mark(plan: CapabilityPlan): void {
    if (plan.isWaiting) return;
    plan.isWaiting = true;
    this.#dirty.push(plan);
  }

  touch(plan: CapabilityPlan): void {
    this.mark(plan);
    this.schedule();
  }

  addJob(job: Iterator<void>): void {
    this.#jobs.push(job);
    this.schedule();
  }

  /** Also without work: then the slice only ends. */
  schedule(): void {
    if (this.#scheduled || this.#held || this.#closed) return;
    this.#scheduled = true;
    this.#parts.clock.soon(() => this.#work());
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
    const until = clock.monotonic() + SLICE_MS;
    // Jobs first: what they mark is done with the rest.
    while (this.#step()) if (clock.monotonic() >= until) break;
    this.#parts.sliceDone();
    if (this.#dirty.length > this.#first || this.#jobs.length > 0) this.schedule();
  }

  #rest(plan: CapabilityPlan): void {
    this.#resting.push({ plan, until: this.#parts.clock.monotonic() + REST });
    this.#wake ??= this.#parts.clock.after(REST, () => this.#endRests());
  }

  #endRests(): void {
    this.#wake = undefined;
    const { clock } = this.#parts;
    const now = clock.monotonic();
    const next = this.#resting.findIndex(({ until }) => until > now);
    const rested = this.#resting.splice(0, next === -1 ? this.#resting.length : next);
    for (const { plan } of rested) {
      plan.restsUntil = 0;
      this.#dirty.push(plan);
    }
    const [first] = this.#resting;
    if (first !== undefined) this.#wake = clock.after(milliseconds(first.until - now), () => this.#endRests());
    this.schedule();
  }

  /** False: there is nothing to do. */
  #step(): boolean {
    const job = this.#jobs[0];
    if (job !== undefined) {
      if (job.next().done === true) this.#jobs.shift();
      return true;
    }
    const plan = this.#dirty[this.#first];
    if (plan === undefined) return false;
    this.#first++;
    if (this.#first === this.#dirty.length || this.#first >= MOST_DONE) {
      this.#dirty = this.#dirty.slice(this.#first);
      this.#first = 0;
    }
    const { clock, compile } = this.#parts;
    if (plan.restsUntil !== 0 && plan.restsUntil > clock.monotonic()) {
      this.#rest(plan);
      return true;
    }
    plan.isWaiting = false;
    compile(plan);
    plan.restsUntil = plan.members > MANY_MEMBERS ? clock.monotonic() + REST : 0;
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#wake?.cancel();
  }
}
