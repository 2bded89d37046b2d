import { type Clock, type Milliseconds, milliseconds } from "../../../base/index.ts";
import type { ManagementFault } from "../../datastore/index.ts";
import { eventFilter } from "../event-filter.ts";
import { faulty, OK } from "../reply.ts";
import type { NetconfSession } from "../session.ts";
import type { SubscriptionOptions } from "../subscription.ts";
import { firstElement } from "../xml.ts";
import { type Call, type Operations, textOf } from "./operation.ts";

export interface Subscriber {
  readonly clock: Clock;
  sessionOf(id: number): NetconfSession | undefined;
  subscribe(session: NetconfSession, options: SubscriptionOptions): void;
  moduleOf(namespace: string): string | undefined;
}

/** The one stream that there is. @see RFC 5277 §3.2.3 */
export const STREAM = "NETCONF";

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
    const options = optionsOf(call, subscriber);
    if ("errorTag" in options) return faulty(options);
    subscriber.subscribe(session, options);
    return OK;
  },
});

function optionsOf(call: Call, { clock, moduleOf }: Subscriber): SubscriptionOptions | ManagementFault {
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
  const text = call.request.documents.filter;
  if (text === undefined) return times;
  const type = Object.entries(firstElement(text)?.attributes ?? {}).find(([name]) => /(^|:)type$/.test(name))?.[1];
  if (type !== undefined && type !== "subtree") {
    return wrong("operation-not-supported", `a filter of events is of type subtree, not ${type}`, "filter");
  }
  const filter = eventFilter(text, moduleOf);
  return filter === undefined
    ? wrong("bad-element", "the filter is not XML of at most 1000 elements", "filter")
    : { ...times, filter };
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
