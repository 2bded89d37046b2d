export { explainPacket, type GroupChoice, type PacketExplanation, type Probe } from "./explain.ts";
export type { PacketQuestion } from "./packet.ts";
