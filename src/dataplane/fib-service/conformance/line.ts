import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { Ipv6Address, Ipv6Prefix } from "../../../base/index.ts";
import type { ExecutorChannel } from "../channel.ts";
import {
  type FromExecutor,
  type HelloMessage,
  type OperationMessage,
  PROTOCOL_VERSION,
  type RefusalMessage,
  type ToExecutor,
  type WelcomeMessage,
} from "../messages.ts";

/** What an executor does against the protocol: the case fails with this sentence. */
export class NotConformant extends Error {}

export function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new NotConformant(otherwise);
}

export interface LineOptions {
  readonly router: string;
  readonly domain: Ipv6Prefix;
  readonly locator: Ipv6Address;
  readonly maxCapabilities: number;
  readonly tunnelMtu: number;
  /** How long an answer may take, in milliseconds. */
  readonly deadline: number;
}

/**
 * One stream to an executor under test, with nothing of a driver's patience: each message is asked for, and what does not
 * come within the deadline is a fault.
 */
export class Line implements Disposable {
  readonly options: LineOptions;
  readonly #call: ClientDuplexStream<ToExecutor, FromExecutor>;
  readonly #came: FromExecutor[] = [];
  #wake: (() => void) | undefined;
  #ended: string | undefined;
  #drained: (() => void) | undefined;
  #writable = true;
  #sent = 0;
  #acknowledged = 0;
  #numbers = 0;
  readonly #refusals = new Map<number, RefusalMessage>();
  /** Of the operations behind {@link #resumed}. */
  readonly #kinds: string[] = [];
  #resumed = 0;

