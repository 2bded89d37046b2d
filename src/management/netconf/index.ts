export type { WriteSecret } from "./host-keys.ts";
export { type MonitoringParts, netconfState } from "./monitoring.ts";
export * from "./start.ts";
