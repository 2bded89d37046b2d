import { type Clock, formatIpv4 } from "../base/index.ts";
import type { BfdPathStatus } from "../bfd/index.ts";
import type { BrownfieldStatus } from "../bgp/brownfield/index.ts";
import type { AddPathDirections, FamilyStatus, PeerError, PeerStatus } from "../bgp/speaker/index.ts";
import type { NotificationRow, PeerBfd, PeerFamilyRow, PeerRow, ReasonRow } from "../management/index.ts";
import { capabilityRows } from "./peer-capabilities.ts";
import { ageSeconds, present } from "./rows.ts";

/** What operators read for `ipv6/251`. */
const FAMILY_NAMES: ReadonlyMap<string, string> = new Map([["ipv6/251", "ipv6 capability"]]);

function errorText({ direction, text }: PeerError): string {
  return direction === "none" ? text : `${text} (${direction})`;
}

/** @see RFC 5880 §4.1 */
const DIAGNOSTICS: readonly string[] = [
  "",
  "control detection time expired",
  "echo function failed",
  "neighbor signaled session down",
  "forwarding plane reset",
  "path down",
  "concatenated path down",
  "administratively down",
  "reverse concatenated path down",
];

function bfdMembers(bfd: BfdPathStatus, multihop: boolean): PeerBfd {
  const { transmitInterval, detectionTime } = bfd;
  const discarded = Object.values(bfd.discarded).reduce((sum, count) => sum + count, 0);
  return {
    state: bfd.state,
    remoteState: bfd.remoteState,
    pathFailed: bfd.pathFailed,
    multihop,
    ...(transmitInterval === undefined ? {} : { transmitMs: transmitInterval / 1000 }),
    ...(detectionTime === undefined ? {} : { detectionMs: detectionTime / 1000 }),
    ...(bfd.diagnostic === 0 ? {} : { diagnostic: DIAGNOSTICS[bfd.diagnostic] ?? `diagnostic ${bfd.diagnostic}` }),
    downs: bfd.downs,
    failures: bfd.failures,
    ...(bfd.failedAt === undefined ? {} : { failedAt: new Date(bfd.failedAt).toISOString() }),
    packetsSent: String(bfd.sent),
    packetsReceived: String(bfd.received),
    packetsDiscarded: String(discarded),
    packetsLate: String(bfd.late),
    latestMs: bfd.latest / 1000,
    stalls: bfd.stalls,
  };
}

function codesOf({ code, subcode }: PeerError): Pick<PeerRow, "lastErrorCode" | "lastErrorSubcode"> {
  return { lastErrorCode: code, lastErrorSubcode: subcode };
}

function negotiated({ capabilities }: PeerStatus): NonNullable<PeerRow["negotiated"]> {
  const { fourOctetAs, routeRefresh, extendedMessages, gracefulRestart, longLivedGracefulRestart } = capabilities;
  const { restartOverNotification } = capabilities;
  return {
    fourOctetAs,
    routeRefresh,
    extendedMessages,
    extendedNextHop: capabilities.extendedNextHop,
    gracefulRestart,
    longLivedGracefulRestart,
    restartOverNotification,
    unknownCapabilities: capabilities.unknown,
  };
}

function notificationRow({ code, subcode, text, at }: PeerError, clock: Clock): NotificationRow {
  return { code, subcode, text, ageSeconds: ageSeconds(at.monotonic, clock.monotonic()) };
}

function addPathMember({ send, receive }: AddPathDirections): Pick<PeerFamilyRow, "addPath"> {
  if (!send && !receive) return {};
  return { addPath: send && receive ? "both" : send ? "send" : "receive" };
}

function familyRow(status: FamilyStatus): PeerFamilyRow {
  const { family, agreed, disabled, routesReceived, routesAdvertised, routesPending, peerRestart: restart } = status;
  const { routesKept, maximumRoutes, warnAt, kept, keptYet } = status;
  return {
    ...{ family, agreed, disabled, routesReceived, routesAdvertised, routesPending },
    ...present({ routesKept, maximumRoutes, warnAt, kept }),
    ...(keptYet === undefined ? {} : { keptYetSeconds: Math.ceil(keptYet / 1000) }),
    ...addPathMember(status.addPath),
    ...(agreed ? { endOfRib: { sent: status.endOfRibSent, received: status.endOfRibReceived } } : {}),
    ...(restart === undefined
      ? {}
      : {
          peerRestart: {
            forwardingPreserved: restart.forwardingPreserved,
            ...present({ longLivedStaleTimeSeconds: restart.longLivedStaleTime }),
          },
        }),
  };
}

const reasonRows = (counts: ReadonlyMap<string, number>): readonly ReasonRow[] =>
  Array.from(counts, ([reason, routes]) => ({ reason, routes: String(routes) }));

