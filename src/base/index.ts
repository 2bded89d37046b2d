export * from "./capability.ts";
export * from "./duration.ts";
export * from "./fault.ts";
export * from "./ipv6.ts";
export * from "./octets.ts";
export * from "./ports.ts";
export * from "./scope.ts";
export * from "./source-rates.ts";
