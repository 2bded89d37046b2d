import { type Clock, type Log, type Milliseconds, messageOf, milliseconds } from "../../base/index.ts";
import type { Path } from "../datastore/index.ts";
import type { EventLog, Notification } from "../events/index.ts";
import type { AccessBook } from "../nacm/index.ts";
import type { NetconfSession } from "./session.ts";

const NOTIFICATION_NAMESPACE = "urn:ietf:params:xml:ns:netconf:notification:1.0";

/** Prints what is inside a `<notification>`. */
export type PrintNotification = (target: Path, name: string, content: unknown, format: "xml") => Promise<string>;

/** Prints each event once, however many sessions it goes to. */
export class NotificationPrinter {
  readonly #print: PrintNotification;
  readonly #printed = new WeakMap<Notification, Promise<string>>();

  constructor(print: PrintNotification) {
    this.#print = print;
  }

  text(event: Notification): Promise<string> {
    const known = this.#printed.get(event);
    if (known !== undefined) return known;
    const text = this.#print(event.target, event.name, event.content, "xml").then((xml) => wrapped(event.time, xml));
    this.#printed.set(event, text);
    return text;
  }
}

const wrapped = (time: Milliseconds, xml: string): string =>
  `<notification xmlns="${NOTIFICATION_NAMESPACE}"><eventTime>${new Date(time).toISOString()}</eventTime>${xml}</notification>`;

export interface SubscriptionOptions {
  readonly filter?: (event: Notification) => boolean;
  /** The same, answered by another process: of one event after the other. A failure ends the subscription. */
  readonly select?: (event: Notification) => Promise<boolean>;
  /** Replay from here. */
  readonly start?: Milliseconds;
  readonly stop?: Milliseconds;
}

export interface SubscriptionParts {
  readonly access: AccessBook;
  readonly events: EventLog;
  readonly printer: NotificationPrinter;
  readonly clock: Clock;
  readonly log: Log;
}

const COMPLETE = (name: string): string => `<${name} xmlns="urn:ietf:params:xml:ns:netmod:notification"/>`;
/** Events that wait for the answer of `select`; a subscription that has more does not keep up, and ends. */
const MOST_WAITING = 10_000;
/** The longest that a timer can be. */
const LONGEST = 2 ** 31 - 1;

/** Sends events to a session until it ends, or until the stop time. @see RFC 5277 §2.1, §3.3 */
export function subscribe(session: NetconfSession, options: SubscriptionOptions, parts: SubscriptionParts): void {
  const { access, events, printer, clock, log } = parts;
  const { filter, select, start, stop } = options;
  let waiting = 0;
  let isOver = false;
  // Nothing goes before the answer to the request.
  let sending = new Promise<void>((resolve) => clock.soon(resolve));
  const then = (send: () => Promise<void> | void): void => {
    sending = sending.then(send).catch((cause) => {
      log.error("netconf.notification-failed", { session: session.identity.id, reason: messageOf(cause) });
    });
  };
  const send = (event: Notification): void => {
    if (session.signal.aborted || filter?.(event) === false) return;
    if (stop !== undefined && event.time > stop) return;
    if (isOver || !access.telling(session.identity, event)) return;
    if (select === undefined) {
      then(async () => session.notify(await printer.text(event)));
      return;
    }
    if (++waiting > MOST_WAITING) give(`${MOST_WAITING} events wait for the filter`);
    then(async () => {
      waiting--;
      if (isOver) return;
      try {
        if (!(await select(event))) return;
      } catch (cause) {
        give(messageOf(cause));
        return;
      }
      session.notify(await printer.text(event));
    });
  };
  /** An event that may be missing is worse than none from here on: the client is told that it ends. */
  const give = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    log.warn("netconf.subscription-ended", { session: session.identity.id, reason });
    end();
    session.signal.removeEventListener("abort", end);
    session.subscribed = false;
    complete("notificationComplete");
  };
  const complete = (name: string): void => then(() => session.notify(wrapped(clock.wall(), COMPLETE(name))));

  session.subscribed = true;
  if (start !== undefined) {
    for (const event of events.from(start)) send(event);
    complete("replayComplete");
  }
  const live = events.subscribe(send);
  let timer: { cancel(): void } | undefined;
  const end = (): void => {
    live[Symbol.dispose]();
    timer?.cancel();
  };
  session.signal.addEventListener("abort", end, { once: true });
  if (stop === undefined) return;
  const stopAt = (): void => {
    const left = stop - clock.wall();
    if (left > 0) {
      timer = clock.after(milliseconds(Math.min(left, LONGEST)), stopAt);
      return;
    }
    end();
    session.signal.removeEventListener("abort", end);
    session.subscribed = false;
    complete("notificationComplete");
  };
  stopAt();
}
