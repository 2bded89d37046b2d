export { explainPacket, type GroupChoice, type PacketExplanation, type Probe } from "./explain.ts";
export { MAX_LENGTH, type PacketQuestion } from "./packet.ts";
export { VERDICT_TEXT } from "./verdicts.ts";
