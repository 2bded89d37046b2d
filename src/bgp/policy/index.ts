export * from "./export.ts";
export * from "./import-checks.ts";
export * from "./policy.ts";
export * from "./reflection.ts";
