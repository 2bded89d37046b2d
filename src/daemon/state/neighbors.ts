import { formatIpv4 } from "../../base/index.ts";
import type { PeerError, PeerStatus } from "../../bgp/speaker/index.ts";
import type { Path, StateSource } from "../../management/index.ts";
import { kernelHasTcpAo } from "../bgp.ts";
import type { ControlParts } from "../control.ts";
import { capabilityRows } from "../peer-capabilities.ts";
import { present } from "../rows.ts";
import { bfdStatus } from "../status-report.ts";
import { dateAndTime, entry, place } from "./place.ts";
import type { SessionWatch } from "./session-watch.ts";

const NEIGHBOR = place("semrd-router:router", "semrd-bgp:bgp", "neighbors", "neighbor");

const neighborPath = (address: string): Path => entry(NEIGHBOR, { 3: { address } });

/** The states of RFC 4271 §8.2.2, `Idle` as `idle`, `OpenSent` as `open-sent`. */
export const kebab = (state: string): string => state.replace(/\B[A-Z]/g, "-$&").toLowerCase();

/** Neighbours, those that came by themselves with what they have as well. */
export function neighborState(parts: ControlParts, sessions: SessionWatch): StateSource {
  return {
    path: NEIGHBOR,
    *rows() {
      for (const { peer, bfd, discontinuity } of parts.eventCounters.peers()) {
        const cameByItself = peer.range !== undefined;
        yield {
          path: neighborPath(peer.address),
          value: {
            ...(cameByItself ? { "remote-as": peer.remoteAs, ...present({ "peer-group": peer.group }) } : {}),
            state: {
              ...members(peer, bfdStatus(parts, peer.address, bfd)),
              "discontinuity-time": dateAndTime(discontinuity),
            },
          },
        };
      }
    },
    watch: (changed) =>
      sessions.subscribe(({ type, peer }) => {
        if (type !== "refused") changed(neighborPath(peer));
      }),
  };
}

/** What this host can do for sessions, where there are any. */
export function bgpState(parts: ControlParts): StateSource {
  const path = place("semrd-router:router", "semrd-bgp:bgp", "state");
  // The kernel stays the same for as long as the router runs.
  let hasTcpAo: boolean | undefined;
  return {
    path,
    *rows() {
      if (parts.configuration.bgp === undefined) return;
      hasTcpAo ??= kernelHasTcpAo();
      yield { path, value: { "tcp-ao": hasTcpAo } };
    },
  };
}

