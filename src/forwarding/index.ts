export { CapabilityBatch, MOST_IN_BATCH } from "./capability-batch.ts";
export { Compiler, type CompilerParts, type InstanceNews } from "./compiler.ts";
export { addedOctets } from "./encapsulation.ts";
export { HELD_AT_ONCE, inBatches, inWords, ownersIn } from "./held-plan.ts";
export type { CompilerOptions, KnownCapability, Tunnel } from "./inputs.ts";
export * from "./plan.ts";
export * from "./policy.ts";
export type { Refusal, RefusalCount } from "./reports.ts";
export type { AccessRule, CapabilityMatch, CapabilityTerms, TenantPolicy } from "./tenant-policy.ts";
