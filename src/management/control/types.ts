/**
 * What the control socket says: plain JSON values, so that a program in any language can read them.
 *
 * Addresses are canonical text, octet counts and packet counts are decimal strings (they may exceed 2^53), ages are in
 * seconds. A member that does not apply is absent. A list has one row for each thing that the router knows.
 */

export type * from "./agent-rows.ts";
export type * from "./alarm-rows.ts";
export type * from "./counters.ts";
export type * from "./explain-report.ts";
export type * from "./forwarding-rows.ts";
export type * from "./monitoring-rows.ts";
export type * from "./peer-rows.ts";
export type * from "./reports.ts";
export type * from "./route-rows.ts";
export type { SchemaNodeReport, SchemaPart, SchemaReport } from "./schema-report.ts";
