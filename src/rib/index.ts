export * from "./attributes.ts";
export * from "./brownfield-mark.ts";
export { RibError, type RibFault } from "./fault.ts";
export { createRib, type RibOptions, type RibParts } from "./rib.ts";
export { digestOf, emptyDigest, markOfCommunity } from "./set-digest.ts";
export * from "./types.ts";
export type { WeightSource } from "./weight.ts";
