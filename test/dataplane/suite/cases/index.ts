import type { CaseGroup } from "../case.ts";
import { AFFINITY } from "./affinity.ts";
import { AGGREGATES } from "./aggregates.ts";
import { ENCAPSULATION } from "./encapsulation.ts";
import { DRAIN, EMPTY, FAILOVER } from "./failure.ts";
import { POLICY } from "./policy.ts";
import { COUNTERS, RESTART } from "./restart.ts";
import { SIZE } from "./size.ts";
import { WRAPPING } from "./wrapping.ts";

/** All of the suite, in the order of the matrix. */
export const GROUPS: readonly CaseGroup[] = [
  ...[ENCAPSULATION, WRAPPING, POLICY, AGGREGATES, AFFINITY, DRAIN, FAILOVER, SIZE, EMPTY, RESTART, COUNTERS],
];
