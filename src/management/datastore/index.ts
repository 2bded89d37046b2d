export type * from "./access.ts";
export * from "./candidate.ts";
export * from "./error.ts";
export * from "./locks.ts";
export * from "./model.ts";
export type * from "./operation.ts";
export * from "./path.ts";
export * from "./session-table.ts";
export type * from "./types.ts";
