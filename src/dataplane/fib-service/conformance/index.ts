import { messageOf } from "../../../base/index.ts";
import { type ExecutorAddress, ExecutorChannel } from "../channel.ts";
import { CASES } from "./cases.ts";
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
  readonly result: "passed" | "failed";
  readonly why?: string;
  readonly milliseconds: number;
}

export interface ConformanceReport {
  readonly address: string;
  /** As the executor calls itself; absent when it was not reached. */
  readonly product?: string;
  /** What it cannot do, by its own account. */
  readonly cannot: readonly { readonly feature: string; readonly reason: string }[];
  readonly seed: number;
  readonly results: readonly ConformanceResult[];
  readonly timing?: Timing;
  readonly conformant: boolean;
}

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
  const { name: product, cannot } = await greeting(channel, options, address);
  const results: ConformanceResult[] = [];
  let timing: Timing | undefined;
  const judge = async (name: string, rule: number, run: (rig: Rig) => Promise<void>): Promise<void> => {
    if (options.only !== undefined && !name.includes(options.only)) return;
    const begun = performance.now();
    const outcome = await judged(() => withRig(channel, options, run));
    const result = { name, rule, ...outcome, milliseconds: Math.round(performance.now() - begun) };
    results.push(result);
    told(result);
  };
  for (const { name, rule, run } of CASES) await judge(name, rule, run);
  await judge(BIG_PLAN, 3, async (rig) => {
    timing = await bigPlan(rig, options.entries);
  });
  return {
    ...{ address, product, cannot, seed: options.seed, results },
    ...(timing === undefined ? {} : { timing }),
    conformant: results.length > 0 && results.every(({ result }) => result === "passed"),
  };
}

async function greeting(channel: ExecutorChannel, options: ConformanceOptions, address: string) {
  try {
    return await withRig(channel, options, (rig) => rig.line().greet());
  } catch (cause) {
    throw new Error(`no executor answers at ${address}: ${messageOf(cause)}`, { cause });
  }
}

async function withRig<T>(
  channel: ExecutorChannel,
  options: ConformanceOptions,
  run: (rig: Rig) => Promise<T>,
): Promise<T> {
  const { deadline, seed } = options;
  await using rig = new Rig(channel, { deadline, seed, maxCapabilities: 1024 });
  return await run(rig);
}

async function judged(run: () => Promise<void>): Promise<Pick<ConformanceResult, "result" | "why">> {
  try {
    await run();
    return { result: "passed" };
  } catch (cause) {
    if (!(cause instanceof NotConformant)) throw cause;
    return { result: "failed", why: cause.message };
  }
}
