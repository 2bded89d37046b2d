export type { SpeakerRib } from "./intake.ts";
export { createNetTransport, type NetTransportParts } from "./net-transport.ts";
export * from "./options.ts";
export { type Speaker, SpeakerError, type SpeakerFault, type SpeakerParts, startSpeaker } from "./speaker.ts";
export * from "./status.ts";
export * from "./transport.ts";
