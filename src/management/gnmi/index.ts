export { Arbiter } from "./extensions.ts";
export type { RestartControl, RestartMethod, RestartOrder } from "./gnoi/restart.ts";
export { LONGEST_SOCKET_PATH, type LocalGnmiOptions, type LocalGnmiParts, startLocalGnmi } from "./local.ts";
export { checkGnmiCertificate, type GnmiOptions, type GnmiStartParts, type RunningGnmi, startGnmi } from "./start.ts";
export type { OperatorTokens, ShownToken, TokenJudgement } from "./tokens.ts";
