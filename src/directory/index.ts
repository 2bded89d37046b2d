export { type DampedSummary, type DampingParts, type DampingSettings, SourceDamper, UNDAMPED } from "./damping.ts";
export {
  Directory,
  type DirectoryLimits,
  type DirectoryParts,
  type RemovalCause,
} from "./directory.ts";
export * from "./discovery-source.ts";
export * from "./faults.ts";
export type { SiteKey } from "./instance-index.ts";
export { instanceState, summarize } from "./local-site.ts";
export * from "./record.ts";
export { decodeAgentRecord, encodeAgentRecord } from "./record-json.ts";
export * from "./registrar.ts";
export { sameCheck } from "./same.ts";
export * from "./static-agents.ts";
export * from "./taxonomy.ts";
export * from "./types.ts";
