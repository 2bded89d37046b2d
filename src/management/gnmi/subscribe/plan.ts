import { type Milliseconds, milliseconds } from "../../../base/index.ts";
import { depthOf, historyOf, refuseOthers } from "../extensions.ts";
import type { Extension, Subscription, SubscriptionList } from "../messages.ts";
import type { OperationParts } from "../parts.ts";
import { dataPath, type Pattern } from "../paths.ts";
import { GnmiError } from "../status.ts";
import { type ValueEncoding, valueEncoding } from "../values.ts";
import { type HistoryPlan, historyPlan } from "./history-plan.ts";

/** What is done for one path. */
export interface PathPlan {
  readonly pattern: Pattern;
  /** Told of as they happen. */
  readonly onChange: boolean;
  /** Read again and again: everything, or only what does not tell of changes. */
  readonly sample?: {
    readonly of: "all" | "unwatched";
    readonly interval: Milliseconds;
    readonly suppress: boolean;
  };
  /** Everything is told again so often. */
  readonly heartbeat?: Milliseconds;
}

export interface SubscriptionPlan {
  readonly mode: "STREAM" | "ONCE" | "POLL";
  readonly encoding: ValueEncoding;
  readonly updatesOnly: boolean;
  readonly depth: number | undefined;
  readonly paths: readonly PathPlan[];
  /** Present: what was, instead of what is. */
  readonly history?: HistoryPlan;
}

/** Shorter ones would be more work than news. */
const SHORTEST_INTERVAL = milliseconds(100);
/** Where the client leaves it to us. */
const OWN_INTERVAL = milliseconds(1_000);
/** Of counters, for TARGET_DEFINED. */
const COUNTER_INTERVAL = milliseconds(10_000);
const SHORTEST_HEARTBEAT = milliseconds(1_000);
const LONGEST = milliseconds(86_400_000);
/** Subscriptions of one request. */
const MOST_SUBSCRIPTIONS = 1_024;

/**
 * What a client asked for, checked.
 * @throws {GnmiError} INVALID_ARGUMENT, UNIMPLEMENTED
 * @see gNMI specification §3.5.1
 */
export function subscriptionPlan(
  list: SubscriptionList,
  extensions: readonly Extension[],
  parts: OperationParts,
): SubscriptionPlan {
  refuseOthers(extensions, ["depth", "history"]);
  if (list.use_aliases) throw aliases();
  const { mode } = list;
  if (mode !== "STREAM" && mode !== "ONCE" && mode !== "POLL") {
    throw new GnmiError("INVALID_ARGUMENT", `${mode} is no mode of a subscription: STREAM, ONCE, POLL`);
  }
  if (list.subscription.length === 0) throw new GnmiError("INVALID_ARGUMENT", "there is no subscription in the list");
  if (list.subscription.length > MOST_SUBSCRIPTIONS) {
    const message = `${list.subscription.length} subscriptions; ${MOST_SUBSCRIPTIONS} is the most of one request`;
    throw new GnmiError("INVALID_ARGUMENT", message);
  }
  const depth = depthOf(extensions);
  if (depth !== undefined && mode === "STREAM") {
    throw new GnmiError("UNIMPLEMENTED", "the extension depth is for Get and for subscriptions ONCE and POLL");
  }
  const history = historyPlan(historyOf(extensions), mode, parts);
  if (history !== undefined) {
    const paths = list.subscription.flatMap((subscription) => pastPlans(list, subscription, parts));
    return { mode, depth, encoding: valueEncoding(list.encoding), updatesOnly: list.updates_only, paths, history };
  }
  return {
    ...{ mode, depth, encoding: valueEncoding(list.encoding), updatesOnly: list.updates_only },
    paths: list.subscription.flatMap((subscription) => pathPlans(list, mode, subscription, parts)),
  };
}

/** Of the past only the configuration is known. */
function pastPlans(
  { prefix }: SubscriptionList,
  { path, mode }: Subscription,
  { model }: OperationParts,
): readonly PathPlan[] {
  const { patterns, text } = model.paths.read(prefix, path);
  if (mode === "SAMPLE") {
    throw new GnmiError("INVALID_ARGUMENT", `${text}: history tells of each change: ON_CHANGE or TARGET_DEFINED`);
  }
  const configured = patterns.filter((pattern) => pattern.at(-1)?.node.schema.config !== false);
  if (configured.length === 0 && patterns.length > 0) {
    const message = `${text} is state of the router: only the history of its configuration is kept`;
    throw new GnmiError("INVALID_ARGUMENT", message);
  }
  return configured.map((pattern) => ({ pattern, onChange: false }));
}

export const aliases = (): GnmiError =>
  new GnmiError("UNIMPLEMENTED", "aliases are not supported: they are no longer part of gNMI (since 0.8)");

function pathPlans(
  { prefix }: SubscriptionList,
  mode: SubscriptionPlan["mode"],
  subscription: Subscription,
  parts: OperationParts,
): PathPlan[] {
  const { patterns, text } = parts.model.paths.read(prefix, subscription.path);
  if (mode !== "STREAM") return patterns.map((pattern) => ({ pattern, onChange: false }));
  const heartbeat = duration(subscription.heartbeat_interval, SHORTEST_HEARTBEAT, `${text}: heartbeat_interval`);
  const beats = heartbeat === undefined ? {} : { heartbeat };
  return patterns.map((pattern) => {
    const sources = parts.state.find(dataPath(pattern));
    const hasUnwatched = sources.some(({ watch }) => watch === undefined);
    switch (subscription.mode) {
      case "SAMPLE": {
        const interval = duration(subscription.sample_interval, SHORTEST_INTERVAL, `${text}: sample_interval`);
        const suppress = subscription.suppress_redundant;
        return {
          ...{ pattern, onChange: false, ...(suppress ? beats : {}) },
          sample: { of: "all" as const, interval: interval ?? OWN_INTERVAL, suppress },
        };
      }
      case "ON_CHANGE":
      case "TARGET_DEFINED": {
        const isState = pattern.at(-1)?.node.schema.config === false;
        const tells = !isState || sources.some(({ watch }) => watch !== undefined);
        if (subscription.mode === "ON_CHANGE" && !tells && hasUnwatched) {
          throw new GnmiError("INVALID_ARGUMENT", `${text} changes all the time: subscribe to it with SAMPLE`);
        }
        const counters = { of: "unwatched" as const, interval: COUNTER_INTERVAL, suppress: true };
        return { pattern, onChange: true, ...beats, ...(hasUnwatched ? { sample: counters } : {}) };
      }
      default:
        throw new GnmiError("INVALID_ARGUMENT", `${text}: ${subscription.mode} is no mode of a subscription`);
    }
  });
}

/** Of nanoseconds; absent for 0. @throws {GnmiError} INVALID_ARGUMENT for what cannot be kept */
function duration(nanoseconds: string, shortest: Milliseconds, what: string): Milliseconds | undefined {
  const given = BigInt(nanoseconds);
  if (given === 0n) return undefined;
  if (given < BigInt(shortest) * 1_000_000n || given > BigInt(LONGEST) * 1_000_000n) {
    const message = `${what} of ${given} ns: it is from ${shortest} ms to ${LONGEST / 3_600_000} h, or 0`;
    throw new GnmiError("INVALID_ARGUMENT", message);
  }
  return milliseconds(Math.ceil(Number(given) / 1e6));
}
