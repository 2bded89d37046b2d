import type { Clock, Timer } from "../../base/index.ts";
import { LATE_END, type PathFailure } from "./path-failure.ts";

/** BFD went down, and the connection may yet turn out to have been ended by the peer. @see RFC 5882 §4.3 */
export class PathDoubt implements Disposable {
  readonly #clock: Clock;
  readonly #pathIsDown: () => void;
  #timer: Timer | undefined;

  constructor(clock: Clock, pathIsDown: () => void) {
    this.#clock = clock;
    this.#pathIsDown = pathIsDown;
  }

  get exists(): boolean {
    return this.#timer !== undefined;
  }

  /** @param session whether its routes outlive the session that is up */
  failed({ independent }: PathFailure, session: { readonly restartAgreed: boolean }): void {
    if (independent || !session.restartAgreed) this.certain();
    else this.#timer ??= this.#clock.after(LATE_END, () => this.certain());
  }

  certain(): void {
    this.none();
    this.#pathIsDown();
  }

  none(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  [Symbol.dispose](): void {
    this.none();
  }
}
