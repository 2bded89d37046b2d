import { messageOf } from "../../../base/index.ts";
import { type ExecutorAddress, ExecutorChannel } from "../channel.ts";
import type { WelcomeMessage } from "../messages.ts";
import type { ConformanceCase } from "./case.ts";
import { CASES } from "./cases/index.ts";
import { NotConformant } from "./line.ts";
import { Rig } from "./rig.ts";
import { bigPlan, type Timing } from "./timing.ts";

export interface ConformanceOptions {
  readonly executor: ExecutorAddress;
  /** Capabilities of the big plan. */
  readonly entries: number;
  /** How long an answer may take, in milliseconds. */
  readonly deadline: number;
  readonly seed: number;
  /** Only cases with this in their name. */
  readonly only?: string;
}

export interface ConformanceResult {
  readonly name: string;
  /** Of the rules in `src/dataplane/fib-service/README.md`. */
  readonly rule: number;
  /** `cannot`: it is about something that the executor says it cannot. */
  readonly result: "passed" | "failed" | "cannot";
  readonly why?: string;
  readonly milliseconds: number;
}

export interface ConformanceReport {
  readonly address: string;
  /** As the executor calls itself; absent when it was not reached. */
  readonly product?: string;
  /** Of the protocol. */
  readonly version: number;
  /** What it cannot do, by its own account. */
  readonly cannot: readonly { readonly feature: string; readonly reason: string }[];
  readonly seed: number;
  readonly results: readonly ConformanceResult[];
  readonly timing?: Timing;
  readonly conformant: boolean;
}

/** A connection takes its time, and whoever just started too. */
const FIRST_GREETING_MS = 5_000;
const BIG_PLAN = "a big plan: handed over, read back, changed, removed";

/**
 * Tests whether an executor keeps to the protocol. It is left with an empty plan.
 * @throws {Error} when it cannot be reached, or for certificates that cannot be used
 */
export async function runFibConformance(
  options: ConformanceOptions,
  told: (result: ConformanceResult) => void = () => {},
): Promise<ConformanceReport> {
  const { host, port } = options.executor;
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  using channel = await ExecutorChannel.open(options.executor);
  const welcome = await greeting(channel, options, address);
  const { name: product, cannot, version } = welcome;
  const results: ConformanceResult[] = [];
  let timing: Timing | undefined;
  const judge = async (each: ConformanceCase): Promise<void> => {
    const { name, rule } = each;
    if (options.only !== undefined && !name.includes(options.only)) return;
    const begun = performance.now();
    const outcome = await judged(each, (run) => withRig(channel, { ...options, welcome }, run));
    const result = { name, rule, ...outcome, milliseconds: Math.round(performance.now() - begun) };
    results.push(result);
    told(result);
  };
  for (const each of CASES) await judge(each);
  await judge({
    ...{ name: BIG_PLAN, rule: 3 },
    async run(rig) {
      timing = await bigPlan(rig, options.entries);
    },
  });
  return {
    ...{ address, product, version, cannot, seed: options.seed, results },
    ...(timing === undefined ? {} : { timing }),
    conformant: results.length > 0 && results.every(({ result }) => result !== "failed"),
  };
}

async function greeting(channel: ExecutorChannel, options: ConformanceOptions, address: string) {
  try {
    const deadline = Math.max(options.deadline, FIRST_GREETING_MS);
    const welcome = { version: 0, cannot: [] };
    return await withRig(channel, { ...options, deadline, welcome }, (rig) => rig.line().greet());
  } catch (cause) {
    throw new Error(`no executor answers at ${address}: ${messageOf(cause)}`, { cause });
  }
}

async function withRig<T>(
  channel: ExecutorChannel,
  options: ConformanceOptions & { readonly welcome: Pick<WelcomeMessage, "version" | "cannot"> },
  run: (rig: Rig) => Promise<T>,
): Promise<T> {
  const { deadline, seed, welcome } = options;
  await using rig = new Rig(channel, { deadline, seed, welcome, maxCapabilities: 1024 });
  return await run(rig);
}

async function judged(
  { needs, run }: ConformanceCase,
  withRig: <T>(run: (rig: Rig) => Promise<T>) => Promise<T>,
): Promise<Pick<ConformanceResult, "result" | "why">> {
  try {
    const lack = await withRig(async (rig) => {
      const why = needs && rig.lack(needs);
      if (why === undefined) await run(rig);
      return why;
    });
    return lack === undefined ? { result: "passed" } : { result: "cannot", why: lack };
  } catch (cause) {
    if (!(cause instanceof NotConformant)) throw cause;
    return { result: "failed", why: cause.message };
  }
}
