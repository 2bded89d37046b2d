export type { PolicyFacts } from "./actions.ts";
export { MAX_AS_PATH_TOKENS } from "./as-path-pattern.ts";
export * from "./book.ts";
export * from "./definition.ts";
export * from "./export.ts";
export * from "./graceful-shutdown.ts";
export * from "./import-checks.ts";
export * from "./policy.ts";
export * from "./reflection.ts";
