import type { Clock, Milliseconds } from "../base/index.ts";
import type { CountedRows, DataplaneCounters, DataplaneDriver } from "../dataplane/index.ts";
import type { Operation } from "../forwarding/index.ts";
import { COUNTER_PARTS, type CounterPart } from "../management/index.ts";

/** What counts, and what of its plan the counters are of. */
export type CountingPlane = Pick<DataplaneDriver, "name" | "plan" | "counters">;

const MEMBERS = {
  verdicts: ["verdicts", "edge"],
  "next-hops": ["nextHops"],
  tenants: ["tenants"],
  capabilities: ["policies"],
  tags: ["tags"],
} as const satisfies Record<CounterPart, readonly (keyof DataplaneCounters)[]>;

type Counts = Readonly<Record<string, bigint>>;

/**
 * The counters of the data plane as operators see them: since they were last reset. What the tables count goes on, so that
 * metrics, passive health and flow records never meet a counter that went back. Kept in memory: after a restart the
 * counters are those of the tables again, and the discontinuity is the start.
 */
export class CounterBook implements CountingPlane {
  readonly #driver: DataplaneDriver;
  readonly #clock: Clock;
  /** What had been counted at the last reset, by member. */
  readonly #before = new Map<keyof DataplaneCounters, Rows>();
  #discontinuity: Milliseconds;

  constructor(driver: DataplaneDriver, clock: Clock) {
    this.#driver = driver;
    this.#clock = clock;
    this.#discontinuity = clock.wall();
  }

  get name(): DataplaneDriver["name"] {
    return this.#driver.name;
  }

  get plan(): DataplaneDriver["plan"] {
    return this.#driver.plan;
  }

  /** When one of the counters last began anew: wall clock. @see RFC 8343 §5, "discontinuity-time" */
  get discontinuity(): Milliseconds {
    return this.#discontinuity;
  }

  counters(): DataplaneCounters {
    const counted = this.#driver.counters();
    if (this.#before.size === 0) return counted;
    const shown = {};
    for (const member of Object.values(MEMBERS).flat())
      if (member in counted) Object.defineProperty(shown, member, { get: () => this.#since(member, counted[member]) });
    return shown as DataplaneCounters;
  }

  /** These count from zero from now on. Returns when that is. */
  reset(what: readonly CounterPart[] = COUNTER_PARTS): Milliseconds {
    const counted = this.#driver.counters();
    for (const member of what.flatMap((part) => MEMBERS[part])) {
      const entries = counted[member] as CountedRows<unknown, bigint | Counts> | undefined;
      entries?.hold?.();
      if (entries !== undefined) this.#before.set(member, { entries, anew: new Set() });
    }
    this.#discontinuity = this.#clock.wall();
    return this.#discontinuity;
  }

  /** What left the plan counts anew when its number is given again. */
  carriedOut(operations: readonly Operation[]): void {
    if (this.#before.size === 0) return;
    for (const operation of operations) {
      if (operation.type === "remove-next-hop") this.#before.get("nextHops")?.anew.add(operation.index);
      if (operation.type === "remove-policy") this.#before.get("policies")?.anew.add(operation.index);
    }
  }

  #since(member: keyof DataplaneCounters, entries: DataplaneCounters[keyof DataplaneCounters]) {
    const before = this.#before.get(member);
    if (before === undefined || entries === undefined) return entries;
    return new RowsSince(entries as ReadonlyMap<unknown, bigint | Counts>, before, () => {
      this.#discontinuity = this.#clock.wall();
    });
  }
}

/** What had been counted at a reset; `anew`: keys whose tables have begun anew since. */
interface Rows {
  readonly entries: ReadonlyMap<unknown, bigint | Counts>;
  readonly anew: Set<unknown>;
}

/** Rows less what they were before, each when it is looked at: there may be ten thousand. */
class RowsSince implements ReadonlyMap<unknown, bigint | Counts> {
  readonly #now: ReadonlyMap<unknown, bigint | Counts>;
  readonly #before: Rows;
  readonly #beganAnew: () => void;

  constructor(now: ReadonlyMap<unknown, bigint | Counts>, before: Rows, beganAnew: () => void) {
    this.#now = now;
    this.#before = before;
    this.#beganAnew = beganAnew;
  }

  get size(): number {
    return this.#now.size;
  }

  has(key: unknown): boolean {
    return this.#now.has(key);
  }

  get(key: unknown): bigint | Counts | undefined {
    const now = this.#now.get(key);
    return now === undefined ? undefined : this.#since(key, now);
  }

  keys(): MapIterator<unknown> {
    return this.#now.keys();
  }

  *entries(): MapIterator<[unknown, bigint | Counts]> {
    for (const [key, now] of this.#now) yield [key, this.#since(key, now)];
  }

  *values(): MapIterator<bigint | Counts> {
    for (const [, count] of this.entries()) yield count;
  }

  [Symbol.iterator](): MapIterator<[unknown, bigint | Counts]> {
    return this.entries();
  }

  forEach(each: (row: bigint | Counts, key: unknown, all: ReadonlyMap<unknown, bigint | Counts>) => void): void {
    for (const [key, row] of this) each(row, key, this);
  }

  #since(key: unknown, now: bigint | Counts): bigint | Counts {
    const { entries, anew } = this.#before;
    const base = anew.has(key) ? undefined : entries.get(key);
    if (base === undefined) return now;
    if (!wentBack(base, now)) return difference(base, now);
    // The tables began anew themselves
    anew.add(key);
    this.#beganAnew();
    return now;
  }
}

function wentBack(base: bigint | Counts, now: bigint | Counts): boolean {
  if (typeof base === "bigint" || typeof now === "bigint") return now < base;
  return Object.entries(base).some(([name, count]) => (now[name] ?? 0n) < count);
}

function difference(base: bigint | Counts, now: bigint | Counts): bigint | Counts {
  if (typeof base === "bigint" || typeof now === "bigint") return (now as bigint) - (base as bigint);
  return Object.fromEntries(Object.entries(now).map(([name, count]) => [name, count - (base[name] ?? 0n)]));
}
