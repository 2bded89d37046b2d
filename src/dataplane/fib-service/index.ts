export type { ExecutorAddress, ExecutorTls } from "./channel.ts";
export type { ConformanceOptions, ConformanceReport, ConformanceResult } from "./conformance/index.ts";
export type { FibServiceDataplane, FibServiceDependencies, FibServiceOptions } from "./driver.ts";
export * from "./messages.ts";
export { probeFibService, runFibConformance, startFibServiceDataplane } from "./on-demand.ts";
export type { ExecutorReport, ExecutorState } from "./report.ts";
export { fromMessage, toMessage } from "./wire.ts";
