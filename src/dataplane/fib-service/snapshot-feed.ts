import type { Operation } from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import { operationsOf, wholeOf } from "../plan-operations.ts";

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
const DONE = 6;

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
    this.#operations = operationsOf(tables);
  }

  /** The next piece; shorter than `most` only at the end. */
  next(most: number): readonly Operation[] {
    const piece: Operation[] = [];
    while (piece.length < most) {
      const { value, done } = this.#operations.next();
      this.#phase = done === true ? DONE : PHASE[value.type];
      if (done === true || (value.type === "set-aggregate" && !this.#aggregates)) break;
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
    const before = phase === this.#phase ? wholeOf(this.#tables, operation) : undefined;
    apply();
    if (phase > this.#phase) return [];
    return before === undefined ? [operation] : [before, operation];
  }
}
