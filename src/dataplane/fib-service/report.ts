import type { Moment } from "../../base/index.ts";
import type { Difference } from "./differences.ts";

/**
 * `connecting`: there is no session, and the executor works on with what it has. `waiting`: it holds the plan of an earlier process, and
 * gets ours when routes and agents are known. `handing-over`: it gets the whole plan. `behind`: operations are underway. `differs`: it
 * refused some. `in-step`: it has the plan.
 */
export type ExecutorState = "connecting" | "waiting" | "handing-over" | "behind" | "differs" | "in-step";

/** How it stands with an executor that somebody else made. */
export interface ExecutorReport {
  readonly address: string;
  readonly state: ExecutorState;
  /** As it calls itself; absent before the first session. */
  readonly product?: string;
  /** Since when there has been a session, or none. */
  readonly since: Moment;
  /** The last plan that it has as a whole. */
  readonly generation: number;
  /** Operations that it has not acknowledged. */
  readonly pending: number;
  /** What it has not as the plan says; at most the first 32 of {@link differences}. */
  readonly refused: readonly Difference[];
  readonly differences: number;
  /** Next hops that it found unreachable by itself. */
  readonly unreachable: readonly { readonly nextHop: number; readonly reason: string }[];
  /** Sessions since the start, and how often the whole plan was handed over. */
  readonly sessions: number;
  readonly handovers: number;
  /** Why the last session ended, or there is none. */
  readonly lastError?: string;
}
