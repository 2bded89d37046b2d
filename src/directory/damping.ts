import { type Clock, type Metrics, type Milliseconds, milliseconds, type Timer } from "../base/index.ts";
import { Deadlines } from "./deadlines.ts";
import { TokenBucket } from "./token-bucket.ts";

/** How fast what this router says about itself may change. @see DESIGN section 4.4; RFC 7196 (why not at the receiver) */
export interface DampingSettings {
  /** Time constant of the moving average of scores; 0: none. */
  readonly averageTime: Milliseconds;
  /** How long an average must be a whole bucket away from what was said. */
  readonly holdTime: Milliseconds;
  /** Least time between two announcements of one route, the second of which is worse. */
  readonly badNewsInterval: Milliseconds;
  /** The same where it is better: the least at first, doubled for a route that keeps changing. */
  readonly goodNewsInterval: { readonly minimum: Milliseconds; readonly maximum: Milliseconds };
  /** Of all routes together, but for hard failures and first announcements. */
  readonly updatesPerSecond: number;
  readonly burst: number;
}

/** Everything is said at once. */
export const UNDAMPED: DampingSettings = {
  averageTime: milliseconds(0),
  holdTime: milliseconds(0),
  badNewsInterval: milliseconds(0),
  goodNewsInterval: { minimum: milliseconds(0), maximum: milliseconds(0) },
  updatesPerSecond: 1_000_000,
  burst: 1_000_000,
};

/** What damping looks at. Whatever else a summary has is a hard fact: a change of it is said at once. */
export interface DampedSummary {
  readonly state: "up" | "degraded" | "draining" | "down";
  /** 0 to 10. */
  readonly score: number;
  readonly weight: number;
  /** Who may get new flows. */
  readonly usable: number;
}

export interface DampingParts<S extends DampedSummary> {
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** The hard facts as text. */
  readonly facts: (summary: S) => string;
  /** What the others shall be told now; `undefined`: the route goes. */
  readonly say: (key: string, summary: S | undefined) => void;
}

type Kind = "hard" | "bad" | "good";

interface Entry<S> {
  readonly key: string;
  now: S | undefined;
  said: S | undefined;
  saidAt: number;
  /** Of the scores, as of `averagedAt`. */
  average: number;
  averagedAt: number;
  /** Since when the average has been a bucket away from what was said. */
  awaySince: number | undefined;
  /** How long the next good news has to wait behind the latest announcement. */
  goodInterval: number;
  goodAt: number;
}

/** From here on an average belongs to another bucket, and not by a hair: it never meets a steady score exactly. */
const AWAY = 0.75;
/** Of the arithmetic. */
const ROUNDING = 1e-9;

/**
 * Damps at the source: between the facts about this router's sites and what the others are told.
 *
 * Hard failures (nobody usable any more, draining, other labels, other ports) pass at once. What changes the set of who is
 * usable waits for the interval of its kind, and the average begins anew from it: it is a step, not noise. A score alone is
 * averaged, put into 11 buckets, and said when it has been a bucket away for long enough.
 */
export class SourceDamper<S extends DampedSummary> implements Disposable {
  #settings: DampingSettings;
  readonly #parts: DampingParts<S>;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<S>>();
  readonly #due = new Deadlines();
  #bucket: TokenBucket;
  /** Waiting for a token, bad news first; each is looked at again when its turn comes. */
  readonly #waiting: Record<"bad" | "good", Set<string>> = { bad: new Set(), good: new Set() };
  #timer: { readonly at: number; readonly timer: Timer } | undefined;
  readonly #changes;
  readonly #said;
  readonly #delayed;

  constructor(settings: DampingSettings, parts: DampingParts<S>) {
    this.#settings = settings;
    this.#parts = parts;
    this.#clock = parts.clock;
    this.#bucket = new TokenBucket(settings.updatesPerSecond, settings.burst, parts.clock.monotonic());
    const { metrics } = parts;
    this.#changes = metrics.counter("semrd_damping_changes_total", "Changes of what this router could say of itself");
    const said = (why: Kind) =>
      metrics.counter("semrd_damping_announcements_total", "Changes that were said to others, by what let them pass", {
        why,
      });
    this.#said = { hard: said("hard"), bad: said("bad"), good: said("good") };
    this.#delayed = metrics.gauge("semrd_damping_waiting", "Changes that wait for the rate of all routes");
  }

