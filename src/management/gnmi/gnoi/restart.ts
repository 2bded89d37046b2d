import type { Milliseconds } from "../../../base/index.ts";

/** How gNOI says that the router is to be restarted: all mean the same here. */
export type RestartMethod = "COLD" | "WARM" | "NSF";

export interface RestartOrder {
  readonly method: RestartMethod;
  /** For people. */
  readonly reason: string;
  /** Who has ordered it. */
  readonly user: string;
}

/** The restart of the router's process, which outlives the server that it is ordered by. */
export interface RestartControl {
  /** One that is going to happen. `at`: wall clock. */
  readonly pending: (RestartOrder & { readonly at: Milliseconds }) | undefined;
  /** How often this process has restarted itself, and for what the last time. */
  readonly count: number;
  readonly last: RestartOrder | undefined;
  /** Why not: one is pending, or, without `force`, the router would not come back as it is. Absent if it happens. */
  order(
    order: RestartOrder,
    options: { readonly after: Milliseconds; readonly force: boolean },
  ): Promise<string | undefined>;
  /** Whether there was one. */
  cancel(): boolean;
}
