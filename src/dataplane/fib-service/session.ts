import type { ClientDuplexStream } from "@grpc/grpc-js";
import { type Clock, type Milliseconds, octetsEqual, type Timer } from "../../base/index.ts";
import type { NextHopIndex, NextHopState, Operation } from "../../forwarding/index.ts";
import { Answers } from "./answers.ts";
import {
  DEFAULT_WINDOW,
  type FromExecutor,
  type HelloMessage,
  PROTOCOL_VERSION,
  STATES,
  type ToExecutor,
  type WelcomeMessage,
} from "./messages.ts";
import type { Acknowledgement, PlanHistory, RefusalOf } from "./plan-history.ts";
import { fromMessage, toMessage } from "./wire.ts";

/** How long an answer may take before the session is given up. */
export interface SessionDeadlines {
  readonly welcome: Milliseconds;
  readonly answer: Milliseconds;
}

export interface SessionParts {
  readonly clock: Clock;
  readonly history: PlanHistory;
  readonly deadlines: SessionDeadlines;
  /** A random name for a plan. */
  readonly newPlanId: () => Uint8Array;
  readonly observer: SessionObserver;
}

export interface SessionObserver {
  acknowledged(news: Acknowledgement): void;
  counters(message: NonNullable<FromExecutor["counters"]>): void;
  ports(ports: WelcomeMessage["ports"]): void;
  nextHop(message: NonNullable<FromExecutor["next_hop"]>): void;
  healthRefused(index: NextHopIndex, reason: string): void;
}

const LARGEST_WINDOW = 65_536;

/**
 * One stream to the executor: what waits is sent as its window allows, and what it says is taken in. Ends by itself never; it
 * fails with a sentence, or is closed.
 */
export class Session {
  readonly #call: ClientDuplexStream<ToExecutor, FromExecutor>;
  readonly #parts: SessionParts;
  readonly #ended = Promise.withResolvers<string>();
  readonly #answers: Answers;
  readonly #underwayHealth = new Map<string, NextHopIndex>();
  #window = DEFAULT_WINDOW;
  #numbers = 0;
  #handsOver = false;
  #writable = true;
  /** A message was sent in this turn. */
  #pumping = false;
  #watch: Timer | undefined;
  #welcome: PromiseWithResolvers<WelcomeMessage> | undefined;
  #reading:
    | {
        readonly take: (operation: Operation) => void;
        left: number;
        readonly most: number;
        readonly done: PromiseWithResolvers<void>;
        /** A part of it has to come within the deadline. */
        watch: Timer | undefined;
      }
    | undefined;
  #closed = false;

