export { type BfdMonitor, type BfdMonitorParts, startBfdMonitor } from "./monitor.ts";
export type { BfdPath, BfdPathStatus, BfdScheduling, PathSwitch, SessionNews } from "./path.ts";
