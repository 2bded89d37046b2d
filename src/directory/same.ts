import type { HealthCheck, Instance, Source } from "./types.ts";

/** A source may replace what one of its own or a lower rank said about an agent. */
export const SOURCE_RANK: Readonly<Record<Source, number>> = { registration: 0, command: 1, configuration: 2 };

/** Whether two records of one instance differ in nothing but the lease: its renewal is not worth telling anybody. */
export function sameButLease(a: Instance, b: Instance): boolean {
  return (
    a.tenant === b.tenant &&
    a.source === b.source &&
    a.version.minor === b.version.minor &&
    a.servicePort === b.servicePort &&
    a.weight === b.weight &&
    a.stale === b.stale &&
    a.adminState === b.adminState &&
    a.drainDeadline === b.drainDeadline &&
    a.health === b.health &&
    a.labels.length === b.labels.length &&
    a.labels.every((label, i) => label === b.labels[i]) &&
    sameCheck(a.check, b.check)
  );
}

/** Whether two health checks ask for the same, so that one that runs may go on. */
export function sameCheck(a: HealthCheck | undefined, b: HealthCheck | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.type === b.type &&
    a.interval === b.interval &&
    a.timeout === b.timeout &&
    a.fall === b.fall &&
    a.rise === b.rise &&
    (a.type === "http" ? a.path : "") === (b.type === "http" ? b.path : "")
  );
}