  constructor(call: ClientDuplexStream<ToExecutor, FromExecutor>, parts: SessionParts) {
    this.#call = call;
    this.#parts = parts;
    const { clock, history } = parts;
    this.#answers = new Answers({ clock, history, taken: (news) => this.#acknowledged(news) });
    call.on("data", (message: FromExecutor) => this.#take(message));
    call.on("drain", () => {
      this.#writable = true;
      this.pump();
    });
    call.on("error", (cause: Error & { details?: string }) => this.#fail(cause.details ?? cause.message));
    call.on("end", () => this.#fail("the executor ended the session"));
  }

  /** Why it ended. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  /** Health that was said and is not confirmed. */
  get underwayHealth(): number {
    return this.#underwayHealth.size;
  }

  /** @throws {Error} with a sentence: the session ends */
  async greet(hello: HelloMessage): Promise<WelcomeMessage> {
    this.#welcome = Promise.withResolvers<WelcomeMessage>();
    this.#expect(this.#parts.deadlines.welcome, "a welcome");
    this.#write({ hello });
    const welcome = await this.#orEnd(this.#welcome.promise);
    this.#welcome = undefined;
    if (welcome.version < 1 || welcome.version > PROTOCOL_VERSION) {
      const why = `the executor answers with version ${welcome.version} of the protocol, and this router speaks 1 to ${PROTOCOL_VERSION}`;
      this.#fail(why);
      throw new Error(why);
    }
    this.#window = welcome.window === 0 ? DEFAULT_WINDOW : Math.min(welcome.window, LARGEST_WINDOW);
    return welcome;
  }

  /** Hands out what the executor has in effect, at most so many operations. @throws {Error} with a sentence: the session ends */
  async read(most: number, take: (operation: Operation) => void): Promise<void> {
    const done = Promise.withResolvers<void>();
    const reading = { take, left: most, most, done, watch: undefined };
    this.#reading = reading;
    this.#watchReading(reading);
    this.#write({ read: { number: ++this.#numbers } });
    const why = await Promise.race([done.promise, this.#ended.promise]);
    if (why !== undefined) throw new Error(why);
  }

  #watchReading(reading: { watch: Timer | undefined }): void {
    const { clock, deadlines } = this.#parts;
    reading.watch?.cancel();
    const why = `what the executor has did not come within ${deadlines.answer / 1000} s`;
    reading.watch = clock.after(deadlines.answer, () => this.#fail(why));
  }

  /** The plan that the executor holds goes on. */
  resume(sequence: number): void {
    this.#write({ resume: { sequence } });
    this.#handOver();
  }

  /** The executor gets the whole plan. */
  handOverWhole(): void {
    const { history, newPlanId } = this.#parts;
    const planId = newPlanId();
    this.#answers.forget();
    history.beginSnapshot(planId);
    this.#write({ snapshot_begin: { plan_id: planId } });
    this.#handOver();
  }

  #handOver(): void {
    this.#parts.history.connected = true;
    this.#handsOver = true;
    this.pump();
  }

  /** Sends what waits, one message a turn, as far as the executor's window and the connection allow. */
  pump(): void {
    if (this.#pumping || this.#closed || !this.#handsOver) return;
    const { history, clock } = this.#parts;
    const next = this.#writable ? history.take(this.#window - history.underway) : undefined;
    if (next !== undefined) {
      const { first, entries } = next;
      const { generation, operation, completes } = entries.at(-1)!;
      if (operation === "snapshot-end") this.#write({ snapshot_end: { sequence: first, generation } });
      else {
        const operations = entries.map((entry) => toMessage(entry.operation as Operation));
        this.#write({ operations: { first, operations, generation, completes } });
      }
      this.#pumping = true;
      clock.soon(() => {
        this.#pumping = false;
        this.pump();
      });
    }
    this.#watchProgress();
  }

  health(index: NextHopIndex, state: NextHopState): void {
    const number = ++this.#numbers;
    this.#underwayHealth.set(String(number), index);
    this.#write({ health: { number, next_hop: index, state: STATES.indexOf(state) } });
    this.#watchProgress();
  }

  /** Asks for counters, at most one time at once. */
  askCounters(): void {
    this.#write({ counters: { number: ++this.#numbers } });
  }

  changePorts(ports: NonNullable<ToExecutor["ports"]>["ports"]): void {
    this.#write({ ports: { number: ++this.#numbers, ports } });
  }

  /** Next hops whose health may not have been heard. */
  *unheard(): Generator<NextHopIndex> {
    yield* this.#underwayHealth.values();
  }

  /** Ends it in good order: the executor goes on with what it has. */
  close(): void {
    if (this.#closed) return;
    this.#call.end();
    this.#fail("the router ended the session");
  }

  #write(message: ToExecutor): void {
    if (!this.#closed && !this.#call.write(message)) this.#writable = false;
  }

  #fail(why: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#answers.close();
    this.#watch?.cancel();
    this.#reading?.watch?.cancel();
    this.#call.cancel();
    this.#ended.resolve(why);
  }

  async #orEnd<T>(promise: Promise<T>): Promise<T> {
    const why = Symbol("ended");
    const first = await Promise.race([promise, this.#ended.promise.then((text) => ({ [why]: text }))]);
    if (typeof first === "object" && first !== null && why in first) throw new Error(String(first[why]));
    this.#watch?.cancel();
    this.#watch = undefined;
    return first as T;
  }

  #expect(within: Milliseconds, what: string): void {
    this.#watch?.cancel();
    this.#watch = this.#parts.clock.after(within, () => this.#fail(`${what} did not come within ${within / 1000} s`));
  }

  /** While something is unanswered, something has to be answered within the deadline. */
  #watchProgress(options: { readonly answered?: boolean } = {}): void {
    if (this.#closed || !this.#handsOver) return;
    const { underway } = this.#parts.history;
    if (underway === 0 && this.#underwayHealth.size === 0) {
      this.#watch?.cancel();
      this.#watch = undefined;
    } else if (this.#watch === undefined || options.answered === true)
      this.#expect(this.#parts.deadlines.answer, `an answer to the ${underway} operations underway`);
  }

  #take(message: FromExecutor): void {
    if (this.#closed) return;
    const { observer } = this.#parts;
    switch (message.message) {
      case "welcome":
        if (this.#welcome === undefined) this.#fail("the executor said welcome twice, or unasked");
        else this.#welcome.resolve(message.welcome!);
        break;
      case "acknowledged":
        this.#answers.add({
          through: Number(message.acknowledged!.through),
          refusals: message.acknowledged!.refusals.map(refusalOf),
        });
        break;
      case "health_done": {
        const { number, refused } = message.health_done!;
        const index = this.#underwayHealth.get(String(number));
        if (index === undefined) {
          this.#fail(`health ${number} was confirmed and never said`);
          return;
        }
        this.#underwayHealth.delete(String(number));
        if (refused !== "") observer.healthRefused(index, textOf(refused));
        this.#watchProgress({ answered: true });
        observer.acknowledged({ refused: [], snapshotDone: false, completed: undefined });
        break;
      }
      case "counters":
        observer.counters(message.counters!);
        break;
      case "ports_done":
        observer.ports(message.ports_done!.ports);
        break;
      case "held":
        this.#takeHeld(message.held!);
        break;
      case "next_hop":
        observer.nextHop(message.next_hop!);
        break;
      case undefined:
        break; // of a later version
    }
  }

  #takeHeld({ operations, done }: NonNullable<FromExecutor["held"]>): void {
    const reading = this.#reading;
    if (reading === undefined) {
      this.#fail("the executor said what it has, unasked");
      return;
    }
    reading.left -= operations.length;
    if (reading.left < 0) {
      this.#fail(`the executor has more than ${reading.most} entries: no plan of this router's size`);
      return;
    }
    for (const each of operations) {
      const operation = fromMessage(each);
      if (typeof operation === "string") {
        this.#fail(`what the executor has is no plan: ${operation}`);
        return;
      }
      reading.take(operation);
    }
    if (!done) {
      this.#watchReading(reading);
      return;
    }
    this.#reading = undefined;
    reading.watch?.cancel();
    reading.done.resolve();
  }

  #acknowledged(news: Acknowledgement | string): void {
    if (typeof news === "string") {
      this.#fail(news);
      return;
    }
    this.#watchProgress({ answered: true });
    this.#parts.observer.acknowledged(news);
    this.pump();
  }
}

/** Longest text of an executor that is kept, in characters. */
const LONGEST_TEXT = 300;

/** What an executor says, for people, within bounds. */
export function textOf(said: string): string {
  return said.length > LONGEST_TEXT ? `${said.slice(0, LONGEST_TEXT)}…` : said;
}

export function refusalOf({ sequence, code, reason }: WelcomeMessage["refusals"][number]): RefusalOf {
  return { sequence: Number(sequence), code, reason: textOf(reason) };
}

/** True when the plan that the executor named is this one. */
export function isPlan(welcome: WelcomeMessage, planId: Uint8Array | undefined): boolean {
  return planId !== undefined && octetsEqual(Uint8Array.from(welcome.plan_id), planId);
}
