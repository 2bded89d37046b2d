/** What needs gRPC, which is loaded by whoever has an executor: other routers start sooner, and are smaller. */

import type { ExecutorAddress } from "./channel.ts";
import type { ConformanceOptions, ConformanceReport, ConformanceResult } from "./conformance/index.ts";
import type { FibServiceDataplane, FibServiceDependencies, FibServiceOptions } from "./driver.ts";

/** See driver.ts. */
export async function startFibServiceDataplane(
  options: FibServiceOptions,
  dependencies: FibServiceDependencies,
): Promise<FibServiceDataplane> {
  const driver = await import("./driver.ts");
  return driver.startFibServiceDataplane(options, dependencies);
}

/** See probe.ts. */
export async function probeFibService(executor: ExecutorAddress): Promise<void> {
  const probe = await import("./probe.ts");
  await probe.probeFibService(executor);
}

/** See conformance/index.ts. */
export async function runFibConformance(
  options: ConformanceOptions,
  told?: (result: ConformanceResult) => void,
): Promise<ConformanceReport> {
  const conformance = await import("./conformance/index.ts");
  return conformance.runFibConformance(options, told);
}
