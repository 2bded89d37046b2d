import type { Duplex } from "node:stream";
import type { YangContext } from "../../../native/index.ts";
import { type Clock, type Log, type Metrics, type Milliseconds, toMilliseconds } from "../../base/index.ts";
import type { NetconfConfiguration } from "../configuration/operators.ts";
import type { Management } from "../datastore/index.ts";
import { type EventLog, type Notification, parameters } from "../events/index.ts";
import type { AccessBook } from "../nacm/index.ts";
import type { XPathEvaluator } from "../xpath/index.ts";
import { Answering } from "./answering.ts";
import { serverCapabilities } from "./capabilities.ts";
import {
  calling,
  EDITING,
  lockOperations,
  READING,
  schemaOperations,
  sessionOperations,
  subscribing,
} from "./operations/index.ts";
import { NetconfSession, type SessionCounters, type SessionLimits } from "./session.ts";
import { NotificationPrinter, type SubscriptionOptions, subscribe } from "./subscription.ts";

export interface NetconfOptions {
  readonly limits: SessionLimits;
  /** At one time, over all transports. */
  readonly maxSessions: number;
  /** Of yang-library. */
  readonly contentId: string;
}

/** What of a configuration is for sessions. */
export function sessionOptions(options: NetconfConfiguration): Omit<NetconfOptions, "contentId"> {
  const { maxMessage, helloTimeout, idleTimeout, maxSessions } = options;
  const idle = idleTimeout === undefined ? {} : { idleTimeout: toMilliseconds(idleTimeout) };
  return { limits: { maxMessage, helloTimeout: toMilliseconds(helloTimeout), ...idle }, maxSessions };
}

export interface NetconfParts {
  readonly management: Management;
  readonly access: AccessBook;
  readonly events: EventLog;
  /** Stays the caller's. */
  readonly context: YangContext;
  /** For filters of subscriptions; stays the caller's. */
  readonly xpath: XPathEvaluator;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Who came, by which transport. */
export interface Client {
  readonly user: string;
  /** Address and port. */
  readonly source: string;
  readonly transport: "ssh" | "tls";
}

export interface Statistics extends Readonly<SessionCounters> {
  /** Wall clock. */
  readonly started: Milliseconds;
  readonly inBadHellos: number;
  readonly inSessions: number;
  readonly droppedSessions: number;
}

const NOTHING_YET: SessionCounters = { inRpcs: 0, inBadRpcs: 0, outRpcErrors: 0, outNotifications: 0 };

function addUp(sums: SessionCounters, counters: Readonly<SessionCounters>): void {
  sums.inRpcs += counters.inRpcs;
  sums.inBadRpcs += counters.inBadRpcs;
  sums.outRpcErrors += counters.outRpcErrors;
  sums.outNotifications += counters.outNotifications;
}

/** The sessions of all transports. */
export class NetconfServer {
  #options: NetconfOptions;
  readonly #parts: NetconfParts;
  readonly #answering: Answering;
  readonly #capabilities: readonly string[];
  readonly #sessions = new Map<number, NetconfSession>();
  /** Lets nobody in any more, and calls this after the last one. */
  #retired: (() => void) | undefined;
  readonly #totals;
  readonly #count;

