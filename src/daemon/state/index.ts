import type { StateSource } from "../../management/index.ts";
import type { ControlParts } from "../control.ts";
import type { SelectionFan } from "../selection-fan.ts";
import { agentState } from "./agents.ts";
import { flowRecordsState } from "./flow-records.ts";
import { capabilityState, dataplaneState, interfaceState, tenantState } from "./forwarding.ts";
import { cacheState, stationState } from "./monitoring.ts";
import { bgpState, neighborState } from "./neighbors.ts";
import { policyState } from "./policies.ts";
import { routerState } from "./router.ts";
import { ribState } from "./routes.ts";

import type { SessionWatch } from "./session-watch.ts";

export { instanceKeys } from "./agents.ts";
export { SessionWatch } from "./session-watch.ts";

/** Everything that the model has of what this router does. */
export function stateSources(
  parts: ControlParts,
  watches: { readonly selections: SelectionFan; readonly sessions: SessionWatch },
): readonly StateSource[] {
  return [
    routerState(parts),
    ...agentState(parts),
    capabilityState(parts, watches.selections),
    tenantState(parts),
    interfaceState(parts),
    dataplaneState(parts),
    ...flowRecordsState(parts),
    policyState(parts),
    bgpState(parts),
    cacheState(parts),
    stationState(parts),
    neighborState(parts, watches.sessions),
    ...ribState(parts),
  ];
}
