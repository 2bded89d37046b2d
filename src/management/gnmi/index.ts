export type { RestartControl, RestartMethod, RestartOrder } from "./gnoi/restart.ts";
export { checkGnmiCertificate, type GnmiOptions, type GnmiStartParts, type RunningGnmi, startGnmi } from "./start.ts";
export type { OperatorTokens, ShownToken, TokenJudgement } from "./tokens.ts";
