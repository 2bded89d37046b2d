export type { WriteSecret } from "./host-keys.ts";
export * from "./start.ts";
