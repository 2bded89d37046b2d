export interface GuestStayHost {
  /** It has a connection, its routes are kept for its restart, or it says in other ways that it is there. */
  readonly isThere: () => boolean;
  /** It has left. Once. */
  readonly left: () => void;
}

/** The stay of a neighbour that came by itself: nobody configured it, so it goes when nothing of it is there any more. */
export class GuestStay {
  readonly #host: GuestStayHost;
  #hasCome = false;
  #isOver = false;

  constructor(host: GuestStayHost) {
    this.#host = host;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** It has been heard of; before that it cannot leave. */
  came(): void {
    this.#hasCome = true;
  }

  /** Something of it may be there no more. */
  look(): void {
    if (!this.#hasCome || this.#isOver || this.#host.isThere()) return;
    this.#isOver = true;
    this.#host.left();
  }
}
