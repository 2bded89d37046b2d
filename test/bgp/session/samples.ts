import { seconds, unreachable } from "../../../src/base/index.ts";
import {
  type Agreement,
  negotiate,
  ownOpen,
  type PeeringEffect,
  type Session,
  type SessionEffect,
  type SessionEvent,
  type SessionSettings,
} from "../../../src/bgp/session/index.ts";
import { DEFAULT_DIALECT, notification, type OpenMessage } from "../../../src/bgp/wire/index.ts";

export const FAMILY = DEFAULT_DIALECT.family;

export function settingsSample(changes: Partial<SessionSettings> = {}): SessionSettings {
  return {
    localAs: 65000,
    remoteAs: 65000,
    bgpIdentifier: 0x0a000001,
    passive: false,
    holdTime: seconds(90),
    keepaliveTime: undefined,
    minimumHoldTime: seconds(0),
    connectRetry: seconds(5),
    idleHold: seconds(1),
    maximumBackOff: seconds(60),
    families: [FAMILY],
    restartFamilies: [FAMILY],
    requireFamily: false,
    gracefulRestart: {
      restartTime: seconds(120),
      restarting: false,
      forwardingPreserved: true,
      keepOverNotification: true,
    },
    ...changes,
  };
}

export const SETTINGS = settingsSample();

/** What the peer with the identifier 10.0.0.2 says. */
export function openSample(changes: Partial<SessionSettings> = {}): OpenMessage {
  return ownOpen(settingsSample({ bgpIdentifier: 0x0a000002, ...changes }));
}

export function agreementSample(theirs: Partial<SessionSettings> = {}, ours: Partial<SessionSettings> = {}): Agreement {
  const settings = settingsSample(ours);
  const answer = negotiate(settings, ownOpen(settings), openSample(theirs));
  if (!answer.ok) throw new Error(`refused with ${answer.fault.code}/${answer.fault.subcode}`);
  return answer.value;
}

const agreed = agreementSample();

export const SESSIONS = {
  Idle: { state: "Idle", failures: 0 },
  Connect: { state: "Connect", failures: 0 },
  Active: { state: "Active", failures: 0 },
  OpenSent: { state: "OpenSent", failures: 0, sent: ownOpen(SETTINGS) },
  OpenConfirm: { state: "OpenConfirm", failures: 0, agreed },
  Established: { state: "Established", failures: 0, agreed, settled: true },
} as const satisfies Record<Session["state"], Session>;

const fault = notification(3, 1);

/** One of each. */
export const EVENTS: { readonly [T in SessionEvent["type"]]: Extract<SessionEvent, { type: T }> } = {
  ManualStart: { type: "ManualStart" },
  ManualStop: { type: "ManualStop", notification: notification(6, 2) },
  AutomaticStart: { type: "AutomaticStart" },
  AutomaticStop: { type: "AutomaticStop", notification: notification(6, 1) },
  ConnectRetryTimer_Expires: { type: "ConnectRetryTimer_Expires" },
  HoldTimer_Expires: { type: "HoldTimer_Expires" },
  KeepaliveTimer_Expires: { type: "KeepaliveTimer_Expires" },
  DelayOpenTimer_Expires: { type: "DelayOpenTimer_Expires" },
  IdleHoldTimer_Expires: { type: "IdleHoldTimer_Expires" },
  Tcp_CR_Acked: { type: "Tcp_CR_Acked" },
  TcpConnectionConfirmed: { type: "TcpConnectionConfirmed" },
  TcpConnectionFails: { type: "TcpConnectionFails" },
  BGPOpen: { type: "BGPOpen", open: openSample() },
  BGPHeaderErr: { type: "BGPHeaderErr", fault: notification(1, 2) },
  BGPOpenMsgErr: { type: "BGPOpenMsgErr", fault: notification(2, 2) },
  OpenCollisionDump: { type: "OpenCollisionDump" },
  NotifMsgVerErr: { type: "NotifMsgVerErr", notification: notification(2, 1) },
  NotifMsg: { type: "NotifMsg", notification: notification(6, 2) },
  KeepAliveMsg: { type: "KeepAliveMsg" },
  UpdateMsg: { type: "UpdateMsg" },
  UpdateMsgErr: { type: "UpdateMsgErr", fault },
  SendHoldTimer_Expires: { type: "SendHoldTimer_Expires" },
  RouteRefreshMsg: { type: "RouteRefreshMsg", family: FAMILY },
};

/** An effect in a few words; times with jitter carry a tilde. */
export function shown(effect: SessionEffect | PeeringEffect): string {
  const side = "side" in effect ? `${effect.side}: ` : "";
  return side + words(effect);
}

function words(effect: SessionEffect | PeeringEffect): string {
  switch (effect.type) {
    case "arm":
      return `arm ${effect.timer} ${effect.jitter ? "~" : ""}${effect.delay}`;
    case "disarm":
      return `disarm ${effect.timer}`;
    case "sendNotification":
      return `notify ${effect.notification.code}/${effect.notification.subcode}`;
    case "ended":
      return `ended ${effect.end.cause}${effect.agreed === undefined ? "" : " established"}`;
    case "sendOpen":
    case "sendKeepalive":
    case "allowExtendedMessages":
      return effect.type;
    case "connect":
    case "close":
    case "disarmAll":
    case "established":
    case "refresh":
    case "refreshBegins":
    case "refreshEnds":
    case "adopt":
    case "refuse":
      return effect.type;
    default:
      return unreachable(effect);
  }
}
