export * from "./configuration-events.ts";
export * from "./event-log.ts";
