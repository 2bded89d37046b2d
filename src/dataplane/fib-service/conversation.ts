import { type Moment, messageOf, milliseconds, momentOf, Slices, type Timer } from "../../base/index.ts";
import { Auditor } from "./auditor.ts";
import type { ExecutorChannel } from "./channel.ts";
import { DifferenceRetries } from "./difference-retries.ts";
import type { FibServiceDependencies, FibServiceOptions } from "./driver.ts";
import type { ExecutorLog } from "./executor-log.ts";
import { readExecutorPlan } from "./executor-plan.ts";
import { type HelloMessage, PROTOCOL_VERSION, type WelcomeMessage } from "./messages.ts";
import type { Acknowledgement, PlanHistory, RefusalOf } from "./plan-history.ts";
import type { ExecutorReport, ExecutorState } from "./report.ts";
import { isPlan, refusalOf, Session, type SessionDeadlines, type SessionObserver, textOf } from "./session.ts";
import { portMessage } from "./wire.ts";

const DEADLINES: SessionDeadlines = { welcome: milliseconds(5_000), answer: milliseconds(10_000) };
const RECONNECT = { first: milliseconds(250), longest: milliseconds(30_000) } as const;
const COUNTERS_EACH = milliseconds(1_000);
/** Makers of operations that were held back go on when fewer wait. */
const ROOM_BELOW = 1024;
const SHOWN_DIFFERENCES = 32;

export interface ConversationParts extends FibServiceDependencies {
  readonly channel: ExecutorChannel;
  readonly history: PlanHistory;
  readonly executorLog: ExecutorLog;
  readonly observer: Omit<SessionObserver, "acknowledged" | "healthRefused"> & {
    begun(welcome: WelcomeMessage): void;
    adopted(): void;
    lost(): void;
  };
}

/**
 * One session after the other with an executor, for as long as the router runs: each goes on where the last one ended, takes
 * over what an earlier process left, or hands the whole plan over. What was refused is tried again.
 */
export class Conversation implements AsyncDisposable {
  /** Resolves when the first session hands over, or cannot before routes are known. */
  readonly first = Promise.withResolvers<void>();
  ports: FibServiceOptions["ports"];
  readonly #options: FibServiceOptions;
  readonly #parts: ConversationParts;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #settling: (() => void)[] = [];
  readonly #room: (() => void)[] = [];
  #session: Session | undefined;
  #handsOver = false;
  #waits: (() => void) | undefined;
  #converged = false;
  #product: string | undefined;
  #since: Moment;
  #lastError: string | undefined;
  #completed = 0;
  #sessions = 0;
  #handovers = 0;
  #polling: Timer | undefined;
  readonly #retries: DifferenceRetries;
  readonly #auditor: Auditor;

