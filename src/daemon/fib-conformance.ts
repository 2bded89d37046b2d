import {
  type ConformanceOptions,
  type ConformanceReport,
  type ConformanceResult,
  runFibConformance,
} from "../dataplane/index.ts";

export interface ConformanceCommand extends ConformanceOptions {
  readonly json: boolean;
}

const MARK: Readonly<Record<ConformanceResult["result"], string>> = { passed: "ok", failed: "FAIL", cannot: "cannot" };

/**
 * Tests an executor and prints what was found, as it is found.
 * @returns the exit code: 0 it conforms, 1 it does not, 69 nobody answers
 */
export async function fibConformance(
  { json, ...options }: ConformanceCommand,
  print: (text: string) => void,
): Promise<number> {
  let report: ConformanceReport;
  try {
    report = await runFibConformance(options, ({ name, rule, result, why, milliseconds }) => {
      if (json) return;
      print(`${MARK[result].padEnd(6)}  ${name} (rule ${rule}, ${milliseconds} ms)`);
      if (why !== undefined) print(`        ${why}`);
    });
  } catch (cause) {
    if (!(cause instanceof Error) || !/^no executor answers|^the certificate/.test(cause.message)) throw cause;
    print(json ? JSON.stringify({ error: cause.message }) : `semrd: ${cause.message}`);
    return 69;
  }
  if (json) print(JSON.stringify(report, undefined, 2));
  else for (const line of summary(report)) print(line);
  return report.conformant ? 0 : 1;
}

function* summary({
  address,
  product,
  version,
  cannot,
  results,
  timing,
  conformant,
  seed,
}: ConformanceReport): Generator<string> {
  yield "";
  for (const { feature, reason } of cannot) yield `It says that it cannot: ${feature} (${reason}).`;
  if (timing !== undefined) {
    const { capabilities, handover, operationsPerSecond, read, single, health } = timing;
    yield `${capabilities} capabilities: handed over in ${Math.round(handover)} ms (${operationsPerSecond} operations a second), read back in ${Math.round(read)} ms`;
    yield `one change: median ${single.median} ms, 99 of 100 within ${single.p99} ms; health: ${health.median} ms, ${health.p99} ms`;
  }
  const failed = results.filter(({ result }) => result === "failed").length;
  const judgement = conformant ? "conforms" : `does not conform: ${failed} of ${results.length} cases failed`;
  yield `${product ?? "the executor"} at ${address}, version ${version} of the protocol, ${judgement} (seed ${seed})`;
  if (!conformant)
    yield "The rules are numbered in src/dataplane/fib-service/README.md; --only TEXT runs some cases alone.";
}
