import type { Clock, Milliseconds } from "../base/index.ts";

type Counts = Readonly<Record<string, number | bigint | undefined>>;

/** Counters of one thing: those that `counts` has, since they were last reset. */
export interface SinceReset<C extends Counts> {
  readonly counts: C;
  /** When one of them last began anew. @see RFC 8343 §5, "discontinuity-time" */
  readonly discontinuity: Milliseconds;
}

/**
 * Counters of many things, by name, as operators see them: since they were last reset. What is counted goes on, so that metrics and
 * whoever else reckons with it never meet a counter that went back. What is gone is forgotten; what has begun anew by itself is shown
 * from then on. In memory: after a restart the counters are those of the parts.
 */
export class ResetCounters<C extends Counts> {
  readonly #clock: Clock;
  readonly #begun: Milliseconds;
  readonly #known = new Map<string, { base: C | undefined; last: C; since: Milliseconds }>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begun = clock.wall();
  }

  /** Of all things that there are, in their order: one that is missing when all have been taken is forgotten. */
  *view<T>(things: Iterable<T>, name: (thing: T) => string, counted: (thing: T) => C): Generator<[T, SinceReset<C>]> {
    const seen = new Set<string>();
    for (const thing of things) {
      const key = name(thing);
      seen.add(key);
      yield [thing, this.#since(key, counted(thing))];
    }
    for (const key of this.#known.keys()) if (!seen.has(key)) this.#known.delete(key);
  }

  /** These begin at zero. Gives when. */
  reset(entries: Iterable<readonly [name: string, counts: C]>): Milliseconds {
    const since = this.#clock.wall();
    for (const [name, counts] of entries) this.#known.set(name, { base: counts, last: counts, since });
    return since;
  }

  #since(name: string, now: C): SinceReset<C> {
    const known = this.#known.get(name) ?? { base: undefined, last: now, since: this.#begun };
    if (wentBack(known.last, now)) {
      known.base = undefined;
      known.since = this.#clock.wall();
    }
    known.last = now;
    this.#known.set(name, known);
    return { counts: known.base === undefined ? now : difference(now, known.base), discontinuity: known.since };
  }
}

const wentBack = (last: Counts, now: Counts): boolean =>
  Object.entries(last).some(([name, count]) => count !== undefined && (now[name] ?? count) < count);

function difference<C extends Counts>(now: C, base: C): C {
  const entries = Object.entries(now).map(([name, count]) => {
    const before = base[name];
    if (count === undefined || before === undefined) return [name, count];
    return [name, typeof count === "bigint" ? count - BigInt(before) : count - Number(before)];
  });
  return Object.fromEntries(entries) as C;
}