  constructor(options: FibServiceOptions, parts: ConversationParts) {
    this.#options = options;
    this.#parts = parts;
    this.ports = options.ports;
    this.#since = momentOf(parts.clock);
    const { clock, history } = parts;
    this.#retries = new DifferenceRetries({
      clock,
      differences: () => (this.session === undefined ? 0 : history.differences.size),
      oneByOne: () => {
        history.retry();
        this.session?.pump();
      },
      whole: () => this.handOverWhole(),
    });
    this.#auditor = new Auditor(parts, {
      every: options.deadlines?.audit,
      differs: () => this.#retries.later(),
    });
    this.#running = this.#keepConnected();
  }

  /** The session that hands over; `undefined` while there is none. */
  get session(): Session | undefined {
    return this.#handsOver ? this.#session : undefined;
  }

  report(address: string): Omit<ExecutorReport, "unreachable"> {
    const { differences, waiting, underway } = this.#parts.history;
    const state = this.#state;
    // What an executor without aggregates never hears of completes nothing
    const generation = state === "in-step" ? this.#parts.history.generation : this.#completed;
    return {
      ...{ address, state },
      ...(this.#product === undefined ? {} : { product: this.#product }),
      ...{ since: this.#since, generation, pending: waiting + underway },
      ...{ refused: differences.list(SHOWN_DIFFERENCES), differences: differences.size },
      ...{ sessions: this.#sessions, handovers: this.#handovers },
      ...(this.#lastError === undefined ? {} : { lastError: this.#lastError }),
    };
  }

  get #state(): ExecutorState {
    const { history } = this.#parts;
    if (this.#session === undefined) return "connecting";
    if (this.#waits !== undefined) return "waiting";
    if (!this.#handsOver || history.inSnapshot) return "handing-over";
    if (history.differences.size > 0) return "differs";
    return history.isSettled ? "in-step" : "behind";
  }

  get #isSettled(): boolean {
    return this.session?.underwayHealth === 0 && this.#parts.history.isSettled;
  }

  /** Resolves once everything that was said so far is answered. */
  async settled(): Promise<void> {
    while (!this.#isSettled) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#settling.push(resolve);
      await promise;
    }
  }

  /** Calls `resume` when few operations wait, or nobody takes them. */
  whenRoom(resume: () => void): void {
    this.#room.push(resume);
  }

  converged(): void {
    this.#converged = true;
    this.#waits?.();
  }

  handOverWhole(): void {
    this.#handovers++;
    this.session?.handOverWhole();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#session?.close();
    this.first.resolve();
    await this.#running;
    this.#parts.channel[Symbol.dispose]();
  }

  async #keepConnected(): Promise<void> {
    const { clock, random, executorLog } = this.#parts;
    let delay: number = RECONNECT.first;
    while (!this.#stop.signal.aborted) {
      const begun = clock.monotonic();
      const why = await this.#oneSession();
      if (this.#stop.signal.aborted) return;
      executorLog.ended(why, { again: this.#lastError === why });
      this.#lastError = why;
      if (clock.monotonic() - begun > RECONNECT.longest) delay = RECONNECT.first;
      await this.#pause(delay * (0.75 + random.next() / 2));
      delay = Math.min(2 * delay, RECONNECT.longest);
    }
  }

  /** Works until the session ends; why it did. */
  async #oneSession(): Promise<string> {
    const session = this.#open();
    const close = (): void => session.close();
    const { signal } = this.#stop;
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    try {
      const welcome = await session.greet(this.#hello());
      this.#session = session;
      this.#begun(welcome);
      await this.#agree(session, welcome);
      this.first.resolve();
      this.#poll();
      this.#auditor.begin(session);
      return await session.ended;
    } catch (cause) {
      session.close();
      return messageOf(cause);
    } finally {
      signal.removeEventListener("abort", close);
      this.#lost(session);
    }
  }

  #open(): Session {
    const { clock, random, history, observer, executorLog, channel } = this.#parts;
    return new Session(channel.program(), {
      ...{ clock, history, deadlines: { ...DEADLINES, ...this.#options.deadlines } },
      newPlanId() {
        const planId = new Uint8Array(16);
        random.fill(planId);
        return planId;
      },
      observer: {
        ...{ counters: observer.counters, ports: observer.ports, nextHop: observer.nextHop },
        acknowledged: (news) => this.#acknowledged(news),
        healthRefused: (index, reason) => executorLog.healthRefused(index, reason),
      },
    });
  }

  #hello(): HelloMessage {
    const { domain, locator, hashSeed, tunnelMtu, maxCapabilities, router } = this.#options;
    const { planId, sequence } = this.#parts.history.held;
    const settings = {
      ...{ domain: domain.address.slice(0, 6), locator, hash_seed: hashSeed, tunnel_mtu: tunnelMtu },
      ...{ max_capabilities: maxCapabilities, ports: this.ports.map(portMessage) },
    };
    return { version: PROTOCOL_VERSION, router, settings, plan_id: planId, sequence };
  }

  #begun(welcome: WelcomeMessage): void {
    this.#sessions++;
    this.#product = textOf(welcome.name);
    this.#since = momentOf(this.#parts.clock);
    this.#parts.observer.begun(welcome);
  }

  /** Goes on with the plan that the executor holds, takes it over, or hands the whole over. */
  async #agree(session: Session, welcome: WelcomeMessage): Promise<void> {
    const { history, executorLog } = this.#parts;
    const holdsOne = welcome.plan_id.length > 0;
    if (isPlan(welcome, history.planId)) {
      if (await this.#resume(session, welcome)) return;
    } else if (holdsOne) {
      const mayAdopt = (): boolean => this.#sessions === 1 && history.generation === 0;
      if (mayAdopt() && (await this.#adopt(session, welcome))) return;
      // Still so: what it holds is no plan, so ours takes its place at once
      if (!mayAdopt() && !this.#converged) await this.#untilConverged(session);
    }
    executorLog.handsOver({ holdsOne });
    this.#handsOver = true;
    this.handOverWhole();
  }

  /** In slices: while it was away it may have carried out, or refused, as much as is kept for it. */
  async #resume(session: Session, welcome: WelcomeMessage): Promise<boolean> {
    const { history, clock, executorLog } = this.#parts;
    const sequence = Number(welcome.sequence);
    const slices = new Slices(clock, { span: milliseconds(2), stepsPerLook: 1 });
    const refusals: RefusalOf[] = [];
    for (const refusal of welcome.refusals) {
      refusals.push(refusalOf(refusal));
      if (slices.isOver) await slices.next();
    }
    const parts = history.resume(sequence, refusals, momentOf(clock));
    for (;;) {
      const part = parts.next();
      if (part.done === true) {
        if (!part.value) return false;
        this.#handsOver = true;
        session.resume(sequence);
        executorLog.resumed(sequence);
        // Whoever waits until all is answered has not been told as long as nothing was handed over
        this.#acknowledged({ refused: [], snapshotDone: false, completed: undefined });
        return true;
      }
      this.#acknowledged(part.value);
      if (slices.isOver) await slices.next();
    }
  }

  /** False when what the executor holds is no plan that our tables allow. */
  async #adopt(session: Session, welcome: WelcomeMessage): Promise<boolean> {
    const { history, executorLog, observer } = this.#parts;
    const held = await readExecutorPlan(session, this.#options);
    if (held.tables === undefined) {
      executorLog.notAdopted(held.why);
      return false;
    }
    // Meanwhile this router has made a plan of its own
    if (history.generation !== 0) return false;
    const [sequence, generation] = [Number(welcome.sequence), Number(welcome.generation)];
    history.adopt(held.tables, welcome.plan_id, sequence, generation);
    this.#completed = generation;
    this.#handsOver = true;
    session.resume(sequence);
    executorLog.adopted(generation, held.operations);
    if (held.operations > 0) observer.adopted();
    return true;
  }

  /** A router that has just started knows no routes: its plan in place of a whole one would be a gap. */
  async #untilConverged(session: Session): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waits = resolve;
    this.first.resolve();
    try {
      const ended = await Promise.race([promise, session.ended]);
      if (typeof ended === "string") throw new Error(ended);
    } finally {
      this.#waits = undefined;
    }
  }

  #lost(session: Session): void {
    const { history, observer, clock } = this.#parts;
    if (this.#session !== undefined) this.#since = momentOf(clock);
    this.#session = undefined;
    this.#handsOver = false;
    this.#polling?.cancel();
    this.#auditor.rest();
    this.#retries.rest();
    history.disconnected();
    for (const index of session.unheard()) history.repeatState(index);
    observer.lost();
    this.#wakeMakers();
  }

  #acknowledged({ refused, snapshotDone, completed }: Acknowledgement): void {
    const { history, executorLog } = this.#parts;
    if (completed !== undefined) this.#completed = completed;
    for (const { operation, refusal } of refused) executorLog.refused(operation, refusal);
    executorLog.differs(history.differences.size);
    if (snapshotDone) executorLog.handedOver();
    if (history.differences.size > 0) this.#retries.later();
    else this.#retries.none();
    if (this.#isSettled) for (const resolve of this.#settling.splice(0)) resolve();
    this.#wakeMakers();
  }

  #wakeMakers(): void {
    const { history } = this.#parts;
    if (history.connected && history.waiting > ROOM_BELOW) return;
    for (const resume of this.#room.splice(0)) resume();
  }

  #poll(): void {
    this.#polling = this.#parts.clock.after(COUNTERS_EACH, () => {
      this.session?.askCounters();
      this.#poll();
    });
  }

  async #pause(delay: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#parts.clock.after(milliseconds(delay), resolve);
    this.#stop.signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    timer.cancel();
  }
}
