import type { Counter, Gauge, Histogram, Log, LogFields, Metrics } from "../../src/base/index.ts";

/** Metrics that a test can read: one number per name and labels, written `name{label="value"}`. */
export class TallyMetrics implements Metrics {
  readonly values = new Map<string, number>();

  /** What was counted, set or (for a histogram) observed often; 0 when nothing was. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.values.get(series(name, labels)) ?? 0;
  }

  /** Sum over all labels. */
  total(name: string): number {
    let sum = 0;
    for (const [key, value] of this.values) if (key === name || key.startsWith(`${name}{`)) sum += value;
    return sum;
  }

  counter(name: string, _help: string, labels: Readonly<Record<string, string>> = {}): Counter {
    const key = series(name, labels);
    return { add: (value = 1) => void this.values.set(key, (this.values.get(key) ?? 0) + value) };
  }

  gauge(name: string, _help: string, labels: Readonly<Record<string, string>> = {}): Gauge {
    const key = series(name, labels);
    return { set: (value) => void this.values.set(key, value) };
  }

  histogram(name: string, _help: string, labels: Readonly<Record<string, string>> = {}): Histogram {
    const key = series(name, labels);
    return { observe: () => void this.values.set(key, (this.values.get(key) ?? 0) + 1) };
  }
}

function series(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

export interface LogLine {
  readonly level: "error" | "warn" | "info" | "debug";
  readonly event: string;
  readonly fields: LogFields;
}

/** A log that a test can read. */
export class ListLog implements Log {
  readonly lines: LogLine[] = [];

  error(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: "error", event, fields });
  }

  warn(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: "warn", event, fields });
  }

  info(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: "info", event, fields });
  }

  debug(event: string, fields: LogFields = {}): void {
    this.lines.push({ level: "debug", event, fields });
  }

  events(): string[] {
    return this.lines.map((line) => line.event);
  }
}
