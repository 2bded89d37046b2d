/** What the data plane counted of an instance, from its start on. */
export interface Outcomes {
  /** Flows that were begun with it. */
  readonly flows: bigint;
  /** TCP connections that it took. */
  readonly answered: bigint;
  /** Connections that it reset instead, and flows that were answered with "unreachable". */
  readonly refused: bigint;
}

export interface JudgeOptions {
  /** So many failures one after the other, and nothing that worked in between, take an instance out. */
  readonly failures: number;
  /** For so long it is out for the first time, twice as long each time after. Milliseconds. */
  readonly rest: number;
}

/** Twice as long at most so often. */
const MOST_DOUBLINGS = 6;
/** A connection that has no answer by the look after the next one is a failure. TCP sends its SYN again after a second. */
const ANSWERED_WITHIN = 3_000;

interface Judged {
  seen: Outcomes;
  /** Failures without anything between them that worked. */
  row: number;
  /** Flows that were begun and have neither been answered nor refused, by when they were seen. */
  waiting: { readonly since: number; count: bigint }[];
  out: boolean;
  until: number;
  times: number;
}

export type Judgement =
  | { readonly type: "out"; readonly reason: string; readonly rest: number }
  | { readonly type: "in" };

/**
 * Passive health: an instance that only refuses, or does not answer, is taken out for a while, and then tried with one
 * failure to spare. What works once forgives all; the longer rest is forgotten after as long a time that went well. Pure
 * but for what it remembers; time is given to it.
 */
export class OutcomeJudge {
  readonly #judged = new Map<string, Judged>();
  options: JudgeOptions;

  constructor(options: JudgeOptions) {
    this.options = options;
  }

  /** `answers`: they are counted (TCP), so that silence is a failure. `mayGo`: asked before one is taken out. */
  judge(
    id: string,
    outcomes: Outcomes,
    how: { readonly answers: boolean; readonly mayGo: () => boolean },
    now: number,
  ): Judgement | undefined {
    const known = this.#judged.get(id);
    if (known === undefined || outcomes.flows < known.seen.flows) {
      this.#judged.set(id, { seen: outcomes, row: 0, waiting: [], out: false, until: 0, times: 0 });
      return undefined;
    }
    const [begun, answered, refused] = [
      outcomes.flows - known.seen.flows,
      outcomes.answered - known.seen.answered,
      outcomes.refused - known.seen.refused,
    ];
    known.seen = outcomes;
    if (known.out) return this.#rested(known, now);
    const silent = how.answers ? this.#silent(known, begun, answered + refused, now) : 0n;
    const works = answered > 0n || (!how.answers && begun > refused);
    if (works) {
      known.row = 0;
      if (now - known.until > this.#restOf(known)) known.times = 0;
      return undefined;
    }
    known.row += Number(refused + silent);
    if (known.row < this.options.failures || !how.mayGo()) return undefined;
    const rest = this.#restOf(known);
    const reason = silent > refused ? "does not answer" : "refuses connections";
    Object.assign(known, { out: true, until: now + rest, times: known.times + 1, row: 0, waiting: [] });
    return { type: "out", reason: `${reason}, ${this.options.failures} and more in a row`, rest };
  }

  /** Those that are not among `ids` are forgotten. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.#judged.keys()) if (!ids.has(id)) this.#judged.delete(id);
  }

  #rested(known: Judged, now: number): Judgement | undefined {
    if (now < known.until) return undefined;
    Object.assign(known, { out: false, row: this.options.failures - 1 });
    return { type: "in" };
  }

  /** Failures by silence: flows that have waited too long, the oldest first; answers are taken for those of the oldest. */
  #silent(known: Judged, begun: bigint, settled: bigint, now: number): bigint {
    if (begun > 0n) known.waiting.push({ since: now, count: begun });
    let left = settled;
    let silent = 0n;
    for (const one of known.waiting) {
      const still = one.count > left ? one.count - left : 0n;
      left -= one.count - still;
      one.count = still;
      if (now - one.since < ANSWERED_WITHIN) continue;
      silent += one.count;
      one.count = 0n;
    }
    known.waiting = known.waiting.filter(({ count }) => count > 0n);
    return silent;
  }

  #restOf({ times }: Judged): number {
    return this.options.rest * 2 ** Math.min(times, MOST_DOUBLINGS);
  }
}