  /** The summary of now; `undefined` or down: nobody serves it. */
  observe(key: string, summary: S | undefined): void {
    const now = this.#clock.monotonic();
    const isServed = summary !== undefined && summary.state !== "down";
    const known = this.#entries.get(key);
    if (known === undefined && !isServed) return;
    const entry = known ?? this.#create(key, now);
    this.#changes.add();
    this.#average(entry, now);
    const before = entry.now;
    entry.now = isServed ? { ...summary, score: bucketOf(summary.score, summary) } : undefined;
    const isStep = entry.now !== undefined && (before === undefined || !sameMembers(before, entry.now));
    if (entry.now !== undefined && (isStep || this.#settings.averageTime === 0)) {
      entry.average = entry.now.score;
    }
    this.#consider(entry, now);
    this.#rearm();
  }

  /** Goes on by other settings; what is held back is looked at by them at once. */
  follow(settings: DampingSettings): void {
    const now = this.#clock.monotonic();
    this.#settings = settings;
    this.#bucket = new TokenBucket(settings.updatesPerSecond, settings.burst, now);
    const { minimum, maximum } = settings.goodNewsInterval;
    for (const entry of this.#entries.values()) {
      entry.goodInterval = Math.min(maximum, Math.max(minimum, entry.goodInterval));
      const { said, now: current } = entry;
      if (said === current || (said && current && said.score === current.score && sameMembers(said, current))) continue;
      this.#average(entry, now);
      this.#consider(entry, now);
    }
    this.#rearm();
  }

  /** Whether anything is remembered of the route. */
  knows(key: string): boolean {
    return this.#entries.has(key);
  }

  /** What the others know. */
  said(key: string): S | undefined {
    return this.#entries.get(key)?.said;
  }

  #create(key: string, now: number): Entry<S> {
    const entry: Entry<S> = {
      ...{ key, now: undefined, said: undefined, saidAt: Number.NEGATIVE_INFINITY, average: 0, averagedAt: now },
      ...{ awaySince: undefined, goodInterval: this.#settings.goodNewsInterval.minimum, goodAt: 0 },
    };
    this.#entries.set(key, entry);
    return entry;
  }

  /** Brings the average from when it was looked at last to `now`. */
  #average(entry: Entry<S>, now: number): void {
    if (entry.now !== undefined) {
      const { averageTime } = this.#settings;
      const left = averageTime === 0 ? 0 : Math.exp(-(now - entry.averagedAt) / averageTime);
      entry.average = entry.now.score + (entry.average - entry.now.score) * left;
    }
    entry.averagedAt = now;
  }

  /** Says what may be said of the entry, or sees to it that it is looked at again. */
  #consider(entry: Entry<S>, now: number): void {
    const news = this.#newsOf(entry, now);
    for (const waiting of Object.values(this.#waiting)) waiting.delete(entry.key);
    this.#due.set(entry.key, news === undefined ? this.#nextLook(entry, now) : this.#pass(entry, now, news));
    this.#delayed.set(this.#waiting.bad.size + this.#waiting.good.size);
  }

  /** Says it, or has it wait; answers when to look again. */
  #pass(entry: Entry<S>, now: number, news: Kind): number | undefined {
    if (news !== "hard") {
      const at = entry.saidAt + (news === "bad" ? this.#settings.badNewsInterval : entry.goodInterval);
      if (at > now) return at;
      if (!this.#bucket.take(now)) {
        this.#waiting[news].add(entry.key);
        return undefined;
      }
    }
    this.#say(entry, now, news);
    return this.#nextLook(entry, now);
  }

  /** How what could be said differs from what was said; `undefined`: not at all, or not for long enough. */
  #newsOf(entry: Entry<S>, now: number): Kind | undefined {
    const { said, now: current } = entry;
    if (current === undefined) return said === undefined ? undefined : "hard";
    if (said === undefined) return entry.saidAt === Number.NEGATIVE_INFINITY ? "hard" : "good";
    if (this.#parts.facts(said) !== this.#parts.facts(current)) return "hard";
    if (isDraining(current) && !isDraining(said)) return "hard";
    if (!sameMembers(said, current)) return isWorse(said, current) ? "bad" : "good";
    const distance = entry.average - said.score;
    // What the average still remembers does not count once the score itself is back.
    const isBack = Math.abs(current.score - said.score) < 1;
    if (isBack || Math.abs(distance) < AWAY - ROUNDING) entry.awaySince = undefined;
    else entry.awaySince ??= now;
    if (entry.awaySince === undefined || now - entry.awaySince < this.#settings.holdTime) return undefined;
    return distance < 0 ? "bad" : "good";
  }

  /** When the average will be a bucket away, or has been so for long enough; `undefined`: never, as things are. */
  #nextLook(entry: Entry<S>, now: number): number | undefined {
    const { said, now: current, average, awaySince } = entry;
    if (said === undefined) return this.#forgetAt(entry);
    if (current === undefined) return undefined;
    if (awaySince !== undefined) return awaySince + this.#settings.holdTime;
    const { averageTime } = this.#settings;
    const distance = current.score - said.score;
    if (Math.abs(distance) < 1 || averageTime === 0) return undefined;
    // Where the average meets the border: border = score + (average - score) e^(-t / averageTime).
    const border = said.score + Math.sign(distance) * AWAY;
    const ratio = (border - current.score) / (average - current.score);
    return now + Math.ceil(-averageTime * Math.log(Math.min(1, ratio)));
  }

  #say(entry: Entry<S>, now: number, why: Kind): void {
    const { now: current } = entry;
    const { minimum, maximum } = this.#settings.goodNewsInterval;
    // Who has good news again and again waits longer for each; who was quiet for long begins anew.
    if (why === "good") {
      const isFrequent = now - entry.goodAt < entry.goodInterval + maximum;
      entry.goodInterval = isFrequent ? Math.min(maximum, 2 * entry.goodInterval) : minimum;
      entry.goodAt = now;
    }
    entry.saidAt = now;
    entry.awaySince = undefined;
    entry.said = current === undefined ? undefined : { ...current, score: bucketOf(entry.average, current) };
    this.#said[why].add();
    this.#parts.say(entry.key, entry.said);
  }

