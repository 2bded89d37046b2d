export * from "./driver.ts";
export { DataplaneError, type DataplaneFault } from "./error.ts";
export { type MemoryDataplane, type MemoryDataplaneDependencies, startMemoryDataplane } from "./memory/driver.ts";
