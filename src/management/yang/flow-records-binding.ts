import { seconds } from "../../base/index.ts";
import type { TelemetryConfiguration } from "../configuration/types.ts";
import type { FlowRecords } from "../schema/instance/semrd-telemetry.ts";

/** Nothing without the container. */
export function bindFlowRecords(records: FlowRecords | undefined): Pick<TelemetryConfiguration, "flowRecords"> {
  if (records === undefined) return {};
  return {
    flowRecords: {
      flowInterval: records["flow-interval"],
      refusedInterval: records["refused-interval"],
      activeTimeout: seconds(records["active-timeout"]),
      idleTimeout: seconds(records["idle-timeout"]),
      mostFlows: records["most-flows"],
      history: records.history,
      collectors: (records.collector ?? []).map(({ name, address, port }) => ({ name, address, port })),
    },
  };
}
