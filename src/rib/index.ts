export * from "./attributes.ts";
export { RibError, type RibFault } from "./fault.ts";
export * from "./types.ts";
