import type { Operation } from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";

const PHASE: Readonly<Record<Operation["type"], number>> = {
  "set-node": 0,
  "remove-node": 0,
  "set-next-hop": 1,
  "set-next-hop-state": 1,
  "set-encapsulation": 1,
  "remove-next-hop": 1,
  "set-slots": 2,
  "remove-group": 2,
  "set-policy": 3,
  "remove-policy": 3,
  "set-capability": 4,
  "remove-capability": 4,
  "set-aggregate": 5,
  "remove-aggregate": 5,
};

/**
 * Everything in the tables as operations from nothing, a piece at a time, while the tables go on changing: nodes, next hops, groups,
 * policies, capabilities, aggregates. A change to what has not been handed out yet is seen when its turn comes; one to what has been is handed
 * out with {@link changed}. So after the last piece the receiver has what the tables have, and no operation names anything that it lacks.
 */
export class SnapshotFeed {
  readonly #tables: PlanTables;
  readonly #aggregates: boolean;
  readonly #operations: Iterator<Operation>;
  #phase = 0;

  /** @param aggregates false: the receiver has no room for any. */
  constructor(tables: PlanTables, { aggregates }: { readonly aggregates: boolean }) {
    this.#tables = tables;
    this.#aggregates = aggregates;
    this.#operations = this.#all();
  }

  /** The next piece; shorter than `most` only at the end. */
  next(most: number): readonly Operation[] {
    const piece: Operation[] = [];
    while (piece.length < most) {
      const { value, done } = this.#operations.next();
      if (done === true) break;
      piece.push(value);
    }
    return piece;
  }

  /** Carries a change of the tables out with `apply`, and says what of it the receiver must be told. */
  changed(operation: Operation, apply: () => void): readonly Operation[] {
    const phase = PHASE[operation.type];
    if (phase < this.#phase) {
      apply();
      return [operation];
    }
    // Perhaps not handed out yet: what it changes comes first.
    const before = phase === this.#phase ? this.#tables.whole(operation) : undefined;
    apply();
    if (phase > this.#phase) return [];
    return before === undefined ? [operation] : [before, operation];
  }

  /** All at once, for one who bears changes in between. */
  get all(): Iterable<Operation> {
    return this.#all();
  }

  *#all(): Generator<Operation> {
    const tables = this.#tables;
    for (const node of tables.nodes()) yield { type: "set-node", ...node };
    this.#phase = 1;
    for (const [index, planned] of tables.plannedNextHops()) yield { type: "set-next-hop", index, ...planned };
    this.#phase = 2;
    for (const [group, { slots, backup }] of tables.plannedGroups()) yield { type: "set-slots", group, slots, backup };
    this.#phase = 3;
    for (const [index, policy] of tables.plannedPolicies()) yield { type: "set-policy", index, policy };
    this.#phase = 4;
    for (const entry of tables.plannedCapabilities()) yield { type: "set-capability", entry };
    this.#phase = 5;
    if (this.#aggregates)
      for (const aggregate of tables.plannedAggregates()) yield { type: "set-aggregate", aggregate };
    this.#phase = 6;
  }
}
