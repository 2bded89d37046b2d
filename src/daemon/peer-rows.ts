import { type Clock, formatIpv4 } from "../base/index.ts";
import type { PeerError, PeerStatus } from "../bgp/speaker/index.ts";
import type { PeerRow } from "../management/index.ts";

/** What operators read for `ipv6/251`. */
const FAMILY_NAMES: ReadonlyMap<string, string> = new Map([["ipv6/251", "ipv6 capability"]]);

function errorText({ direction, text }: PeerError): string {
  return direction === "none" ? text : `${text} (${direction})`;
}

export function peerRow(peer: PeerStatus, clock: Clock): PeerRow {
  const { gracefulRestart, capabilities } = peer;
  return {
    address: peer.address,
    ...(peer.description === undefined ? {} : { description: peer.description }),
    remoteAs: peer.remoteAs,
    kind: peer.kind,
    reflectorClient: peer.reflectorClient,
    state: peer.state,
    stateAgeSeconds: Math.max(0, Math.round((clock.wall() - peer.since) / 1000)),
    ...(peer.bgpIdentifier === undefined ? {} : { routerId: formatIpv4(peer.bgpIdentifier) }),
    ...(peer.holdTime === undefined ? {} : { holdTimeSeconds: peer.holdTime }),
    ...(peer.keepaliveTime === undefined ? {} : { keepaliveSeconds: peer.keepaliveTime }),
    ...(capabilities.gracefulRestart || gracefulRestart.helper !== "none"
      ? {
          gracefulRestart: {
            restartTimeSeconds: gracefulRestart.peerRestartTime ?? 0,
            forwardingPreserved: gracefulRestart.peerForwardingPreserved,
            helping: gracefulRestart.helper !== "none",
          },
        }
      : {}),
    families: peer.families.map((family) => FAMILY_NAMES.get(family) ?? family),
    perFamily: peer.perFamily.map(({ family, agreed, disabled, routesReceived, routesAdvertised, routesPending }) => ({
      family,
      agreed,
      disabled,
      routesReceived,
      routesAdvertised,
      routesPending,
    })),
    routesReceived: peer.routesReceived,
    routesAdvertised: peer.routesAdvertised,
    routesPending: peer.routesPending,
    messagesReceived: String(peer.messagesReceived),
    messagesSent: String(peer.messagesSent),
    establishedTransitions: peer.establishedTransitions,
    ...(peer.lastError === undefined ? {} : { lastError: errorText(peer.lastError) }),
  };
}
