import type { EventLog, Path } from "../../management/index.ts";

/** Tells of one event of `semrd-events`; the content is RFC 7951 JSON. */
export type Publish = (name: string, content: Readonly<Record<string, unknown>>) => void;

/** Events are kept by the ten thousand: what all have in common is there once. */
const TOP: Path = [];

export const publisher =
  (log: EventLog): Publish =>
  (name, content) =>
    log.publish({ name: `semrd-events:${name}`, target: TOP, content });
