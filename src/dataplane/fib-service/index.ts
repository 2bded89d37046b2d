export type { ExecutorAddress, ExecutorTls } from "./channel.ts";
export {
  type ConformanceOptions,
  type ConformanceReport,
  type ConformanceResult,
  runFibConformance,
} from "./conformance/index.ts";
export {
  type FibServiceDataplane,
  type FibServiceDependencies,
  type FibServiceOptions,
  startFibServiceDataplane,
} from "./driver.ts";
export * from "./messages.ts";
export { probeFibService } from "./probe.ts";
export type { ExecutorReport, ExecutorState } from "./report.ts";
export { fromMessage, toMessage } from "./wire.ts";
