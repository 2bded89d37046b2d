import { type Clock, type Log, type Metrics, messageOf, milliseconds, type Timer } from "../../base/index.ts";
import type { PeerStatus, RangeStatus } from "../../bgp/speaker/index.ts";
import type { DataplaneDriver } from "../../dataplane/index.ts";
import type { Compiler } from "../../forwarding/index.ts";
import {
  type AlarmBook,
  alarmPath,
  type EventLog,
  notificationOf,
  operatorNotificationOf,
  type RouterConfiguration,
} from "../../management/index.ts";
import type { RowSources } from "../rows.ts";
import type { SessionWatch } from "../state/index.ts";
import { endingCertificates } from "./certificates.ts";
import { degradations, executors, fullTables, neighborLimits, routeLimits } from "./conditions.ts";
import { SessionConditions } from "./sessions.ts";
import { ALARM_TYPES } from "./types.ts";
import type { UnservedCapabilities } from "./unserved.ts";

export { persistFailure } from "./conditions.ts";
export { selectedNodes } from "./selected-nodes.ts";
export { ALARM_TYPES } from "./types.ts";
export { UnservedCapabilities } from "./unserved.ts";

/** What does not say by itself that it has changed is looked at so often. */
const LOOK_EACH = milliseconds(1000);
/** After a session has come or gone; many that do so together are looked at once. */
const LOOK_SOON = milliseconds(20);
const CERTIFICATES_EACH = milliseconds(3_600_000);

export interface AlarmParts {
  readonly book: AlarmBook;
  readonly events: EventLog;
  readonly driver: DataplaneDriver;
  readonly compiler: Compiler;
  readonly speaker: { peers(): readonly PeerStatus[]; ranges(): readonly RangeStatus[] };
  readonly sources: RowSources;
  readonly unserved: UnservedCapabilities;
  readonly sessions: SessionWatch;
  /** In use. */
  readonly configuration: () => RouterConfiguration;
  readonly maxRoutes: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Looks at what the parts of the router are like, keeps the alarm list by it, and tells of its changes, until disposed. */
export class Alarms implements Disposable {
  readonly #parts: AlarmParts;
  readonly #sessions: SessionConditions;
  readonly #stack = new DisposableStack();
  #timer: Timer | undefined;
  #soon: Timer | undefined;
  #certificates: { readonly of: RouterConfiguration; readonly at: number } | undefined;

  constructor(parts: AlarmParts) {
    this.#parts = parts;
    const { book, sessions, clock } = parts;
    this.#sessions = new SessionConditions(clock);
    this.#stack.use(book.subscribe((news) => this.#tell(news)));
    this.#stack.use(sessions.subscribe(() => this.#lookSoon()));
    this.#stack.defer(() => {
      this.#timer?.cancel();
      this.#soon?.cancel();
    });
    this.#arm();
  }

  /** Numbers for Prometheus. */
  refreshMetrics(): void {
    const { book, metrics } = this.#parts;
    for (const { severity, count } of book.counts)
      metrics.gauge("semrd_alarms", "Alarms that are not cleared", { severity }).set(count);
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  #arm(): void {
    this.#timer = this.#parts.clock.after(LOOK_EACH, () => {
      this.#look();
      this.#arm();
    });
  }

  #lookSoon(): void {
    this.#soon ??= this.#parts.clock.after(LOOK_SOON, () => {
      this.#soon = undefined;
      this.#look();
    });
  }

  #look(): void {
    const { book, driver, compiler, speaker, sources, unserved, maxRoutes } = this.#parts;
    const configuration = this.#parts.configuration();
    const peers = configuration.bgp === undefined ? [] : speaker.peers();
    const table = { routes: sources.rib.capability.routes, room: maxRoutes };
    const isRaised = (resource: string): boolean => book.find(resource, ALARM_TYPES.tableFull.id)?.isCleared === false;
    book.reconcile(ALARM_TYPES.sessionDown.id, this.#sessions.of(peers));
    book.reconcile(ALARM_TYPES.neighborLimit.id, neighborLimits(speaker.ranges()));
    book.reconcile(ALARM_TYPES.routeLimit.id, routeLimits(peers, configuration, table));
    book.reconcile(ALARM_TYPES.unserved.id, unserved.conditions());
    book.reconcile(ALARM_TYPES.tableFull.id, fullTables(compiler, configuration, isRaised));
    book.reconcile(ALARM_TYPES.degraded.id, degradations(driver, configuration));
    book.reconcile(ALARM_TYPES.executorAway.id, executors(driver));
    this.#lookAtCertificates(configuration);
  }

  #lookAtCertificates(configuration: RouterConfiguration): void {
    const { book, clock, log } = this.#parts;
    const at = clock.monotonic();
    const last = this.#certificates;
    if (last?.of === configuration && at - last.at < CERTIFICATES_EACH) return;
    this.#certificates = { of: configuration, at };
    endingCertificates(configuration, clock.wall())
      .then((found) => {
        if (!this.#stack.disposed) book.reconcile(ALARM_TYPES.certificate.id, found);
      })
      .catch((cause: unknown) => log.error("alarms.certificates", { reason: messageOf(cause) }));
  }

  #tell(news: Parameters<Parameters<AlarmBook["subscribe"]>[0]>[0]): void {
    const { events, log } = this.#parts;
    // Somebody who knows the alarm list alone has to learn that it is back in it.
    if (news.type === "operator" || (news.type === "shelf" && news.alarm.shelf === undefined)) {
      const content = operatorNotificationOf(news.alarm);
      events.publish({ name: "ietf-alarms:operator-action", target: alarmPath(news.alarm), content });
    }
    if (news.type === "purged" || news.type === "operator") return;
    const { resource, type, text, severity, isCleared, shelf } = news.alarm;
    if (news.type === "shelf") {
      log.info(shelf === undefined ? "alarm.un-shelved" : "alarm.shelved", { type, resource, text: news.change.text });
      return;
    }
    const state = isCleared ? "cleared" : severity;
    if (shelf !== undefined) {
      log.debug("alarm.on-shelf", { type, resource, state, shelf, text });
      return;
    }
    log[isCleared ? "info" : "warn"]("alarm", { type, resource, state, text });
    if (news.isTold)
      events.publish({ name: "ietf-alarms:alarm-notification", target: [], content: notificationOf(news.alarm) });
  }
}