  /** A route that went is remembered for as long as it could be held back. */
  #forgetAt({ saidAt, goodInterval }: Entry<S>): number | undefined {
    return saidAt === Number.NEGATIVE_INFINITY ? undefined : saidAt + goodInterval + 1;
  }

  #look(): void {
    const now = this.#clock.monotonic();
    for (let key = this.#due.take(now); key !== undefined; key = this.#due.take(now)) {
      const entry = this.#entries.get(key);
      if (entry === undefined) continue;
      if (entry.now === undefined && entry.said === undefined) {
        this.#entries.delete(key);
        continue;
      }
      this.#average(entry, now);
      this.#consider(entry, now);
    }
    this.#serve(now);
    this.#rearm();
  }

  /** Those who wait, while there are tokens. */
  #serve(now: number): void {
    for (const waiting of [this.#waiting.bad, this.#waiting.good]) {
      for (const key of waiting) {
        if (this.#bucket.nextAt(now) > now) return;
        const entry = this.#entries.get(key)!;
        this.#average(entry, now);
        this.#consider(entry, now);
      }
    }
  }

  #rearm(): void {
    const now = this.#clock.monotonic();
    const isWaiting = this.#waiting.bad.size + this.#waiting.good.size > 0;
    const token = isWaiting ? this.#bucket.nextAt(now) : Number.POSITIVE_INFINITY;
    const at = Math.min(this.#due.next ?? Number.POSITIVE_INFINITY, token);
    if (at === this.#timer?.at) return;
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    if (at === Number.POSITIVE_INFINITY) return;
    const timer = this.#clock.after(milliseconds(Math.max(0, Math.ceil(at - now))), () => {
      this.#timer = undefined;
      this.#look();
    });
    this.#timer = { at, timer };
  }

  [Symbol.dispose](): void {
    this.#timer?.timer.cancel();
    this.#timer = undefined;
    this.#entries.clear();
  }
}

const isDraining = ({ state }: DampedSummary): boolean => state === "draining";

/** The same who are usable, with the same shares: what differs is the score alone. */
function sameMembers(a: DampedSummary, b: DampedSummary): boolean {
  return a.state === b.state && a.usable === b.usable && a.weight === b.weight;
}

function isWorse(said: DampedSummary, now: DampedSummary): boolean {
  if (now.weight !== said.weight) return now.weight < said.weight;
  return now.state === "degraded" && said.state === "up";
}

/** One of eleven; who has somebody usable is never the worst, which means "unknown" to others. */
function bucketOf(average: number, { usable }: Pick<DampedSummary, "usable">): number {
  return Math.min(10, Math.max(usable > 0 ? 1 : 0, Math.round(average)));
}
