import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { type StoryContext, StoryError } from "../quickstart/story/index.ts";
import { OCR_URL, PROJECT, ROUTERS, type RouterName } from "../quickstart/story/places.ts";
import { CHANGES } from "./changes.ts";
import { type Judgement, judgeProcesses, judgeRequests, median, type Sample, type Second } from "./judge.ts";

export interface SoakOptions {
  readonly minutes: number;
  /** Requests a second. */
  readonly rate: number;
  /** Seconds between two changes. */
  readonly pause: number;
}

export interface SoakFacts {
  readonly seconds: readonly Second[];
  readonly samples: readonly Sample[];
  readonly changes: Readonly<Record<string, number>>;
  readonly judgements: readonly Judgement[];
}

const SAMPLE_SECONDS = 5;
/** Of the rate that is asked for, so much must have been answered: a busy machine begins some late. */
const ANSWERED_SHARE = 0.95;
const NODE = `${PROJECT}/node_modules/.bin/node`;
/** resident kB, threads, descriptors, ticks of the processor */
const PROCESS = [
  "pid=$(cat /run/supervised.pid) && cd /proc/$pid",
  "awk '/^VmRSS|^Threads/ { print $2 }' status",
  "ls fd | wc -l",
  "sed 's/.*) //' stat | awk '{ print $12 + $13 }'",
  "getconf CLK_TCK",
  "echo $pid",
].join(" && ");

/** Load on the lab for as long as is asked for, while one change after the other is made to it; then what was seen is judged. */
export async function soak(context: StoryContext, options: SoakOptions): Promise<SoakFacts> {
  const seconds: Second[] = [];
  const samples: Sample[] = [];
  const changes: Record<string, number> = {};
  const flaps = await lostSessions(context);
  const over = new AbortController();
  const signal = AbortSignal.any([context.signal, over.signal]);
  await using load = context.lab.spawn("client", [NODE, `${PROJECT}/lab/soak/load.mjs`, OCR_URL, String(options.rate)]);
  createInterface({ input: load.stdout }).on("line", (line) => seconds.push(JSON.parse(line) as Second));
  let complaint = "";
  load.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
  const ended = load.exited.then(() => {
    if (!over.signal.aborted) throw new StoryError("the load", "lasts as long as the rest", complaint || "it ended");
  });
  const ends = performance.now() + options.minutes * 60_000;
  const parts = [
    until(ends, signal, SAMPLE_SECONDS * 1000, async () => {
      for (const router of Object.keys(ROUTERS) as RouterName[]) {
        const sample = await sampleOf(context, router);
        if (sample !== undefined) samples.push(sample);
      }
    }),
    until(ends, signal, options.pause * 1000, async (turn) => {
      const change = CHANGES[turn % CHANGES.length]!;
      await change.carryOut(context, turn);
      changes[change.what] = (changes[change.what] ?? 0) + 1;
    }),
    until(ends, signal, 60_000, async (turn) => {
      if (turn > 0) context.fact(minuteText(turn, seconds.slice(-60), samples));
    }),
  ];
  try {
    await Promise.race([ended, Promise.all(parts)]);
  } finally {
    over.abort();
    await Promise.allSettled(parts);
  }
  const asked = Math.floor(seconds.length * options.rate * ANSWERED_SHARE);
  const lost = [...(await lostSessions(context))].filter(([session, count]) => count !== flaps.get(session));
  const judgements = [
    ...judgeRequests(seconds, asked),
    ...judgeProcesses(samples),
    {
      what: "BGP sessions lost between r1 and r2",
      seen: lost.length === 0 ? "none" : lost.map(([session]) => session).join(", "),
      bar: "none",
      holds: lost.length === 0,
    },
  ];
  return { seconds, samples, changes, judgements };
}

/** Does something again and again, with a pause behind each, until the moment has come or it is stopped. */
async function until(
  ends: number,
  signal: AbortSignal,
  pause: number,
  each: (turn: number) => Promise<void>,
): Promise<void> {
  for (let turn = 0; performance.now() < ends; turn++) {
    await each(turn);
    const left = Math.max(0, Math.min(pause, ends - performance.now()));
    await delay(left, undefined, { signal });
  }
}

/** `undefined` while it is being started again. */
async function sampleOf({ lab, signal }: StoryContext, router: RouterName): Promise<Sample | undefined> {
  const done = await lab.exec(router, ["sh", "-c", PROCESS], { signal });
  if (done.code !== 0) return undefined;
  const [resident, threads, descriptors, ticks, hertz, pid] = done.stdout.trim().split("\n").map(Number) as number[];
  return {
    ...{ router, pid: pid!, resident: resident! * 1024, descriptors: descriptors!, threads: threads! },
    processor: ticks! / hertz!,
  };
}

/** How often r1 and r2 have lost the session between them: nothing that is done here may end it. */
async function lostSessions(context: StoryContext): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (const [router, peer] of [
    ["r1", "r2"],
    ["r2", "r1"],
  ] as const)
    for (const { address, flaps } of await context.semrctl(router, "show peers"))
      if (address === ROUTERS[peer].locator) counts.set(`${router} to ${peer}`, flaps);
  return counts;
}

function minuteText(minute: number, seconds: readonly Second[], samples: readonly Sample[]): string {
  const sum = (of: (second: Second) => number) => seconds.reduce((total, second) => total + of(second), 0);
  const p99 = median(seconds.map((second) => second.p99));
  const memory = Object.keys(ROUTERS).map((router) => {
    const last = samples.findLast((sample) => sample.router === router);
    return `${router} ${last === undefined ? "-" : (last.resident / 1e6).toFixed(0)}`;
  });
  const counts = `${sum(({ answered }) => answered)} answered, ${sum(({ failed }) => failed)} failed`;
  return `minute ${minute}: ${counts}, p99 ${p99.toFixed(1)} ms; MB: ${memory.join(", ")}`;
}