function brownfieldMembers(status: BrownfieldStatus): NonNullable<PeerRow["brownfield"]> {
  return {
    learnt: status.learnt,
    mismatched: status.mismatched,
    lost: Array.from(status.lost, ([attribute, routes]) => ({ attribute, routes })),
    refused: Array.from(status.refused, ([reason, routes]) => ({ reason, routes })),
    returnedPoorer: status.returnedPoorer,
  };
}

export function peerRow(
  peer: PeerStatus,
  clock: Clock,
  bfd?: BfdPathStatus & { readonly multihop: boolean },
  brownfield?: BrownfieldStatus,
): PeerRow {
  const { gracefulRestart, capabilities } = peer;
  return {
    address: peer.address,
    ...(peer.description === undefined ? {} : { description: peer.description }),
    remoteAs: peer.remoteAs,
    kind: peer.kind,
    reflectorClient: peer.reflectorClient,
    ...(peer.meshed ? { meshed: true } : {}),
    ...(peer.role === undefined ? {} : { localRole: peer.role.local }),
    state: peer.state,
    stateAgeSeconds: ageSeconds(peer.since.monotonic, clock.monotonic()),
    enabled: peer.enabled,
    ...present({
      waitsFor: peer.waitsFor,
      sendHoldSeconds: peer.sendHoldTime,
      protection: peer.protection,
      ttlSecurityHops: peer.ttlSecurityHops,
      clusterId: peer.clusterId === undefined ? undefined : formatIpv4(peer.clusterId),
    }),
    ...(peer.group === undefined ? {} : { group: peer.group }),
    ...(peer.range === undefined ? {} : { range: peer.range }),
    ...(peer.local === undefined ? {} : { local: peer.local }),
    ...(peer.remote === undefined ? {} : { remote: peer.remote }),
    timersSeconds: Object.fromEntries(
      Object.entries(peer.timers).map(([name, left]) => [name, Math.round(left / 100) / 10]),
    ),
    ...(peer.state === "Established" ? { negotiated: negotiated(peer) } : {}),
    ...(peer.bgpIdentifier === undefined ? {} : { routerId: formatIpv4(peer.bgpIdentifier) }),
    ...(peer.holdTime === undefined ? {} : { holdTimeSeconds: peer.holdTime }),
    ...(peer.keepaliveTime === undefined ? {} : { keepaliveSeconds: peer.keepaliveTime }),
    ...(capabilities.gracefulRestart || gracefulRestart.helper !== "none"
      ? {
          gracefulRestart: {
            ...present({ restartTimeSeconds: gracefulRestart.peerRestartTime }),
            forwardingPreserved: gracefulRestart.peerForwardingPreserved,
            helping: gracefulRestart.helper !== "none",
            lastResort: gracefulRestart.helper === "long-lived",
          },
        }
      : {}),
    ...(peer.state === "Established" ? { enhancedRouteRefresh: capabilities.enhancedRouteRefresh } : {}),
    families: peer.families.map((family) => FAMILY_NAMES.get(family) ?? family),
    perFamily: peer.perFamily.map(familyRow),
    routesReceived: peer.routesReceived,
    routesAdvertised: peer.routesAdvertised,
    routesPending: peer.routesPending,
    messagesReceived: String(peer.messagesReceived),
    messagesSent: String(peer.messagesSent),
    updatesReceived: String(peer.updatesReceived),
    updatesSent: String(peer.updatesSent),
    notificationsReceived: String(peer.notificationsReceived),
    notificationsSent: String(peer.notificationsSent),
    opensReceived: String(peer.opensReceived),
    opensSent: String(peer.opensSent),
    keepalivesReceived: String(peer.keepalivesReceived),
    keepalivesSent: String(peer.keepalivesSent),
    refreshesReceived: String(peer.refreshesReceived),
    refreshesSent: String(peer.refreshesSent),
    capabilities: capabilityRows(peer),
    treatedAsWithdraw: String(peer.treatedAsWithdraw),
    attributesDiscarded: String(peer.attributesDiscarded),
    routesRefused: reasonRows(peer.routesRefused),
    routesWithheld: reasonRows(peer.routesWithheld),
    establishedTransitions: peer.establishedTransitions,
    flaps: peer.flaps,
    failuresInARow: peer.failures,
    refusedConnections: peer.refusedConnections,
    ...(peer.lastError === undefined ? {} : { lastError: errorText(peer.lastError), ...codesOf(peer.lastError) }),
    ...(peer.lastSent === undefined && peer.lastReceived === undefined
      ? {}
      : {
          lastNotification: {
            ...(peer.lastSent === undefined ? {} : { sent: notificationRow(peer.lastSent, clock) }),
            ...(peer.lastReceived === undefined ? {} : { received: notificationRow(peer.lastReceived, clock) }),
          },
        }),
    ...(bfd === undefined ? {} : { bfd: bfdMembers(bfd, bfd.multihop) }),
    ...(brownfield === undefined ? {} : { brownfield: brownfieldMembers(brownfield) }),
  };
}
