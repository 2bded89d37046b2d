export * from "./calling.ts";
export * from "./editing.ts";
export * from "./locking.ts";
export type * from "./operation.ts";
export * from "./reading.ts";
export * from "./schemas.ts";
export * from "./sessions.ts";
export * from "./subscribing.ts";
