export * from "./events.ts";
export * from "./graceful-restart.ts";
export * from "./negotiation.ts";
export * from "./peering.ts";
export * from "./selection-deferral.ts";
export * from "./session.ts";
export * from "./settings.ts";
