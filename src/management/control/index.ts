export { alarmRows, eventRows } from "./alarm-rows.ts";
export { COUNTER_PARTS } from "./counters.ts";
export {
  type ControlHandlers,
  ControlRefusal,
  type ExplainQuestion,
  type MrtTableQuestion,
  type PacketInquiry,
  type RefusalStatus,
  type RouteFamilyName,
  type Rows,
  type UnicastFamilyName,
} from "./handlers.ts";
export {
  type ControlServer,
  type ControlServerOptions,
  type ControlServerParts,
  startControlServer,
} from "./server.ts";
export { ControlSocketError } from "./socket.ts";
export type * from "./types.ts";
