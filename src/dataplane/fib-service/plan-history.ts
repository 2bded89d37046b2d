import type { Moment } from "../../base/index.ts";
import type { NextHopIndex, NextHopState, Operation } from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import { operationsOf } from "../plan-operations.ts";
import { Differences } from "./differences.ts";
import { REFUSAL } from "./messages.ts";
import { type Entry, Outbox } from "./outbox.ts";
import { type Mistake, PlanAudit } from "./plan-audit.ts";
import { SnapshotFeed } from "./snapshot-feed.ts";

/** Operations that are kept for an executor that is away: more, and it gets the whole plan when it is back. */
const KEPT_OPERATIONS = 65_536;
/** Operations that are taken as acknowledged in a turn: one that puts a difference right costs a microsecond or two. */
export const ACKNOWLEDGED_AT_ONCE = 1024;
/** Pieces of a snapshot are fetched when fewer operations than this wait. */
const PIECE = 256;

/** What the executor said about an operation that it did not carry out. */
export interface RefusalOf {
  readonly sequence: number;
  readonly code: number;
  readonly reason: string;
}

export interface Acknowledgement {
  /** Objects that were not known to differ before. */
  readonly refused: readonly { readonly operation: Operation; readonly refusal: RefusalOf }[];
  /** The end of a snapshot is among them. */
  readonly snapshotDone: boolean;
  /** Of the last generation that was completed among them. */
  readonly completed: number | undefined;
}

/**
 * The plan as the router wants it, and how far the executor has it. Pure: sessions take what is to be sent, and bring what was
 * acknowledged. Bounded by the tables, {@link KEPT_OPERATIONS}, and whoever asks {@link waiting} before making more.
 */
export class PlanHistory {
  tables: PlanTables;
  generation = 0;
  /** While a session hands operations over, whoever makes them is held back; else {@link KEPT_OPERATIONS} is the bound. */
  connected = false;
  readonly differences = new Differences();
  readonly #outbox = new Outbox();
  /** Of the plan that the outbox is the history of; `undefined`: the executor gets the whole plan. */
  #planId: Uint8Array | undefined;
  #feed: SnapshotFeed | undefined;
  /** Until the end of a snapshot is acknowledged, what the executor has in effect is another plan. */
  #handsOver = false;
  #aggregates = true;
  #audit: PlanAudit | undefined;
  /** The operation that last said what an index means, and the one that last said its state. */
  readonly #placed = new Map<NextHopIndex, number>();
  readonly #stated = new Map<NextHopIndex, number>();

  constructor(tables: PlanTables) {
    this.tables = tables;
  }

