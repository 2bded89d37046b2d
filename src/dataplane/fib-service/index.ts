export type { ExecutorAddress, ExecutorTls } from "./channel.ts";
export {
  type FibServiceDataplane,
  type FibServiceDependencies,
  type FibServiceOptions,
  startFibServiceDataplane,
} from "./driver.ts";
export * from "./messages.ts";
export type { ExecutorReport, ExecutorState } from "./report.ts";
export { fromMessage, operationsOf, toMessage } from "./wire.ts";
