import type { Clock, Random } from "../../base/index.ts";
import type { SessionTimer } from "../session/index.ts";
import { Input, type InputHandlers } from "./input.ts";
import { TimerSet } from "./timer-set.ts";
import type { Connection } from "./transport.ts";

/** One side's connection and timers: the attempt to connect, the open connection with its input, or neither. */
export class Link {
  readonly timers: TimerSet<SessionTimer>;
  readonly #clock: Clock;
  #connecting: { cancel(): void } | undefined;
  #connection: Connection | undefined;
  #input: Input | undefined;
  #closing: Promise<void> = Promise.resolve();

  constructor(clock: Clock, random: Random, fire: (timer: SessionTimer) => void) {
    this.#clock = clock;
    this.timers = new TimerSet(clock, random, fire);
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  get input(): Input | undefined {
    return this.#input;
  }

  /** An attempt to connect has no answer yet. */
  get isConnecting(): boolean {
    return this.#connecting !== undefined;
  }

  attempt(connecting: { cancel(): void }): void {
    this.#connecting = connecting;
  }

  open(connection: Connection, handlers: InputHandlers): void {
    this.#connecting = undefined;
    this.#connection = connection;
    this.#input = new Input(connection, handlers, this.#clock);
  }

  /** Ends the attempt or the connection; `closed` resolves when it is gone. */
  close(): void {
    this.#connecting?.cancel();
    this.#connecting = undefined;
    this.#input?.close();
    this.#input = undefined;
    const closing = this.#connection?.close();
    this.#connection = undefined;
    if (closing !== undefined) this.#closing = Promise.all([this.#closing, closing]).then(() => undefined);
  }

  get closed(): Promise<void> {
    return this.#closing;
  }
}
