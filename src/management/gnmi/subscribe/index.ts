export { ChangeFeed } from "./change-feed.ts";
export { FirstRequest } from "./first-request.ts";
export { Outbox, type OutboxLimits, type Sink } from "./outbox.ts";

export { type SubscribeCall, SubscribeStream } from "./stream.ts";
export type { SubscriberParts } from "./subscriber.ts";
