import type { YangError } from "../../../../native/api.ts";
import { type Clock, type Milliseconds, milliseconds } from "../../../base/index.ts";
import type { ManagementFault } from "../../datastore/index.ts";
import type { Notification } from "../../events/index.ts";
import { eventFilter } from "../event-filter.ts";
import { faulty, OK } from "../reply.ts";
import type { NetconfSession } from "../session.ts";
import type { SubscriptionOptions } from "../subscription.ts";
import { type Call, type Operations, textOf } from "./operation.ts";
import { filterOf } from "./selection.ts";

export interface Subscriber {
  readonly clock: Clock;
  sessionOf(id: number): NetconfSession | undefined;
  subscribe(session: NetconfSession, options: SubscriptionOptions): void;
  moduleOf(namespace: string): string | undefined;
  /** Whether an XPath expression selects anything of an event. @throws {YangError} */
  matches(
    event: Omit<Notification, "time">,
    expression: string,
    prefixes: Readonly<Record<string, string>>,
  ): Promise<boolean>;
}

/** The one stream that there is. @see RFC 5277 §3.2.3 */
const STREAM = "NETCONF";

/** @see RFC 5277 §2.1.1 */
export const subscribing = (subscriber: Subscriber): Operations => ({
  "notifications:create-subscription": async (call) => {
    const session = subscriber.sessionOf(call.session.id);
    if (session === undefined) return faulty(wrong("operation-failed", "the session is ending"));
    if (session.subscribed) {
      return faulty(
        wrong(
          "operation-failed",
          "this session has a subscription already: one ends with its stop time, or with the session",
        ),
      );
    }
    const stream = textOf(call, "stream") ?? STREAM;
    if (stream !== STREAM)
      return faulty(wrong("invalid-value", `there is no stream ${stream}, only ${STREAM}`, "stream"));
    const options = await optionsOf(call, subscriber);
    if ("errorTag" in options) return faulty(options);
    subscriber.subscribe(session, options);
    return OK;
  },
});

async function optionsOf(
  call: Call,
  { clock, moduleOf, matches }: Subscriber,
): Promise<SubscriptionOptions | ManagementFault> {
  const start = timeOf(call, "startTime");
  const stop = timeOf(call, "stopTime");
  if (stop !== undefined && start === undefined) {
    return wrong("missing-element", "a stopTime is only for a replay: give a startTime", "startTime");
  }
  if (start !== undefined && start > clock.wall())
    return wrong("bad-element", "the startTime is in the future", "startTime");
  if (stop !== undefined && start !== undefined && stop < start) {
    return wrong("bad-element", "the stopTime is before the startTime", "stopTime");
  }
  const times = { ...(start === undefined ? {} : { start }), ...(stop === undefined ? {} : { stop }) };
  const text = call.request.documents.filter?.xml;
  if (text === undefined) return times;
  const chosen = filterOf(call);
  if (!chosen.ok) return chosen.faults[0]!;
  const { select } = chosen.value;
  if (select !== undefined && "xpath" in select) {
    const { xpath, namespaces = {} } = select;
    const faults = await faultsIn(() => matches(PROBE, xpath, namespaces));
    if (faults !== undefined) return faults;
    return { ...times, select: (event) => matches(event, xpath, namespaces) };
  }
  const filter = eventFilter(text, moduleOf);
  return filter === undefined
    ? wrong("bad-element", "the filter is not XML of at most 1000 elements", "filter")
    : { ...times, filter };
}

/** Any event will do to find out whether an expression is one. */
const PROBE = { target: [], name: "nc-notifications:notificationComplete", content: {} };

async function faultsIn(attempt: () => Promise<unknown>): Promise<ManagementFault | undefined> {
  try {
    await attempt();
    return undefined;
  } catch (cause) {
    if (!(cause instanceof Error && "faults" in cause)) throw cause;
    const [found] = (cause as YangError).faults;
    return wrong(
      (found?.errorTag as ManagementFault["errorTag"]) ?? "invalid-value",
      found?.message ?? cause.message,
      "filter",
    );
  }
}

function timeOf(call: Call, name: string): Milliseconds | undefined {
  const text = textOf(call, name);
  return text === undefined ? undefined : milliseconds(Date.parse(text));
}

function wrong(errorTag: ManagementFault["errorTag"], message: string, badElement?: string): ManagementFault {
  return {
    ...{ errorType: "protocol", errorTag, errorSeverity: "error", message },
    ...(badElement === undefined ? {} : { info: { badElement } }),
  };
}
