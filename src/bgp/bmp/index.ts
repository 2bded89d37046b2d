export type { LocalFacts } from "./loc-rib-feed.ts";
export { BmpMonitor, type MonitorParts } from "./monitor.ts";
export type { MonitoredTable, StationOptions, StationStatus } from "./station.ts";
export * from "./wire/index.ts";
