export type { ControlOrigin } from "./control/index.ts";
export { Arbiter } from "./extensions.ts";
export type { RestartControl, RestartMethod, RestartOrder } from "./gnoi/restart.ts";
export {
  LONGEST_SOCKET_PATH,
  type LocalGnmi,
  type LocalGnmiOptions,
  type LocalGnmiParts,
  type LocalGnmiSocket,
  openLocalGnmi,
  startLocalGnmi,
} from "./local.ts";
export { checkGnmiCertificate, type GnmiOptions, type RunningGnmi } from "./running.ts";
export { type GnmiStartParts, startGnmi } from "./start.ts";
export type { OperatorTokens, ShownToken, TokenJudgement } from "./tokens.ts";
