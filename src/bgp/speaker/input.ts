import type { Clock } from "../../base/index.ts";
import { type Frame, Framer, type NotificationMessage } from "../wire/index.ts";
import { SharedTurns } from "./shared-turns.ts";
import type { Connection } from "./transport.ts";

/** Messages between two looks at the clock, if they are short: each takes well under a tenth of a millisecond. */
const MESSAGES_A_LOOK = 8;
/** Octets between two looks: a long message may hold thousands of routes. */
const OCTETS_A_LOOK = 8 * 1024;

export interface InputHandlers {
  /** One message. Its octets are borrowed until the call returns. */
  message(frame: Frame): void;
  malformed(fault: NotificationMessage): void;
  closed(reason: string): void;
  drained(): void;
}

/**
 * Reads one connection: cuts messages, hands them over one by one and stops for a turn when time is up (`SharedTurns`) or
 * somebody holds it. Nothing is queued here but the chunk at hand: TCP holds back the rest.
 */
export class Input {
  readonly #connection: Connection;
  readonly #handlers: InputHandlers;
  readonly #turns: SharedTurns;
  readonly #framer = new Framer();
  #closed = false;
  #held = false;
  #paused = false;
  #waits = false;
  readonly #job = (): void => {
    this.#waits = false;
    this.#pump();
  };
  /** The peer is gone; said once everything that came before has been handed over. */
  #gone: string | undefined;

  constructor(connection: Connection, handlers: InputHandlers, clock: Clock) {
    this.#connection = connection;
    this.#handlers = handlers;
    this.#turns = SharedTurns.of(clock);
    connection.start({
      data: (octets) => {
        this.#framer.feed(octets);
        if (!this.#turns.now(this.#job)) this.#wait();
      },
      closed: (reason) => {
        this.#gone = reason;
        if (!this.#paused) this.#end();
      },
      drained: () => {
        if (!this.#closed) handlers.drained();
      },
    });
  }

  /** Longer messages from now on. @see RFC 8654 */
  allowExtended(): void {
    this.#framer.allowExtended();
  }

  /** No further message until `release`. */
  hold(): void {
    this.#held = true;
  }

  release(): void {
    this.#held = false;
    if (this.#paused) this.#later();
  }

  /** No further message, whatever is there. */
  close(): void {
    this.#closed = true;
  }

  #later(): void {
    if (this.#waits) return;
    this.#wait();
    this.#turns.later(this.#job);
  }

  /** The job is in the queue, and the connection says nothing more until it is done. */
  #wait(): void {
    this.#waits = true;
    this.#pause();
  }

  #pump(): void {
    let messages = 0;
    let octets = 0;
    while (!this.#closed) {
      if (this.#held) {
        this.#pause();
        return;
      }
      const answer = this.#framer.next();
      if (answer.kind === "need-more") break;
      if (answer.kind === "malformed") {
        this.#handlers.malformed(answer.fault);
        this.#closed = true;
        return;
      }
      this.#handlers.message(answer);
      messages++;
      octets += answer.end - answer.start;
      if (messages < MESSAGES_A_LOOK && octets < OCTETS_A_LOOK) continue;
      messages = 0;
      octets = 0;
      if (!this.#turns.inTime) {
        this.#later();
        return;
      }
    }
    if (this.#closed) return;
    if (this.#paused) {
      this.#paused = false;
      this.#connection.resume();
    }
    this.#end();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#connection.pause();
  }

  #end(): void {
    if (this.#gone === undefined || this.#closed) return;
    this.#closed = true;
    this.#handlers.closed(this.#gone);
  }
}
