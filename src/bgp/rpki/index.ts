export type { CacheOptions, CacheStatus } from "./cache-client.ts";
export { RouteValidator, type ValidatorParts, type ValidityChange } from "./route-validator.ts";
export { type Vrp, VrpTable } from "./vrp-table.ts";
