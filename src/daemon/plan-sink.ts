import type { DataplaneDriver } from "../dataplane/index.ts";
import type { CapabilityBatch, GroupRun, Operation, OperationSink } from "../forwarding/index.ts";
import { movesTunnels } from "./bfd.ts";
import type { CounterBook } from "./counter-book.ts";

export interface PlanSinkParts {
  readonly driver: DataplaneDriver;
  readonly counters: CounterBook;
  /** Called when operations have changed which tunnel is where. */
  readonly tunnelsMoved: () => void;
}

/** Where the plan goes: the data plane's tables, and those who go by what is in them. */
export class PlanSink implements OperationSink {
  readonly fill?: (batch: CapabilityBatch, generation: number) => void;
  readonly setGroups?: (run: GroupRun, generation: number) => void;
  /** Of the plan in force. */
  generation = 0;
  /** Called after each change of the tables. Absent until somebody can be told. */
  changed: (() => void) | undefined;
  readonly #parts: PlanSinkParts;

  constructor(parts: PlanSinkParts) {
    const { driver } = parts;
    this.#parts = parts;
    // Neither moves a tunnel or frees an index.
    if (driver.fill) {
      this.fill = (batch, generation) => {
        driver.fill!(batch, generation);
        this.#inForce(generation);
      };
    }
    if (driver.setGroups) {
      this.setGroups = (run, generation) => {
        driver.setGroups!(run, generation);
        this.#inForce(generation);
      };
    }
  }

  apply(operations: readonly Operation[], generation: number): void {
    const { driver, counters, tunnelsMoved } = this.#parts;
    const moves = movesTunnels(driver, operations);
    driver.apply(operations, generation);
    counters.carriedOut(operations);
    if (moves) tunnelsMoved();
    this.#inForce(generation);
  }

  get isFull(): boolean {
    return this.#parts.driver.isFull === true;
  }

  whenRoom(resume: () => void): void {
    this.#parts.driver.whenRoom?.(resume);
  }

  #inForce(generation: number): void {
    this.generation = generation;
    this.changed?.();
  }
}
