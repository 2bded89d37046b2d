export { checkNetconfCertificate } from "./doors.ts";
export type { WriteSecret } from "./host-keys.ts";
export { type MonitoringParts, netconfState } from "./monitoring.ts";
export type { RunningNetconf } from "./running.ts";
export * from "./start.ts";
