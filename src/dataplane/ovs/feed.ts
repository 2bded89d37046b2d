import { type Log, messageOf } from "../../base/index.ts";
import type { FlowDescription, Numbered, PacketIn } from "./openflow/flow.ts";
import type { MeterCount, MeterOrder, Order } from "./openflow/meter.ts";
import { SwitchConnection } from "./switch.ts";
import { policyOfMeter } from "./tables.ts";

export interface FeedParts {
  readonly log: Log;
  onPacket(packet: PacketIn): void;
  /** All that the switch should hold, but meters. */
  everything(): Iterable<Numbered>;
  meters(): Iterable<MeterOrder>;
}

const AGAIN_MS = { least: 100, most: 2000 } as const;
/** Packets a second that come here to be answered. */
const EXCEPTIONS = { of: "packets", perSecond: 1000, burst: 100 } as const;

/**
 * Keeps the switch in step: what is pushed is carried out in order, everything that waits as one bundle, unless there are meters in between.
 * A switch that went away and came back, or that refused something, gets everything again, in one bundle.
 */
export class SwitchFeed implements AsyncDisposable {
  readonly #path: string;
  readonly #parts: FeedParts;
  #connection: SwitchConnection | undefined;
  #waiting: Order[] = [];
  #replay = false;
  #working: Promise<void> | undefined;
  #delay: number = AGAIN_MS.least;
  #sleeping: (() => void) | undefined;
  #closed = false;

  constructor(path: string, parts: FeedParts) {
    this.#path = path;
    this.#parts = parts;
  }

  /** Connects, and says what the switch holds. @throws {Error} nobody is there, or not of our kind */
  async open(): Promise<readonly FlowDescription[]> {
    this.#connection = await this.#connect();
    return await this.#connection.flows();
  }

  push(messages: readonly Order[]): void {
    for (const message of messages) this.#waiting.push(message);
    this.#work();
  }

  /** At once, before what waits; and again in its turn, because what waits may be older. */
  pushNow(messages: readonly Numbered[]): void {
    for (const message of messages) this.#connection?.send(message);
    this.push(messages);
  }

  sendNow(message: Numbered): void {
    this.#connection?.send(message);
  }

  replay(): void {
    this.#replay = true;
    this.#work();
  }

  /** Resolves when nothing waits. */
  async settled(): Promise<void> {
    while (this.#working !== undefined) await this.#working;
  }

  flows(table: number): Promise<readonly FlowDescription[]> {
    const connection = this.#connection;
    return connection === undefined ? Promise.reject(new Error("the switch is away")) : connection.flows(table);
  }

  meters(): Promise<readonly MeterCount[]> {
    const connection = this.#connection;
    return connection === undefined ? Promise.reject(new Error("the switch is away")) : connection.meters();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#sleeping?.();
    if (this.#connection !== undefined && !this.#connection.ended) await this.#working;
    this.#connection?.[Symbol.dispose]();
    await this.#working;
  }

  async #connect(): Promise<SwitchConnection> {
    const connection = await SwitchConnection.connect(this.#path, {
      onPacket: (packet) => this.#parts.onPacket(packet),
      onEnd: (cause) => {
        if (this.#closed) return;
        this.#parts.log.warn("dataplane.ovs.lost", { path: this.#path, reason: messageOf(cause) });
        this.#connection = undefined;
        this.replay();
      },
    });
    connection.limit(EXCEPTIONS);
    return connection;
  }

  #work(): void {
    this.#working ??= this.#carryOut().finally(() => {
      this.#working = undefined;
    });
  }

  async #carryOut(): Promise<void> {
    // What the caller does in the same turn goes into the same bundle
    await Promise.resolve();
    while ((this.#replay || this.#waiting.length > 0) && !(this.#closed && this.#connection === undefined)) {
      const replay = this.#replay;
      try {
        this.#connection ??= await this.#connect();
        const messages = this.#waiting;
        this.#waiting = [];
        this.#replay = false;
        if (replay) await this.#everything(this.#connection);
        else for (const run of runsOf(messages)) await carryOutRun(this.#connection, run);
        if (replay) this.#parts.log.info("dataplane.ovs.replayed", { path: this.#path });
        this.#delay = AGAIN_MS.least;
      } catch (cause) {
        if (this.#closed) return;
        this.#parts.log.warn("dataplane.ovs.not-carried-out", { path: this.#path, reason: messageOf(cause) });
        this.#replay = true;
        await this.#pause();
      }
    }
  }

  /** Meters come before the flows that name them, and what nobody names any more goes behind. */
  async #everything(connection: SwitchConnection): Promise<void> {
    const wanted = new Set<number>();
    for (const order of this.#parts.meters()) {
      wanted.add(order.meter);
      await connection.meter(order);
    }
    await connection.bundle(this.#parts.everything());
    for (const { meter } of await connection.meters())
      if (policyOfMeter(meter) !== undefined && !wanted.has(meter)) await connection.meter({ meter });
  }

  async #pause(): Promise<void> {
    const delay = this.#delay;
    this.#delay = Math.min(2 * delay, AGAIN_MS.most);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delay).unref();
      this.#sleeping = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#sleeping = undefined;
  }
}

/** What is carried out together: messages in a bundle, or a meter. */
function* runsOf(orders: readonly Order[]): Generator<readonly Numbered[] | MeterOrder> {
  let run: Numbered[] = [];
  for (const order of orders) {
    if (typeof order === "function") {
      run.push(order);
      continue;
    }
    if (run.length > 0) yield run;
    run = [];
    yield order;
  }
  if (run.length > 0) yield run;
}

const carryOutRun = (connection: SwitchConnection, run: readonly Numbered[] | MeterOrder): Promise<void> =>
  "meter" in run ? connection.meter(run) : connection.bundle(run);
