import { sameValue } from "../../base/index.ts";
import { GROUP_SLOTS, type Operation, type SlotOwner } from "../../forwarding/index.ts";
import type { PlanTables } from "../memory/plan-tables.ts";
import { wholeOf } from "../plan-operations.ts";
import { type ObjectKind, objectOf, removalOf } from "./differences.ts";

/** An object that an executor has not as it acknowledged it. */
export interface Mistake {
  /** That makes it what it should be, or takes it away. */
  readonly operation: Operation;
  readonly reason: string;
}

const IS_ANOTHER = "it acknowledged this, and holds something else";
const IS_MISSING = "it acknowledged this, and does not hold it";
const IS_STRAY = "it acknowledged that this is gone, and holds it";

/**
 * Looks through what an executor says it holds, object by object as it comes, while the plan goes on changing: what changes meanwhile is
 * nobody's mistake. Holds a key for each object until it is done.
 */
export class PlanAudit {
  readonly #tables: PlanTables;
  readonly #seen = new Set<string>();
  readonly #changed = new Set<string>();
  readonly mistakes: Mistake[] = [];

  constructor(tables: PlanTables) {
    this.#tables = tables;
  }

  /** The plan says something else of it from now on. */
  changed(operation: Operation): void {
    this.#changed.add(keyOf(operation));
  }

  /** What the executor holds, as the operation that makes it. */
  take(held: Operation): void {
    const key = keyOf(held);
    this.#seen.add(key);
    if (this.#changed.has(key)) return;
    const wanted = wholeOf(this.#tables, held);
    if (wanted === undefined) this.mistakes.push({ operation: removalOf(held), reason: IS_STRAY });
    else if (!sameValue(comparable(wanted), comparable(held)))
      this.mistakes.push({ operation: wanted, reason: IS_ANOTHER });
  }

  /** Behind the last that it holds, for each of the plan's. */
  missing(wanted: Operation): void {
    const key = keyOf(wanted);
    if (!this.#seen.has(key) && !this.#changed.has(key)) this.mistakes.push({ operation: wanted, reason: IS_MISSING });
  }
}

const HOPS: ReadonlySet<ObjectKind> = new Set(["next-hop", "encapsulation"]);

/** A next hop and its encapsulation are one object here. */
function keyOf(operation: Operation): string {
  const { kind, key } = objectOf(operation);
  return HOPS.has(kind) && "index" in operation ? `h${operation.index}` : key;
}

/** Slots that nobody owns need not be named. */
function comparable(operation: Operation): unknown {
  if (operation.type !== "set-slots") return operation;
  const slots = Array.from({ length: GROUP_SLOTS }, (_, slot): SlotOwner => ({ slot, current: 0, previous: 0 }));
  for (const owner of operation.slots) slots[owner.slot] = owner;
  return { ...operation, slots };
}
