import { type Clock, type Milliseconds, milliseconds, type Timer } from "../../base/index.ts";

/** How often another key is tried where there is no session. */
const WITHOUT_SESSION = milliseconds(20_000);
/** Of the hold time: how long the neighbour has to be silent before another key is tried, and how often it is looked at. */
const SILENCE = 1 / 2;
const LOOK = 1 / 8;

export interface KeyRingParts {
  readonly clock: Clock;
  /** Of the session that is up: its hold time, and for how long nothing has come. */
  readonly silence: () => { readonly holdTime: Milliseconds; readonly silentFor: Milliseconds } | undefined;
  /** Another key is the one to sign with. */
  readonly turned: () => void;
}

/**
 * Which of several TCP MD5 keys a neighbour is spoken to with. The kernel knows one at a time, so a neighbour that has
 * changed to another one is silent: then the next one is tried, on the connection that stands as well.
 */
export class KeyRing implements Disposable {
  readonly #parts: KeyRingParts;
  #keys: readonly (string | undefined)[] = [undefined];
  #at = 0;
  #timer: Timer | undefined;

  constructor(parts: KeyRingParts) {
    this.#parts = parts;
  }

  /** The first one is signed with from now on. */
  change(password: string | undefined, further: readonly string[]): void {
    this.#keys = password === undefined ? [undefined] : [password, ...further];
    this.#at = 0;
    this.look();
  }

  get current(): string | undefined {
    return this.#keys[this.#at];
  }

  /** Looks after it anew: a session has come or gone. */
  look(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#keys.length < 2) return;
    const session = this.#parts.silence();
    const delay = session === undefined ? WITHOUT_SESSION : milliseconds(session.holdTime * LOOK);
    this.#timer = this.#parts.clock.after(delay, () => this.#due());
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
  }

  #due(): void {
    const session = this.#parts.silence();
    if (session === undefined || session.silentFor >= session.holdTime * SILENCE) {
      this.#at = (this.#at + 1) % this.#keys.length;
      this.#parts.turned();
    }
    this.look();
  }
}
