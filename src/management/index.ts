export { parseAgent } from "./configuration/agent.ts";
export { type CheckOutput, checkConfigCommand, checkConfiguration } from "./configuration/check.ts";
export { ConfigurationError, type ConfigurationFault, formatFault } from "./configuration/error.ts";
export type { Files } from "./configuration/files.ts";
export { type LoadParts, loadConfiguration, parseConfiguration } from "./configuration/load.ts";
export type * from "./configuration/policy.ts";
export { Secret } from "./configuration/secret.ts";
export type * from "./configuration/types.ts";
export * from "./control/index.ts";