  /** False: this executor has no aggregates, and hears of none. One of another kind than before gets the whole plan. */
  set carriesAggregates(carries: boolean) {
    if (carries === this.#aggregates) return;
    this.#aggregates = carries;
    this.forget();
  }

  /** What a session begins from. */
  get held(): { readonly planId: Uint8Array; readonly sequence: number } {
    return { planId: this.#planId ?? new Uint8Array(), sequence: this.#outbox.acknowledged };
  }

  get planId(): Uint8Array | undefined {
    return this.#planId;
  }

  /** Operations that were made and not sent. */
  get waiting(): number {
    return this.#outbox.waiting;
  }

  get underway(): number {
    return this.#outbox.underway;
  }

  /** True while a plan is handed over from nothing. */
  get inSnapshot(): boolean {
    return this.#handsOver;
  }

  /** True when there is nothing that the executor has not answered. */
  get isSettled(): boolean {
    return this.#planId !== undefined && this.#feed === undefined && this.#outbox.size === 0;
  }

  /** @throws {DataplaneError} as `PlanTables.apply`; the operations before are part of the plan */
  apply(operations: readonly Operation[], generation: number): void {
    const last = operations.findLastIndex((operation) => this.#isHeard(operation));
    for (const [position, operation] of operations.entries()) {
      const completes = position === last;
      this.#audit?.changed(operation);
      const carryOut = (): void => this.tables.apply(operation, position);
      if (this.#planId === undefined || !this.#isHeard(operation)) {
        carryOut();
        continue;
      }
      const told = this.#feed?.changed(operation, carryOut);
      if (told === undefined) {
        carryOut();
        this.#push({ operation, generation, completes });
      } else for (const each of told) this.#push({ operation: each, generation, completes: false });
    }
    this.generation = generation;
    this.#boundHistory();
  }

  /**
   * A state by the fast path. True: it may be said to the executor at once; else it is among the operations, behind others that
   * are about the same next hop, or there is no history.
   * @throws {RangeError} there is no such next hop
   */
  setState(index: NextHopIndex, state: NextHopState): boolean {
    const operation: Operation = { type: "set-next-hop-state", index, state };
    this.#audit?.changed(operation);
    const carryOut = (): void => this.tables.setState(index, state);
    if (this.#planId === undefined) {
      carryOut();
      return false;
    }
    if (this.#feed !== undefined) {
      for (const each of this.#feed.changed(operation, carryOut)) this.#pushNow(each);
      return false;
    }
    carryOut();
    const { sent } = this.#outbox;
    if (this.#handsOver) {
      this.#pushNow(operation);
      return false;
    }
    if (this.connected && (this.#stated.get(index) ?? 0) <= sent) return true;
    this.#pushNow(operation);
    return this.connected && state === "down" && (this.#placed.get(index) ?? 0) <= sent;
  }

  /** A state that was said by the fast path, and perhaps not heard. */
  repeatState(index: NextHopIndex): void {
    const planned = this.tables.plannedNextHop(index);
    if (planned === undefined || this.#planId === undefined) return;
    this.#pushNow({ type: "set-next-hop-state", index, state: planned.state });
  }

  /** The plan in force is the executor's own, as it was read: the history goes on from there. */
  adopt(tables: PlanTables, planId: Uint8Array, sequence: number, generation: number): void {
    this.tables = tables;
    this.generation = generation;
    this.#begin(planId, sequence);
  }

  /** From now on the executor gets the whole plan, as another one. */
  beginSnapshot(planId: Uint8Array): void {
    this.#begin(planId, 0);
    this.#feed = new SnapshotFeed(this.tables, { aggregates: this.#aggregates });
    this.#handsOver = true;
  }

  #begin(planId: Uint8Array, sequence: number): void {
    this.#planId = planId.slice();
    this.#outbox.restart(sequence);
    this.differences.clear();
    this.#placed.clear();
    this.#stated.clear();
    this.#feed = undefined;
    this.#handsOver = false;
    this.#audit = undefined;
  }

  /** Sends what is different once more. */
  retry(): void {
    for (const operation of this.differences.retry(this.tables)) this.#pushNow(operation);
  }

  /** Begins to look through what the executor holds, once it has answered everything. `undefined`: it has not. */
  beginAudit(): PlanAudit | undefined {
    this.#audit = this.isSettled ? new PlanAudit(this.tables) : undefined;
    return this.#audit;
  }

  /** Everything that the executor should hold, as operations from nothing. */
  whole(): Iterable<Operation> {
    return Iterator.from(operationsOf(this.tables)).filter((operation) => this.#isHeard(operation));
  }

  /** What was found counts as refused; those objects that were not known to differ before. None when another plan has begun meanwhile. */
  endAudit(audit: PlanAudit, now: Moment): readonly Mistake[] {
    if (this.#audit !== audit) return [];
    this.#audit = undefined;
    return audit.mistakes.filter(({ operation, reason }) =>
      this.differences.refused(operation, { code: REFUSAL.internal, reason }, now),
    );
  }

  /**
   * A session begins, and the executor has come so far. Handed out in parts, as it may have come far: what each of them says. Operations
   * may be made in between. The answer is false where it has to get the whole plan.
   */
  *resume(
    sequence: number,
    refusals: readonly RefusalOf[],
    now: Moment,
    atOnce = ACKNOWLEDGED_AT_ONCE,
  ): Generator<Acknowledgement, boolean> {
    const planId = this.#planId;
    const { acknowledged: from, sent } = this.#outbox;
    if (planId === undefined || sequence < from || sequence > sent) return false;
    const isBehind = (refusal: RefusalOf): boolean => refusal.sequence > from && refusal.sequence <= sequence;
    if (sequence > from && !refusals.every(isBehind)) return false;
    let left = refusals;
    while (this.#outbox.acknowledged < sequence) {
      const through = Math.min(sequence, this.#outbox.acknowledged + atOnce);
      const those = left.filter((refusal) => refusal.sequence <= through);
      if (those.length > 0) left = left.filter((refusal) => refusal.sequence > through);
      const news = this.acknowledge(through, those, now);
      if (typeof news === "string") return false;
      yield news;
      // Too much was made meanwhile
      if (this.#planId !== planId) return false;
    }
    this.#outbox.resume(sequence);
    return true;
  }

  /** The session ended. */
  disconnected(): void {
    this.connected = false;
    this.#audit = undefined;
    // What was handed over of a snapshot counts for nothing.
    if (this.#feed !== undefined) this.forget();
    this.#boundHistory();
  }

  /** Nothing is known of what the executor has. */
  forget(): void {
    this.#planId = undefined;
    this.#feed = undefined;
    this.#handsOver = false;
    this.#outbox.restart(0);
  }

  /** What to send next, at most `most` operations. */
  take(most: number): { readonly first: number; readonly entries: readonly Entry[] } | undefined {
    while (this.#feed !== undefined && this.#outbox.waiting < Math.min(most, PIECE)) {
      const piece = this.#feed.next(PIECE);
      for (const operation of piece) this.#pushNow(operation);
      if (piece.length === PIECE) continue;
      this.#feed = undefined;
      this.#push({ operation: "snapshot-end", generation: this.generation, completes: true });
    }
    return this.#outbox.take(Math.min(most, PIECE));
  }

  /** @returns one sentence why the session cannot go on, where it is so. */
  acknowledge(through: number, refusals: readonly RefusalOf[], now: Moment): Acknowledgement | string {
    const from = this.#outbox.acknowledged;
    if (!(through > from && through <= this.#outbox.sent))
      return `operation ${through} was acknowledged: those up to ${from} were before, and those up to ${this.#outbox.sent} were sent`;
    const bySequence = new Map(refusals.map((refusal) => [refusal.sequence, refusal]));
    for (const sequence of bySequence.keys())
      if (!(sequence > from && sequence <= through))
        return `operation ${sequence} was refused in an acknowledgement of ${from + 1} to ${through}`;
    const refused: Acknowledgement["refused"][number][] = [];
    let snapshotDone = false;
    let completed: number | undefined;
    for (let sequence = from + 1; sequence <= through; sequence++) {
      const { operation, generation, completes } = this.#outbox.at(sequence)!;
      const refusal = bySequence.get(sequence);
      if (completes) completed = generation;
      if (operation === "snapshot-end") {
        if (refusal !== undefined) return `the whole plan was refused: ${refusal.reason}`;
        snapshotDone = true;
        this.#handsOver = false;
      } else if (refusal === undefined) this.differences.done(operation);
      else if (this.differences.refused(operation, refusal, now)) refused.push({ operation, refusal });
    }
    this.#outbox.acknowledge(through);
    return { refused, snapshotDone, completed };
  }

  #isHeard({ type }: Operation): boolean {
    return this.#aggregates || (type !== "set-aggregate" && type !== "remove-aggregate");
  }

  #pushNow(operation: Operation): void {
    this.#push({ operation, generation: this.generation, completes: false });
  }

  #push(entry: Entry): void {
    const sequence = this.#outbox.push(entry);
    const { operation } = entry;
    if (operation === "snapshot-end") return;
    if (operation.type === "set-next-hop" || operation.type === "remove-next-hop")
      this.#placed.set(operation.index, sequence);
    if (operation.type === "set-next-hop-state" || this.#placed.get(indexOf(operation)) === sequence)
      this.#stated.set(indexOf(operation), sequence);
  }

  #boundHistory(): void {
    if (!this.connected && this.#outbox.size > KEPT_OPERATIONS) this.forget();
  }
}

function indexOf(operation: Operation): NextHopIndex {
  return "index" in operation ? operation.index : 0;
}