function members(peer: PeerStatus, bfd: ReturnType<typeof bfdStatus>) {
  const { gracefulRestart, capabilities, local, remote } = peer;
  const isUp = peer.state === "Established";
  return {
    "session-state": kebab(peer.state),
    "last-change": dateAndTime(peer.since.wall),
    enabled: peer.enabled,
    "peer-type": peer.kind,
    "remote-as": peer.remoteAs,
    ...present({
      "waits-for": peer.waitsFor,
      reflection: peer.reflectorClient ? (peer.meshed ? "meshed-client" : "client") : undefined,
      "send-hold-time": peer.sendHoldTime,
      "ttl-security-hops": peer.ttlSecurityHops,
      range: peer.interface === undefined ? peer.range : undefined,
      interface: peer.interface,
      "cluster-id": peer.clusterId === undefined ? undefined : formatIpv4(peer.clusterId),
      "router-id": peer.bgpIdentifier === undefined ? undefined : formatIpv4(peer.bgpIdentifier),
      "local-role": peer.role?.local,
      // The zone is a leaf of its own.
      "local-address": local?.address.replace(/%.*$/, ""),
      "local-port": local?.port,
      "remote-port": remote?.port,
      "hold-time": peer.holdTime,
      "keepalive-time": peer.keepaliveTime,
      agreed: isUp ? agreed(capabilities) : undefined,
      "unknown-capability": isUp ? [...new Set(capabilities.unknown)] : undefined,
      protection: peer.protection,
      "last-error": peer.lastError && notification(peer.lastError),
      "last-sent": peer.lastSent && notification(peer.lastSent),
      "last-received": peer.lastReceived && notification(peer.lastReceived),
      bfd: bfd && bfdMembers(bfd),
    }),
    ...(capabilities.gracefulRestart || gracefulRestart.helper !== "none"
      ? {
          "graceful-restart": {
            ...present({ "restart-time": gracefulRestart.peerRestartTime }),
            "forwarding-preserved": gracefulRestart.peerForwardingPreserved,
            helping: gracefulRestart.helper !== "none",
            "last-resort": gracefulRestart.helper === "long-lived",
          },
        }
      : {}),
    family: peer.perFamily.map(({ family, addPath, ...counts }) => ({
      name: family,
      agreed: counts.agreed,
      disabled: counts.disabled,
      "routes-received": counts.routesReceived,
      ...present({
        "routes-kept": counts.routesKept,
        "maximum-routes": counts.maximumRoutes,
        "near-maximum": counts.warnAt === undefined ? undefined : counts.routesReceived >= counts.warnAt,
        "peer-forwarding-preserved": counts.peerRestart?.forwardingPreserved,
        "peer-long-lived-stale-time": counts.peerRestart?.longLivedStaleTime,
        "routes-stale": counts.kept,
      }),
      ...(counts.agreed
        ? { "end-of-rib-sent": counts.endOfRibSent, "end-of-rib-received": counts.endOfRibReceived }
        : {}),
      "routes-advertised": counts.routesAdvertised,
      "routes-pending": counts.routesPending,
      "add-path": [...(addPath.send ? ["send"] : []), ...(addPath.receive ? ["receive"] : [])],
    })),
    "messages-received": String(peer.messagesReceived),
    "messages-sent": String(peer.messagesSent),
    "updates-received": String(peer.updatesReceived),
    "updates-sent": String(peer.updatesSent),
    "notifications-received": String(peer.notificationsReceived),
    "notifications-sent": String(peer.notificationsSent),
    "opens-received": String(peer.opensReceived),
    "opens-sent": String(peer.opensSent),
    "keepalives-received": String(peer.keepalivesReceived),
    "keepalives-sent": String(peer.keepalivesSent),
    "refreshes-received": String(peer.refreshesReceived),
    "refreshes-sent": String(peer.refreshesSent),
    capability: capabilityRows(peer).map(({ code, name, sent, received, agreed: inUse }) => ({
      code,
      name,
      // A leaf-list has each value once, and no order that means anything.
      sent: [...new Set(sent.map((value) => value || "offered"))],
      received: [...new Set(received.map((value) => value || "offered"))],
      ...present({ agreed: inUse }),
    })),
    "treated-as-withdraw": String(peer.treatedAsWithdraw),
    "attributes-discarded": String(peer.attributesDiscarded),
    "routes-refused": byReason(peer.routesRefused),
    "routes-withheld": byReason(peer.routesWithheld),
    "established-transitions": peer.establishedTransitions,
    flaps: peer.flaps,
    "failures-in-a-row": peer.failures,
    "refused-connections": peer.refusedConnections,
  };
}

const byReason = (counts: ReadonlyMap<string, number>) =>
  Array.from(counts, ([reason, routes]) => ({ reason, routes: String(routes) }));

const AGREED = {
  fourOctetAs: "four-octet-as",
  routeRefresh: "route-refresh",
  enhancedRouteRefresh: "enhanced-route-refresh",
  extendedMessages: "extended-messages",
  extendedNextHop: "extended-next-hop",
  gracefulRestart: "graceful-restart",
  longLivedGracefulRestart: "long-lived-graceful-restart",
  restartOverNotification: "graceful-restart-over-notification",
} as const;

function agreed(capabilities: PeerStatus["capabilities"]): string[] {
  return Object.entries(AGREED).flatMap(([name, leaf]) => (capabilities[name as keyof typeof AGREED] ? [leaf] : []));
}

const notification = ({ code, subcode, text, at }: PeerError) => ({ code, subcode, text, time: dateAndTime(at.wall) });

function bfdMembers(bfd: NonNullable<ReturnType<typeof bfdStatus>>) {
  return {
    "session-state": kebab(bfd.state),
    "remote-state": kebab(bfd.remoteState),
    "path-failed": bfd.pathFailed,
    ...present({
      "transmit-interval": bfd.transmitInterval,
      "detection-time": bfd.detectionTime,
      "failed-at": bfd.failedAt === undefined ? undefined : dateAndTime(bfd.failedAt),
    }),
    downs: bfd.downs,
    failures: bfd.failures,
    "packets-sent": String(bfd.sent),
    "packets-received": String(bfd.received),
  };
}
