import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { milliseconds } from "../../src/base/index.ts";
import { type DampedSummary, type DampingSettings, SourceDamper } from "../../src/directory/index.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { TallyMetrics } from "../sim/tally-metrics.ts";
import { VirtualClock } from "../sim/virtual-clock.ts";

interface Site extends DampedSummary {
  readonly labels: readonly string[];
}

const SETTINGS: DampingSettings = {
  averageTime: milliseconds(2000),
  holdTime: milliseconds(5000),
  badNewsInterval: milliseconds(200),
  goodNewsInterval: { minimum: milliseconds(5000), maximum: milliseconds(30_000) },
  updatesPerSecond: 100,
  burst: 200,
};

const site = (changes: Partial<Site> = {}): Site => ({
  state: "up",
  score: 10,
  weight: 20,
  usable: 2,
  labels: [],
  ...changes,
});
const HALF = site({ state: "degraded", score: 5, weight: 10, usable: 1 });
const GONE = site({ state: "down", score: 0, weight: 0, usable: 0 });

interface Said {
  readonly at: number;
  readonly key: string;
  readonly site: Site | undefined;
}

class Bench {
  readonly clock = new VirtualClock();
  readonly metrics = new TallyMetrics();
  readonly said: Said[] = [];
  readonly damper: SourceDamper<Site>;

  constructor(settings: Partial<DampingSettings> = {}) {
    const say = (key: string, told: Site | undefined): void => {
      this.said.push({ at: this.clock.monotonic(), key, site: told });
    };
    const parts = { clock: this.clock, metrics: this.metrics, facts: ({ labels }: Site) => labels.join(), say };
    this.damper = new SourceDamper({ ...SETTINGS, ...settings }, parts);
  }

  /** When what was said since the last time. */
  taken(): string[] {
    return this.said.splice(0).map(({ at, site: told }) => `${at} ${told === undefined ? "gone" : told.score}`);
  }

  advance(by: number): void {
    this.clock.advance(by);
  }
}

