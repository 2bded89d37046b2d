import type { EventLog } from "../../management/index.ts";

/** Tells of one event of `semrd-events`; the content is RFC 7951 JSON. */
export type Publish = (name: string, content: Readonly<Record<string, unknown>>) => void;

export const publisher =
  (log: EventLog): Publish =>
  (name, content) =>
    log.publish({ name: `semrd-events:${name}`, target: [], content });