  constructor(channel: ExecutorChannel, options: LineOptions) {
    this.options = options;
    this.#call = channel.program();
    this.#call.on("data", (message: FromExecutor) => {
      this.#came.push(message);
      this.#wake?.();
    });
    const ended = (why: string): void => {
      this.#ended ??= why;
      this.#wake?.();
      this.#drained?.();
    };
    this.#call.on("error", (cause: Error & { details?: string }) => ended(cause.details ?? cause.message));
    this.#call.on("end", () => ended("the executor ended the session"));
    this.#call.on("drain", () => {
      this.#writable = true;
      this.#drained?.();
    });
  }

  get sequence(): number {
    return this.#sent;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  refusalOf(sequence: number): RefusalMessage | undefined {
    return this.#refusals.get(sequence);
  }

  send(message: ToExecutor): void {
    if (this.#ended === undefined && !this.#call.write(message)) this.#writable = false;
  }

  /** What kind of operation that was. */
  kindOf(sequence: number): string {
    return this.#kinds[sequence - this.#resumed - 1] ?? "the end of the plan";
  }

  /** Why the session ended; fails when it does not within the deadline. @param because what the executor should end it for */
  async end(because: string): Promise<string> {
    const until = performance.now() + this.options.deadline;
    while (this.#ended === undefined) {
      demand(await this.#anything(until), `the session goes on, and has to end: ${because}`);
      this.#came.splice(0);
    }
    return this.#ended;
  }

  hello(changes: Partial<HelloMessage> = {}): void {
    const { router, domain, locator, maxCapabilities, tunnelMtu } = this.options;
    this.send({
      hello: {
        ...{ version: PROTOCOL_VERSION, router, plan_id: new Uint8Array(), sequence: 0 },
        settings: {
          domain: domain.address.slice(0, 6),
          ...{ locator, hash_seed: 7, tunnel_mtu: tunnelMtu, max_capabilities: maxCapabilities },
          ports: [],
        },
        ...changes,
      },
    });
  }

  async greet(changes: Partial<HelloMessage> = {}): Promise<WelcomeMessage> {
    this.hello(changes);
    return this.expect("welcome");
  }

  resume(sequence: number): void {
    this.#sent = sequence;
    this.#acknowledged = sequence;
    this.#resumed = sequence;
    this.send({ resume: { sequence } });
  }

  beginPlan(planId: Uint8Array): void {
    this.#sent = 0;
    this.#acknowledged = 0;
    this.#resumed = 0;
    this.#kinds.length = 0;
    this.#refusals.clear();
    this.send({ snapshot_begin: { plan_id: planId } });
  }

  endPlan(generation: number): void {
    this.#kinds.push("the end of the plan");
    this.send({ snapshot_end: { sequence: ++this.#sent, generation } });
  }

  /** Sends operations and does not wait. @returns the sequence of the first */
  operations(operations: readonly OperationMessage[], generation: number): number {
    const first = this.#sent + 1;
    this.#sent += operations.length;
    for (const operation of operations) this.#kinds.push(Object.keys(operation)[0] ?? "no kind");
    this.send({ operations: { first, operations, generation, completes: true } });
    return first;
  }

  /** Waits until everything that was sent is answered. */
  async settle(): Promise<void> {
    while (this.#acknowledged < this.#sent) this.#take(await this.expect("acknowledged"));
  }

  /** Waits until fewer than `most` operations are underway, and the connection takes more. */
  async room(most: number): Promise<void> {
    while (this.#sent - this.#acknowledged >= most) this.#take(await this.expect("acknowledged"));
    while (!this.#writable && this.#ended === undefined)
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
  }

  #take({ through, refusals }: NonNullable<FromExecutor["acknowledged"]>): void {
    const to = Number(through);
    demand(to > this.#acknowledged, `operation ${to} was acknowledged after ${this.#acknowledged}`);
    demand(to <= this.#sent, `operation ${to} was acknowledged, and those up to ${this.#sent} were sent`);
    for (const refusal of refusals) {
      const sequence = Number(refusal.sequence);
      const inside = sequence > this.#acknowledged && sequence <= to;
      demand(inside, `operation ${sequence} was refused in an acknowledgement of ${this.#acknowledged + 1} to ${to}`);
      demand(refusal.reason !== "", `operation ${sequence} was refused without a reason`);
      this.#refusals.set(sequence, refusal);
    }
    this.#acknowledged = to;
  }

  /** The executor's plan, as operations from nothing. */
  async read(): Promise<readonly OperationMessage[]> {
    const number = ++this.#numbers;
    this.send({ read: { number } });
    const operations: OperationMessage[] = [];
    for (;;) {
      const held = await this.expect("held");
      demand(Number(held.number) === number, `an answer to read ${held.number}, and ${number} was asked`);
      operations.push(...held.operations);
      if (held.done) return operations;
    }
  }

  /** @returns why it was refused, empty when it was done */
  async health(nextHop: number, state: number): Promise<string> {
    const number = ++this.#numbers;
    this.send({ health: { number, next_hop: nextHop, state } });
    const done = await this.expect("health_done");
    demand(Number(done.number) === number, `an answer to health ${done.number}, and ${number} was said`);
    return done.refused;
  }

  async counters(): Promise<NonNullable<FromExecutor["counters"]>> {
    const number = ++this.#numbers;
    this.send({ counters: { number } });
    const counters = await this.expect("counters");
    demand(Number(counters.number) === number, `counters ${counters.number}, and ${number} was asked`);
    return counters;
  }

  async ports(ports: NonNullable<ToExecutor["ports"]>["ports"]): Promise<NonNullable<FromExecutor["ports_done"]>> {
    const number = ++this.#numbers;
    this.send({ ports: { number, ports } });
    const done = await this.expect("ports_done");
    demand(Number(done.number) === number, `an answer to ports ${done.number}, and ${number} was said`);
    return done;
  }

  /** The next message, which has to be of this kind; what the executor finds out by itself may come in between. */
  async expect<K extends keyof Omit<FromExecutor, "message">>(kind: K): Promise<NonNullable<FromExecutor[K]>> {
    const until = performance.now() + this.options.deadline;
    for (;;) {
      const message = this.#came.shift();
      if (message === undefined) {
        demand(this.#ended === undefined, `the session ended (${this.#ended}), and ${kind} was due`);
        demand(await this.#anything(until), `${kind} did not come within ${this.options.deadline} ms`);
      } else if (message.message === kind) return message[kind] as NonNullable<FromExecutor[K]>;
      else demand(message.message === "next_hop", `${message.message} came, and ${kind} was due`);
    }
  }

  /** False when nothing happens until then. */
  async #anything(until: number): Promise<boolean> {
    if (this.#came.length > 0 || this.#ended !== undefined) return true;
    const left = until - performance.now();
    if (left <= 0) return false;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = setTimeout(resolve, left);
    });
    clearTimeout(timer);
    this.#wake = undefined;
    return this.#came.length > 0 || this.#ended !== undefined;
  }

  /** As a router that goes away without a word. */
  cut(): void {
    this.#call.cancel();
  }

  [Symbol.dispose](): void {
    this.#call.cancel();
  }
}