describe("damping at the source (DESIGN 4.4)", () => {
  let bench: Bench;
  const observe = (told: Site | undefined): void => bench.damper.observe("a", told);

  beforeEach(() => {
    bench = new Bench();
  });

  it("says a new route at once, and nothing again when nothing changed", () => {
    observe(site());
    observe(site());
    bench.advance(100_000);
    assert.deepEqual(bench.taken(), ["0 10"]);
    assert.equal(bench.clock.armed, 0);
  });

  it("other settings hold at once, also for what is held back by the ones before", () => {
    observe(site());
    observe(GONE);
    observe(site());
    bench.advance(1000);
    assert.deepEqual(bench.taken(), ["0 10", "0 gone"]);
    const interval = milliseconds(100);
    bench.damper.follow({ ...SETTINGS, goodNewsInterval: { minimum: interval, maximum: interval } });
    assert.deepEqual(bench.taken(), ["1000 10"]);
    observe(GONE);
    observe(site());
    bench.advance(200);
    assert.deepEqual(bench.taken(), ["1000 gone", "1100 10"]);
    bench.damper.follow(SETTINGS);
    observe(GONE);
    observe(site());
    bench.advance(4000);
    assert.deepEqual(bench.taken(), ["1200 gone"]);
    bench.advance(30_000);
    assert.equal(bench.taken().length, 1);
    assert.equal(bench.clock.armed, 0);
  });

  it("hard failures pass at once, however lately something was said", () => {
    observe(site());
    observe(GONE);
    assert.deepEqual(bench.taken(), ["0 10", "0 gone"]);
    bench = new Bench();
    observe(site());
    observe(undefined);
    assert.deepEqual(bench.taken(), ["0 10", "0 gone"]);
    for (const told of [site({ state: "draining", usable: 0, weight: 0, score: 0 }), site({ labels: ["gdpr"] })]) {
      bench = new Bench();
      observe(site());
      observe(told);
      assert.equal(bench.taken().length, 2);
    }
  });

  it("bad news comes 0.2 s behind the last, with what is then", () => {
    observe(site());
    bench.advance(50);
    observe(HALF);
    bench.advance(149);
    assert.deepEqual(bench.taken(), ["0 10"]);
    bench.advance(1);
    assert.deepEqual(bench.taken(), ["200 5"]);
    bench.advance(10_000);
    observe(GONE);
    observe(site());
    bench.advance(100);
    observe(HALF);
    bench.advance(60_000);
    assert.deepEqual(bench.taken(), ["10200 gone", "15200 5"], "what was never true for long enough is not told");
  });

  it("good news waits 5 s behind the last, and up to 30 s where it comes again and again", () => {
    const times: number[] = [];
    observe(site());
    for (let round = 0; round < 6; round++) {
      bench.advance(1000);
      observe(HALF);
      bench.advance(1000);
      const worse = bench.said.length;
      observe(site());
      const before = bench.clock.monotonic();
      while (bench.said.length === worse) bench.advance(100);
      times.push(Math.round((bench.clock.monotonic() - before) / 1000));
    }
    assert.deepEqual(times, [4, 9, 19, 29, 29, 29]);
    bench.advance(120_000);
    observe(HALF);
    bench.advance(1000);
    observe(site());
    bench.advance(30_000);
    bench.advance(300_000);
    bench.said.splice(0);
    observe(HALF);
    observe(site());
    bench.advance(60_000);
    assert.deepEqual(bench.taken().length, 2, "quiet for long: it begins anew");
  });

  it("a route that came back after it went waits like good news; new ones do not", () => {
    observe(site());
    bench.advance(1000);
    observe(GONE);
    bench.advance(1000);
    observe(site());
    bench.damper.observe("b", site());
    bench.advance(3999);
    assert.deepEqual(
      bench.said.map(({ at, key, site: told }) => [at, key, told?.score]),
      [
        [0, "a", 10],
        [1000, "a", undefined],
        [2000, "b", 10],
      ],
    );
    bench.advance(1);
    assert.deepEqual(bench.taken().at(-1), "6000 10");
  });

  it("a score alone is averaged and held: a bucket away for 5 s", () => {
    observe(site());
    bench.advance(60_000);
    observe(site({ score: 4 }));
    bench.advance(4_000);
    assert.deepEqual(bench.taken(), ["0 10"]);
    bench.advance(1_500);
    assert.deepEqual(bench.taken().length, 1);
    bench.advance(60_000);
    // Where the average goes on after that it is followed in steps, each held, and it ends where the score is.
    assert.equal(bench.damper.said("a")?.score, 4);
    assert.ok(bench.said.length <= 2, `${bench.said.length}`);
  });

  it("without an average and a hold time a score is said when it changes", () => {
    bench = new Bench({ averageTime: milliseconds(0), holdTime: milliseconds(0) });
    observe(site());
    bench.advance(10_000);
    observe(site({ score: 7 }));
    assert.deepEqual(bench.taken(), ["0 10", "10000 7"]);
  });

  it("noise is not told: a score that flips every 100 ms, and one that dips for 3 s", () => {
    observe(site({ score: 8 }));
    for (let i = 0; i < 600; i++) {
      bench.advance(100);
      observe(site({ score: i % 2 === 0 ? 7 : 9 }));
    }
    observe(site({ score: 8 }));
    bench.advance(60_000);
    assert.deepEqual(bench.taken(), ["0 8"]);
    observe(site({ score: 2 }));
    bench.advance(3_000);
    observe(site({ score: 8 }));
    bench.advance(60_000);
    assert.deepEqual(bench.taken(), []);
    assert.equal(bench.clock.armed, 0);
  });

  it("what is told in the end is what is, whatever happened before", () => {
    const step = fc.record({
      after: fc.integer({ min: 0, max: 8000 }),
      told: fc.oneof(
        fc.integer({ min: 0, max: 10 }).map((score) => site({ score })),
        fc.constant(HALF),
        fc.constant(GONE),
        fc.constant(undefined),
        fc.constant(site({ labels: ["gdpr"], score: 9 })),
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        const one = new Bench({ updatesPerSecond: 1, burst: 2 });
        for (const { after, told } of steps) {
          one.advance(after);
          one.damper.observe("a", told);
        }
        one.advance(200_000);
        const last = steps.at(-1)!.told;
        const isServed = last !== undefined && last.state !== "down";
        const known = one.damper.said("a");
        assert.deepEqual(
          known && { ...known, score: Math.max(1, known.score) },
          isServed ? { ...last, score: Math.max(1, last.score) } : undefined,
        );
        assert.deepEqual(one.said.at(-1)?.site, known);
        for (const [i, { at, site: told }] of one.said.entries()) {
          const before = one.said[i - 1];
          if (before === undefined || told === undefined) continue;
          const isHard = before.site !== undefined && before.site.labels.join() !== told.labels.join();
          if (!isHard) assert.ok(at - before.at >= 200, `${at} behind ${before.at}`);
        }
        assert.equal(one.clock.armed, 0);
      }),
      { numRuns: 200 },
    );
  });

  it("a storm of 10 000 changes of 500 routes in 10 s: the UPDATEs are bounded, the failures among them are not held", (t) => {
    const random = new SeededRandom(7);
    const routes = 500;
    const storm = new Bench();
    const keys = Array.from({ length: routes }, (_, i) => `c${i}`);
    const truth = new Map<string, Site>();
    for (const key of keys) storm.damper.observe(key, site());
    storm.advance(60_000);
    storm.said.splice(0);
    let failures = 0;
    for (let i = 0; i < 10_000; i++) {
      const key = keys[Math.floor(random.next() * routes)]!;
      const fails = i % 100 === 99;
      const usable = 1 + Math.floor(random.next() * 9);
      const told = fails ? GONE : site({ state: "degraded", usable, weight: 10 * usable, score: usable });
      const before = storm.said.length;
      const wasSaid = storm.damper.said(key) !== undefined;
      storm.damper.observe(key, told);
      truth.set(key, told);
      if (fails && wasSaid) {
        failures++;
        assert.equal(storm.said.length, before + 1, "at once");
      }
      storm.advance(1);
    }
    const during = storm.said.length;
    const announced = (why: string): number => storm.metrics.value("semrd_damping_announcements_total", { why });
    const damped = announced("bad") + announced("good");
    storm.advance(200_000);
    const { updatesPerSecond, burst } = SETTINGS;
    assert.ok(damped <= burst + 10 * updatesPerSecond, `${damped}`);
    assert.ok(failures > 50, `${failures}`);
    for (const [key, told] of truth) {
      assert.equal(storm.damper.said(key)?.weight, told.state === "down" ? undefined : told.weight, key);
    }
    const waiting = storm.metrics.value("semrd_damping_waiting");
    assert.equal(waiting, 0);
    assert.equal(storm.metrics.value("semrd_damping_changes_total"), 10_000 + routes);
    assert.equal(storm.metrics.total("semrd_damping_announcements_total"), storm.said.length + routes);
    t.diagnostic(
      `10 000 changes of ${routes} routes in 10 s: ${during} announcements meanwhile (${failures} hard failures), ${storm.said.length} in all`,
    );
  });
});
