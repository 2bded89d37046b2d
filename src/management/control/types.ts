/**
 * What the control socket says: plain JSON values, so that a program in any language can read them.
 *
 * Addresses are canonical text, octet counts and packet counts are decimal strings (they may exceed 2^53), ages are in
 * seconds. A member that does not apply is absent.
 */

export type * from "./monitoring-rows.ts";
export type * from "./reports.ts";
export type * from "./rows.ts";
export type { SchemaNodeReport, SchemaPart, SchemaReport } from "./schema-report.ts";
