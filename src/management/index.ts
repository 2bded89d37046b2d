export { hashPassword, sshKeyPair, UserBook } from "./access/index.ts";
export * from "./alarms/index.ts";
export type * from "./configuration/agents.ts";
export type * from "./configuration/bgp.ts";
export type { RouterChange, RouterState } from "./configuration/binder.ts";
export type * from "./configuration/bmp.ts";
export { type CheckOutput, checkConfigCommand, checkConfiguration } from "./configuration/check.ts";
export type * from "./configuration/dataplane.ts";
export { ConfigurationError, type ConfigurationFault, formatFault } from "./configuration/error.ts";
export { type Files, withoutMark } from "./configuration/files.ts";
export type * from "./configuration/grpc.ts";
export type * from "./configuration/ipv4.ts";
export { JsonSyntaxError, parseJsonDocument } from "./configuration/json-document.ts";
export type * from "./configuration/keystore.ts";
export { type LoadParts, loadConfiguration, parseConfiguration } from "./configuration/load.ts";
export type * from "./configuration/mrt.ts";
export type * from "./configuration/operators.ts";
export type * from "./configuration/policy.ts";
export { isRenumbered, LASTING, LIVE, NEVER, recodedFamilies } from "./configuration/restart.ts";
export type * from "./configuration/rpki.ts";
export { Secret } from "./configuration/secret.ts";
export type * from "./configuration/types.ts";
export * from "./control/index.ts";
export * from "./datastore/index.ts";
export * from "./events/index.ts";
export * from "./gnmi/index.ts";
export * from "./nacm/index.ts";
export * from "./netconf/index.ts";
export * from "./operations/index.ts";
export {
  openRouterManagement,
  openRouterSchema,
  type RouterManagement,
  type RouterManagementParts,
  type RouterSchema,
} from "./router.ts";
export * from "./state/index.ts";
export * from "./transaction/index.ts";
export { openProtocolSchema } from "./yang/schema.ts";
