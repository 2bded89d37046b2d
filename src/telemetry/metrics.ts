import { createRequire } from "node:module";
import type * as prom from "prom-client";
import type { Counter, Gauge, Histogram, Metrics } from "../base/index.ts";
import { textOf } from "./exposition.ts";
import { collectProcessMetrics } from "./process-metrics.ts";
import { Slices } from "./slices.ts";

/** The pieces that are needed: all of prom-client brings HTTP, TLS and clusters with it, 15 MB that nobody uses. */
const piece = createRequire(import.meta.url);
const Registry: typeof prom.Registry = piece("prom-client/lib/registry");
const PromCounter: typeof prom.Counter = piece("prom-client/lib/counter");
const PromGauge: typeof prom.Gauge = piece("prom-client/lib/gauge");
const PromHistogram: typeof prom.Histogram = piece("prom-client/lib/histogram");
const { exponentialBuckets }: Pick<typeof prom, "exponentialBuckets"> = piece("prom-client/lib/bucketGenerators");

type Labels = Readonly<Record<string, string>>;
type Kind = "counter" | "gauge" | "histogram";

/** The metrics of one router, and their text. */
export interface MetricsRegistry extends Metrics {
  readonly contentType: string;
  /** Calls `read` before each {@link expose}, for what is counted elsewhere. */
  beforeExpose(read: () => void | Promise<void>): void;
  /** All series in the Prometheus text format. */
  expose(): Promise<string>;
}

/** Upper bounds by unit: 100 µs to 26 s for times, 64 octets to 16 MiB for sizes, powers of two for counts. */
const SECONDS_BUCKETS = exponentialBuckets(0.0001, 4, 10);
const BYTES_BUCKETS = exponentialBuckets(64, 4, 10);
const COUNT_BUCKETS = exponentialBuckets(1, 2, 16);

function buckets(name: string): number[] {
  if (name.endsWith("_seconds")) return SECONDS_BUCKETS;
  return name.endsWith("_bytes") ? BYTES_BUCKETS : COUNT_BUCKETS;
}

/**
 * Makes an empty registry of its own; two routers in one process do not share numbers.
 *
 * Throws a TypeError when one name is used as two kinds of metric or with two sets of label names: that is our mistake.
 */
export function createMetrics(options: { readonly process?: "included" } = {}): MetricsRegistry {
  const registry = new Registry();
  if (options.process === "included") collectProcessMetrics(registry);
  const families = new Map<string, { readonly kind: Kind; readonly labels: string; readonly metric: prom.Metric }>();
  const series = new Map<string, unknown>();

  function family<M extends prom.Metric>(kind: Kind, name: string, labels: Labels, make: (names: string[]) => M): M {
    const names = Object.keys(labels).sort();
    const known = families.get(name);
    if (known === undefined) {
      const metric = make(names);
      families.set(name, { kind, labels: names.join(), metric });
      return metric;
    }
    if (known.kind !== kind || known.labels !== names.join()) {
      const before = `${known.kind} with labels (${known.labels})`;
      throw new TypeError(`the metric ${name} is a ${before}, not a ${kind} with labels (${names.join()})`);
    }
    return known.metric as M;
  }

  /** The one object of a name and labels. */
  function one<T>(kind: Kind, name: string, labels: Labels, make: () => T): T {
    const key = keyOf(kind, name, labels);
    const known = series.get(key);
    if (known !== undefined) return known as T;
    const made = make();
    series.set(key, made);
    return made;
  }

  /** What was counted since somebody looked last: counting is an addition, and once a packet or message. */
  const counted = new Set<{ value: number; readonly child: prom.Counter.Internal }>();
  /** How each counter is forgotten. */
  const ends = new WeakMap<Counter, () => void>();
  async function settle(): Promise<void> {
    const slices = new Slices();
    for (const entry of counted) {
      if (entry.value !== 0) entry.child.inc(entry.value);
      entry.value = 0;
      if (slices.isOver) await slices.pause();
    }
  }

  const readers: (() => void | Promise<void>)[] = [];
  const common = { registers: [registry] };
  return {
    contentType: registry.contentType,
    beforeExpose: (read) => void readers.push(read),
    expose: async () => {
      // Each step has turns of its own: what two of them do at their ends is not one
      for (const read of readers) {
        await read();
        await new Slices().pause();
      }
      await settle();
      return textOf(registry);
    },
    counter: (name, help, labels = {}) =>
      one("counter", name, labels, (): Counter => {
        const make = (labelNames: string[]) => new PromCounter({ name, help, labelNames, ...common });
        const metric = family("counter", name, labels, make);
        const child = metric.labels(labels);
        child.inc(0); // a series that was never counted is 0, not absent: rates and alarms need the zero
        const entry = { value: 0, child };
        counted.add(entry);
        const counter: Counter = {
          add: (value = 1) => {
            entry.value += value;
          },
        };
        ends.set(counter, () => {
          counted.delete(entry);
          metric.remove(labels);
          series.delete(keyOf("counter", name, labels));
        });
        return counter;
      }),
    release(counters) {
      for (const counter of counters) {
        ends.get(counter)?.();
        ends.delete(counter);
      }
    },
    gauge: (name, help, labels = {}) =>
      one("gauge", name, labels, (): Gauge => {
        const make = (labelNames: string[]) => new PromGauge({ name, help, labelNames, ...common });
        const child = family("gauge", name, labels, make).labels(labels);
        return { set: (value) => child.set(value) };
      }),
    histogram: (name, help, labels = {}) =>
      one("histogram", name, labels, (): Histogram => {
        const make = (labelNames: string[]) =>
          new PromHistogram({ name, help, labelNames, buckets: buckets(name), ...common });
        const child = family("histogram", name, labels, make).labels(labels);
        return { observe: (value) => child.observe(value) };
      }),
  };
}

function keyOf(kind: Kind, name: string, labels: Labels): string {
  return JSON.stringify([kind, name, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
