import { COMMITTING } from "./battery/committing-cases.ts";
import { EDITING } from "./battery/editing-cases.ts";
import { READING } from "./battery/reading-cases.ts";
import type { Case } from "./battery/words.ts";

export { type Case, type Step, subscription } from "./battery/words.ts";

/**
 * The battery: RFC 6241 and its companions as a client sees them. The router has the tenant acme with index 1, and no
 * case leaves anything behind.
 */
export const CASES: readonly Case[] = [...EDITING, ...COMMITTING, ...READING];
