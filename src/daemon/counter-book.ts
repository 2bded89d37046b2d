import type { Clock, Milliseconds } from "../base/index.ts";
import type { DataplaneCounters, DataplaneDriver } from "../dataplane/index.ts";
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
  /** What had been counted at the last reset, by member and entry. */
  readonly #before = new Map<keyof DataplaneCounters, Map<unknown, bigint | Counts>>();
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
    const shown = Object.entries(counted).map(([member, entries]) => [
      member,
      this.#since(member as keyof DataplaneCounters, entries as ReadonlyMap<unknown, bigint | Counts>),
    ]);
    return Object.fromEntries(shown) as DataplaneCounters;
  }

  /** These count from zero from now on. Returns when that is. */
  reset(what: readonly CounterPart[] = COUNTER_PARTS): Milliseconds {
    const counted = this.#driver.counters();
    for (const member of what.flatMap((part) => MEMBERS[part])) {
      const entries = counted[member] as ReadonlyMap<unknown, bigint | Counts> | undefined;
      if (entries !== undefined) this.#before.set(member, new Map(entries));
    }
    this.#discontinuity = this.#clock.wall();
    return this.#discontinuity;
  }

  /** What left the plan counts anew when its number is given again. */
  carriedOut(operations: readonly Operation[]): void {
    if (this.#before.size === 0) return;
    for (const operation of operations) {
      if (operation.type === "remove-next-hop") this.#before.get("nextHops")?.delete(operation.index);
      if (operation.type === "remove-policy") this.#before.get("policies")?.delete(operation.index);
    }
  }

  #since(member: keyof DataplaneCounters, entries: ReadonlyMap<unknown, bigint | Counts>) {
    const before = this.#before.get(member);
    if (before === undefined) return entries;
    return new Map(
      Array.from(entries, ([key, now]) => {
        const base = before.get(key);
        if (base === undefined) return [key, now];
        if (!wentBack(base, now)) return [key, difference(base, now)];
        // The tables began anew themselves
        before.delete(key);
        this.#discontinuity = this.#clock.wall();
        return [key, now];
      }),
    );
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
