import { type Log, messageOf } from "../../base/index.ts";
import type { FlowDescription, Numbered, PacketIn } from "./openflow/flow.ts";
import { SwitchConnection } from "./switch.ts";

export interface FeedParts {
  readonly log: Log;
  onPacket(packet: PacketIn): void;
  /** All that the switch should hold. */
  everything(): Iterable<Numbered>;
}

const AGAIN_MS = { least: 100, most: 2000 } as const;
/** Packets a second that come here to be answered. */
const EXCEPTIONS = { packetsPerSecond: 1000, burst: 100 } as const;

/**
 * Keeps the switch in step: what is pushed is carried out in order, everything that waits as one bundle. A switch that went
 * away and came back, or that refused something, gets everything again, in one bundle.
 */
export class SwitchFeed implements AsyncDisposable {
  readonly #path: string;
  readonly #parts: FeedParts;
  #connection: SwitchConnection | undefined;
  #waiting: Numbered[] = [];
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

  push(messages: readonly Numbered[]): void {
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
    connection.limit(EXCEPTIONS.packetsPerSecond, EXCEPTIONS.burst);
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
        await this.#connection.bundle(replay ? this.#parts.everything() : messages);
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