  constructor(options: NetconfOptions, parts: NetconfParts) {
    const { management, access, context, events, xpath, clock, log, metrics } = parts;
    this.#options = options;
    this.#totals = { started: clock.wall(), inBadHellos: 0, inSessions: 0, droppedSessions: 0, ...NOTHING_YET };
    this.#parts = parts;
    const namespaces = new Map(context.modules.map(({ name, namespace }) => [name, namespace]));
    const modules = new Map(context.modules.map(({ name, namespace }) => [namespace, name]));
    const kill = (id: number, why: string, by: number): boolean => {
      const found = this.#sessions.get(id);
      found?.terminate(why, by);
      return found !== undefined;
    };
    const moduleOf = (namespace: string): string | undefined => modules.get(namespace);
    const printer = new NotificationPrinter((...wanted) => context.printNotification(...wanted));
    const subscriber = {
      ...{ clock, moduleOf },
      matches: (
        { target, name, content }: Omit<Notification, "time">,
        ...asked: [string, Readonly<Record<string, string>>]
      ) => xpath.matches(context, { target, name, content }, ...asked),
      sessionOf: (id: number) => this.#sessions.get(id),
      subscribe: (session: NetconfSession, wanted: SubscriptionOptions) =>
        subscribe(session, wanted, { access, events, printer, clock, log }),
    };
    this.#answering = new Answering({
      ...{ management, access, context, log },
      namespaceOf: (module) => namespaces.get(module),
      otherwise: calling(context),
      operations: {
        ...{ ...READING, ...EDITING, ...schemaOperations(context), ...sessionOperations({ kill }) },
        ...{ ...lockOperations({ moduleOf, modules: new Set(namespaces.keys()) }), ...subscribing(subscriber) },
      },
    });
    this.#capabilities = serverCapabilities(options.contentId, context.modules);
    this.#count = {
      active: metrics.gauge("semrd_netconf_sessions", "NETCONF sessions that are open."),
      opened: metrics.counter("semrd_netconf_sessions_total", "NETCONF sessions that were opened."),
      refused: metrics.counter("semrd_netconf_sessions_refused_total", "NETCONF sessions refused: too many were open."),
    };
  }

  /** Sessions that are open. */
  get sessions(): readonly NetconfSession[] {
    return [...this.#sessions.values()];
  }

  /** Of yang-library, in the hello too. */
  get contentId(): string {
    return this.#options.contentId;
  }

  /** The hello's. */
  get capabilities(): readonly string[] {
    return this.#capabilities;
  }

  /** Of all sessions since the start, those that are open included. @see RFC 6022 §2.1.5 */
  get statistics(): Statistics {
    const sums = { ...this.#totals };
    for (const { counters } of this.#sessions.values()) addUp(sums, counters);
    return sums;
  }

  /** False where another session would be one too many. */
  get hasRoom(): boolean {
    const room = this.#sessions.size < this.#options.maxSessions && this.#retired === undefined;
    if (!room) this.#count.refused.add();
    return room;
  }

  /** Serves one session on `stream`, which it closes; resolves when it has ended. */
  async serve(stream: Duplex, { user, source, transport }: Client): Promise<void> {
    const { management, clock, log } = this.#parts;
    const identity = management.openSession({ user, source, protocol: "netconf" });
    const session = new NetconfSession(stream, identity, {
      transport,
      ...{ clock, log, limits: this.#options.limits, capabilities: this.#capabilities },
      answer: (asking, text) => this.#answering.answer(asking, text),
    });
    this.#sessions.set(identity.id, session);
    this.#totals.inSessions++;
    this.#count.opened.add();
    this.#count.active.set(this.#sessions.size);
    const about = { session: identity.id, user, source, transport };
    log.info("netconf.session-opened", about);
    // What it held is free at once, however long its stream takes to close.
    session.signal.addEventListener("abort", () => void management.closeSession(identity), { once: true });
    const who = parameters(identity);
    this.#parts.events.publish({ name: "ietf-netconf-notifications:netconf-session-start", target: [], content: who });
    try {
      const { reason, text, killedBy } = await session.serve();
      if (reason === "bad-hello") this.#totals.inBadHellos++;
      if (reason === "dropped") this.#totals.droppedSessions++;
      log.info("netconf.session-closed", { ...about, reason: text });
      const killer = killedBy === undefined ? {} : { "killed-by": killedBy };
      this.#parts.events.publish({
        ...{ name: "ietf-netconf-notifications:netconf-session-end", target: [] },
        content: { ...who, ...killer, "termination-reason": reason },
      });
    } finally {
      session.terminate("ended");
      this.#sessions.delete(identity.id);
      addUp(this.#totals, session.counters);
      this.#count.active.set(this.#sessions.size);
      if (this.#sessions.size === 0) this.#retired?.();
      await management.closeSession(identity);
    }
  }

  /** For sessions that are opened from now on. */
  goBy(options: NetconfConfiguration): void {
    this.#options = { ...this.#options, ...sessionOptions(options) };
  }

  /** Ends each session when it has the answer that it waits for; resolves when there is none. */
  async retire(why: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#retired = resolve;
    if (this.#sessions.size === 0) return;
    for (const session of this.#sessions.values()) session.retire(why);
    await promise;
  }

  /** Ends all sessions. */
  close(): void {
    for (const session of this.#sessions.values()) session.terminate("the NETCONF server ends");
  }
}
