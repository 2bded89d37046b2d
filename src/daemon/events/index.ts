export { agentEvents } from "./agents.ts";
export { CapabilityEvents } from "./capabilities.ts";
export { CapacityEvents } from "./capacity.ts";
export { type Publish, publisher } from "./publish.ts";
export { SessionEvents } from "./sessions.ts";
export { PolicyViolations } from "./violations.ts";
