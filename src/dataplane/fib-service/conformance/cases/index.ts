import type { ConformanceCase } from "../case.ts";
import { FEATURES_HELD } from "./features-held.ts";
import { OPERATIONS } from "./operations.ts";
import { PLANS } from "./plans.ts";
import { SESSIONS } from "./sessions.ts";

/** In the order in which somebody who writes an executor comes by them. */
export const CASES: readonly ConformanceCase[] = [
  ...SESSIONS.first,
  ...OPERATIONS,
  ...PLANS,
  ...SESSIONS.again,
  ...FEATURES_HELD,
];
