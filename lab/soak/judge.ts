/** What the client saw in one second. Latencies in milliseconds. */
export interface Second {
  readonly answered: number;
  readonly failed: number;
  /** Not begun, as too many were open. */
  readonly heldBack: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly agents: Readonly<Record<string, number>>;
  readonly open: number;
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

/** What one router's process was at one moment. */
export interface Sample {
  readonly router: string;
  readonly pid: number;
  /** Octets. */
  readonly resident: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Processor seconds since it began. */
  readonly processor: number;
}

export interface Judgement {
  readonly what: string;
  readonly seen: string;
  readonly bar: string;
  readonly holds: boolean;
}

/** Memory may grow by so much between the second and the last quarter: heaps breathe. */
const MEMORY_SHARE = 1.1;
const MEMORY_OCTETS = 4_000_000;
const DESCRIPTORS = 8;
/** The last quarter's latency may be so many times that of the second one. */
const LATENCY_SHARE = 1.5;
const LATENCY_MILLISECONDS = 5;

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

/** The second and the last quarter; what comes before warms up. */
function quarters<T>(values: readonly T[]): readonly [readonly T[], readonly T[]] {
  const quarter = Math.floor(values.length / 4);
  return [values.slice(quarter, 2 * quarter), values.slice(values.length - quarter)];
}

const megabytes = (octets: number): string => `${(octets / 1e6).toFixed(1)} MB`;
const milliseconds = (value: number): string => `${value.toFixed(1)} ms`;

/** What the client saw: nothing failed, nothing was held back, and it is not slower at the end. */
export function judgeRequests(seconds: readonly Second[], asked: number): Judgement[] {
  const sum = (of: (second: Second) => number) => seconds.reduce((total, second) => total + of(second), 0);
  const failed = sum((second) => second.failed);
  const errors = new Map<string, number>();
  for (const second of seconds)
    for (const [error, count] of Object.entries(second.errors)) errors.set(error, (errors.get(error) ?? 0) + count);
  const why = [...errors].map(([error, count]) => `${count} × ${error}`).join(", ");
  const [before, after] = quarters(seconds.map(({ p99 }) => p99)).map(median) as [number, number];
  const answered = sum((second) => second.answered);
  return [
    { what: "requests answered", seen: `${answered}`, bar: `at least ${asked}`, holds: answered >= asked },
    { what: "requests failed", seen: failed === 0 ? "0" : `${failed}: ${why}`, bar: "0", holds: failed === 0 },
    {
      what: "p99 at the beginning and at the end",
      seen: `${milliseconds(before)}, ${milliseconds(after)}`,
      bar: `${LATENCY_SHARE} ×`,
      holds: after <= before * LATENCY_SHARE + LATENCY_MILLISECONDS,
    },
  ];
}

/** Processes that lived all the time: neither memory nor descriptors grow. */
export function judgeProcesses(samples: readonly Sample[]): Judgement[] {
  const judgements: Judgement[] = [];
  for (const router of new Set(samples.map((sample) => sample.router))) {
    const own = samples.filter((sample) => sample.router === router);
    const last = own.at(-1)!;
    if (own.some(({ pid }) => pid !== last.pid)) continue; // it was killed on purpose
    const [before, after] = quarters(own);
    const memory = [before, after].map((part) => median(part.map(({ resident }) => resident))) as [number, number];
    const open = [before, after].map((part) => median(part.map(({ descriptors }) => descriptors))) as [number, number];
    judgements.push(
      {
        what: `${router}: memory at the beginning and at the end`,
        seen: memory.map(megabytes).join(", "),
        bar: `${MEMORY_SHARE} ×`,
        holds: memory[1] <= memory[0] * MEMORY_SHARE + MEMORY_OCTETS,
      },
      {
        what: `${router}: open files`,
        seen: open.join(", "),
        bar: `${DESCRIPTORS} more`,
        holds: open[1] <= open[0] + DESCRIPTORS,
      },
    );
  }
  return judgements;
}
