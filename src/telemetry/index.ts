export {
  Collector,
  type CollectorState,
  FlowBook,
  type FlowRecord,
  IpfixWriter,
  type SeenFlow,
} from "./flows/index.ts";
export { createMetrics, type MetricsRegistry } from "./metrics.ts";
export {
  type MetricsServer,
  type MetricsServerOptions,
  startMetricsServer,
  TelemetryError,
  type TelemetryFault,
} from "./metrics-server.ts";
