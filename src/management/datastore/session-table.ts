import type { Session } from "./types.ts";

/** Largest session-id of NETCONF. @see RFC 6241 §8.1 */
const LARGEST_ID = 0xffffffff;

/** The sessions that are open. */
export class SessionTable {
  readonly #open = new Map<number, Session>();
  #last = 0;

  open(who: Omit<Session, "id">): Session {
    do this.#last = this.#last === LARGEST_ID ? 1 : this.#last + 1;
    while (this.#open.has(this.#last));
    const session = { ...who, id: this.#last };
    this.#open.set(session.id, session);
    return session;
  }

  /** False for one that was closed before. */
  close(session: Session): boolean {
    return this.#open.delete(session.id);
  }

  isOpen(session: Session): boolean {
    return this.#open.has(session.id);
  }

  get all(): readonly Session[] {
    return [...this.#open.values()];
  }
}
