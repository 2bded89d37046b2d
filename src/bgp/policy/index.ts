export * from "./export.ts";
export * from "./import-checks.ts";
export * from "./policy.ts";
