import type { Clock } from "../base/index.ts";
import type { AggregateBook } from "./aggregate-book.ts";
import type { EntryTable } from "./entry-table.ts";
import type { GroupTable } from "./group-table.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import type { NodeBook } from "./node-book.ts";
import type { OperationBatch } from "./operation-batch.ts";
import type { OperationSink } from "./plan.ts";
import type { PolicyBook } from "./policy-book.ts";
import type { Reports } from "./reports.ts";

/** Of a kind that the end of a step takes away, or adds: many may be left at once, as when adoption is over. */
const MOST_AT_END = 128;
/** Aggregates, each of which may be a new group. */
const MOST_COMPARED = 64;

export interface StepEndParts {
  readonly clock: Clock;
  readonly sink: OperationSink;
  readonly batch: OperationBatch;
  readonly reports: Reports;
  readonly entries: EntryTable;
  readonly groups: GroupTable;
  readonly nextHops: NextHopTable;
  readonly nodes: NodeBook;
  readonly policies: PolicyBook;
  readonly aggregates: AggregateBook;
}

/** What is done at the end of each step: tables are compared, what nobody uses goes, and the operations are handed over. */
export class StepEnd {
  readonly #parts: StepEndParts;
  /** Of the plan that the sink has. */
  generation = 0;
  /** Nothing that an earlier process has left is removed or emptied yet. */
  keepsAll = false;

  constructor(parts: StepEndParts) {
    this.#parts = parts;
  }

  /** What was too much for the end of one step: it goes on with the next. */
  get isLeft(): boolean {
    const { aggregates, groups, nextHops, nodes, policies } = this.#parts;
    if (nodes.isBehind) return true;
    if (this.keepsAll) return false;
    return [policies, groups, nextHops].some(({ hasUnused }) => hasUnused) || aggregates.hasChanged;
  }

  carryOut(): void {
    const { aggregates, batch, clock, entries, groups, nextHops, nodes, policies, reports, sink } = this.#parts;
    const keepsAll = this.keepsAll;
    if (!keepsAll) aggregates.compare(MOST_COMPARED);
    entries.compare();
    groups.endStep();
    nodes.compare({ keepOthers: keepsAll, most: MOST_AT_END });
    policies.removeLeaving(MOST_AT_END);
    if (!keepsAll) {
      policies.removeUnused(MOST_AT_END);
      groups.removeUnused(MOST_AT_END);
      nextHops.removeUnused(clock.monotonic(), MOST_AT_END);
    }
    reports.sizes(entries.installed, groups.size, nextHops.size);
    if (batch.isEmpty) return;
    this.generation++;
    reports.operations(batch.size);
    batch.carryOut(sink, this.generation);
  }
}
