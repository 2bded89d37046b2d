export { type LoadCounts, type LoadOptions, type LoadParts, loadRoutes } from "./route-loader.ts";
export {
  MrtFormatError,
  type ReplayUpdate,
  type RouteReaderCounts,
  type RouteReaderOptions,
  readRoutes,
} from "./route-reader.ts";
export { SessionRecorder } from "./session-recorder.ts";
export { type JobParts, type JobStatus, TableJob, type TableJobOptions } from "./table-job.ts";
export { type SnapshotOptions, type SnapshotParts, tableSnapshot } from "./table-snapshot.ts";
export { UpdateLog, type UpdateLogOptions, type UpdateLogParts } from "./update-log.ts";
export * from "./wire/index.ts";
