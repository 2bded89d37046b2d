import {
  type Clock,
  type Milliseconds,
  milliseconds,
  type Random,
  type Seconds,
  type Timer,
  toMilliseconds,
} from "../../base/index.ts";

interface Armed {
  deadline: number;
  /** When `timer` fires: at the deadline or before it. */
  due: number;
  timer: Timer;
}

/**
 * Named timers of one owner. Arming one again and again, as every message does with the hold timer, costs a comparison: a
 * timer that fires before its deadline is set for the rest.
 */
export class TimerSet<Name extends string> implements Disposable {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #fire: (name: Name) => void;
  readonly #armed = new Map<Name, Armed>();

  constructor(clock: Clock, random: Random, fire: (name: Name) => void) {
    this.#clock = clock;
    this.#random = random;
    this.#fire = fire;
  }

  /** @param options jitter: cut by a random part of up to a quarter (RFC 4271 §10) */
  arm(name: Name, delay: Seconds, options: { readonly jitter: boolean }): void {
    const factor = options.jitter ? 1 - this.#random.next() / 4 : 1;
    const deadline = this.#clock.monotonic() + toMilliseconds(delay) * factor;
    const armed = this.#armed.get(name);
    if (armed !== undefined && armed.due <= deadline) {
      armed.deadline = deadline;
      return;
    }
    armed?.timer.cancel();
    this.#armed.set(name, { deadline, due: deadline, timer: this.#timer(name, { due: deadline }) });
  }

  disarm(name: Name): void {
    this.#armed.get(name)?.timer.cancel();
    this.#armed.delete(name);
  }

  isArmed(name: Name): boolean {
    return this.#armed.has(name);
  }

  /** Milliseconds to the deadline; `undefined` for one that is not armed. */
  left(name: Name): Milliseconds | undefined {
    const armed = this.#armed.get(name);
    return armed && milliseconds(Math.max(0, armed.deadline - this.#clock.monotonic()));
  }

  disarmAll(): void {
    for (const { timer } of this.#armed.values()) timer.cancel();
    this.#armed.clear();
  }

  [Symbol.dispose](): void {
    this.disarmAll();
  }

  #timer(name: Name, armed: { readonly due: number }): Timer {
    const wait = milliseconds(Math.max(0, armed.due - this.#clock.monotonic()));
    return this.#clock.after(wait, () => this.#due(name, { lastLook: false }));
  }

  /**
   * Timers run before sockets are read. After a stall of the process a hold timer would fire although the message that moves
   * it waits in the kernel, so the deadline is looked at again on the next turn.
   */
  #due(name: Name, look: { readonly lastLook: boolean }): void {
    const armed = this.#armed.get(name);
    if (armed === undefined) return;
    if (this.#clock.monotonic() < armed.deadline) {
      armed.due = armed.deadline;
      armed.timer = this.#timer(name, armed);
    } else if (look.lastLook) {
      this.#armed.delete(name);
      this.#fire(name);
    } else {
      this.#clock.soon(() => {
        if (this.#armed.get(name) === armed) this.#due(name, { lastLook: true });
      });
    }
  }
}
