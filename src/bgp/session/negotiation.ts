import { type Seconds, seconds } from "../../base/index.ts";
import type { SessionKind } from "../../rib/index.ts";
import {
  type AddPathFamily,
  type AsWidth,
  type BgpRole,
  COUNTERPART,
  type Decoded,
  decoded,
  ErrorCode,
  encodeCapabilities,
  type Family,
  type GracefulRestartCapability,
  IPV4_UNICAST,
  type LongLivedFamily,
  type OpenMessage,
  OpenSubcode,
  refused,
  roleCode,
  sameFamily,
} from "../wire/index.ts";
import type { OwnRestart, SessionSettings } from "./settings.ts";

/** What both OPENs of a session come to. */
export interface Agreement {
  readonly kind: SessionKind;
  readonly remoteAs: number;
  /** Unsigned 32 bits. */
  readonly peerIdentifier: number;
  /** The smaller of both; `undefined`: no timers. */
  readonly holdTime: Seconds | undefined;
  /** Between keepalives, before jitter; `undefined`: none. */
  readonly keepaliveTime: Seconds | undefined;
  /** Offered by both. Nothing of any other family is sent. */
  readonly families: readonly Family[];
  readonly asWidth: AsWidth;
  /** Both take IPv4 routes with IPv6 next hops. @see RFC 8950 §4 */
  readonly extendedNextHop: boolean;
  readonly routeRefresh: boolean;
  /** Both mark its beginning and end. @see RFC 7313 §3.1 */
  readonly enhancedRouteRefresh: boolean;
  /** This router may send UPDATEs of up to 65535 octets: both ends offered it. What comes may be as long by our offer alone. @see RFC 8654 §4 */
  readonly extendedMessages: boolean;
  /** The one of this router, whether the peer said its own or not. @see RFC 9234 §4.2 */
  readonly role?: { readonly local: BgpRole; readonly peerSaid: boolean };
  /** When both offer it. */
  readonly gracefulRestart:
    | {
        readonly peer: GracefulRestartCapability;
        /** Both keep routes over NOTIFICATIONs. @see RFC 8538 §4 */
        readonly notification: boolean;
      }
    | undefined;
  /** Of the peer, when both offer it and graceful restart: families that were agreed. @see RFC 9494 §4.1 */
  readonly longLived?: readonly LongLivedFamily[];
  /** Families whose routes have path identifiers, by direction as seen from here. @see RFC 7911 §4 */
  readonly addPath: readonly AddPathFamily[];
  /** Codes of the peer's capabilities that are not known here. */
  readonly unknownCapabilities: readonly number[];
}

function kindOf({ localAs, remoteAs, confederation }: SessionSettings): SessionKind {
  if (remoteAs === localAs) return "internal";
  return confederation === true ? "confederation" : "external";
}

/** Roles mean something between autonomous systems only. @see RFC 9234 §4.1 */
function roleInForce(settings: SessionSettings): SessionSettings["role"] {
  return kindOf(settings) === "external" ? settings.role : undefined;
}

/** The OPEN of this router. */
export function ownOpen(settings: SessionSettings): OpenMessage {
  const { families, gracefulRestart: own } = settings;
  const role = roleInForce(settings);
  const longLived = longLivedOffer(settings);
  const restart = own && {
    restarted: own.restarting,
    notification: own.keepOverNotification ?? false,
    restartTime: own.restartTime,
    families: settings.restartFamilies.map((family) => ({
      family,
      forwardingPreserved: isForwardingPreserved(settings, own, family),
    })),
  };
  return {
    autonomousSystem: settings.localAs,
    holdTime: settings.holdTime,
    bgpIdentifier: settings.bgpIdentifier,
    capabilities: {
      families,
      routeRefresh: true,
      ...(includes(families, IPV4_UNICAST) ? { extendedNextHop: [IPV4_UNICAST] } : {}),
      fourOctetAs: settings.localAs,
      ...(settings.extendedMessages === true ? { extendedMessages: true } : {}),
      ...(settings.enhancedRouteRefresh === true ? { enhancedRouteRefresh: true } : {}),
      ...(settings.addPath === undefined ? {} : { addPath: settings.addPath }),
      ...(role === undefined ? {} : { roles: [roleCode(role.local)] }),
      ...(restart === undefined ? {} : { gracefulRestart: restart }),
      ...(longLived.length === 0 ? {} : { longLived }),
      unknown: [],
    },
  };
}

/**
 * Checks the peer's OPEN against the configuration and ours.
 * @see RFC 4271 §6.2; RFC 6286 §2.2 (identifier); RFC 5492 §3 (required capability); RFC 6793 §4.1; RFC 9234 §4.2
 */
export function negotiate(settings: SessionSettings, sent: OpenMessage, received: OpenMessage): Decoded<Agreement> {
  const refuse = (subcode: number, data?: Uint8Array): Decoded<never> => refused(ErrorCode.OpenMessage, subcode, data);
  const { capabilities: theirs } = received;
  const kind = kindOf(settings);
  if (received.autonomousSystem !== settings.remoteAs) return refuse(OpenSubcode.BadPeerAs);
  if (kind === "internal" && received.bgpIdentifier === sent.bgpIdentifier) return refuse(OpenSubcode.BadBgpIdentifier);
  if ((received.holdTime ?? Number.POSITIVE_INFINITY) < settings.minimumHoldTime) {
    return refuse(OpenSubcode.UnacceptableHoldTime);
  }
  if (received.holdTime === undefined && settings.minimumHoldTime > 0) return refuse(OpenSubcode.UnacceptableHoldTime);
  const families = sent.capabilities.families.filter((own) => theirs.families.some((other) => sameFamily(own, other)));
  if (settings.requireFamily && families.length === 0) {
    const missing = { families: sent.capabilities.families, routeRefresh: false, unknown: [] };
    return refuse(OpenSubcode.UnsupportedCapability, encodeCapabilities(missing));
  }
  const role = roleInForce(settings);
  if (role !== undefined && !rolesMatch(role, theirs.roles ?? [])) return refuse(OpenSubcode.RoleMismatch);
  const own = sent.capabilities.gracefulRestart;
  const peer = theirs.gracefulRestart;
  const restart =
    own === undefined || peer === undefined ? undefined : { peer, notification: own.notification && peer.notification };
  const holdTime = smaller(sent.holdTime, received.holdTime);
  return decoded({
    kind,
    remoteAs: settings.remoteAs,
    peerIdentifier: received.bgpIdentifier,
    holdTime,
    keepaliveTime: holdTime && seconds(Math.min(settings.keepaliveTime ?? holdTime, holdTime / 3)),
    families,
    asWidth: theirs.fourOctetAs === undefined ? 2 : 4,
    extendedNextHop:
      includes(sent.capabilities.extendedNextHop ?? [], IPV4_UNICAST) &&
      includes(theirs.extendedNextHop ?? [], IPV4_UNICAST),
    routeRefresh: theirs.routeRefresh,
    enhancedRouteRefresh: sent.capabilities.enhancedRouteRefresh === true && theirs.enhancedRouteRefresh === true,
    extendedMessages: sent.capabilities.extendedMessages === true && theirs.extendedMessages === true,
    ...(role === undefined ? {} : { role: { local: role.local, peerSaid: theirs.roles !== undefined } }),
    gracefulRestart: restart,
    ...(restart === undefined || sent.capabilities.longLived === undefined || theirs.longLived === undefined
      ? {}
      : { longLived: theirs.longLived.filter(({ family }) => includes(families, family)) }),
    addPath: bothWays(families, sent.capabilities.addPath ?? [], theirs.addPath ?? []),
    unknownCapabilities: theirs.unknown,
  });
}

/** One direction of a family is agreed on where one end may send and the other one receive. @see RFC 7911 §4 */
function bothWays(
  families: readonly Family[],
  ours: readonly AddPathFamily[],
  theirs: readonly AddPathFamily[],
): readonly AddPathFamily[] {
  return families.flatMap((family) => {
    const own = ours.findLast((offer) => sameFamily(offer.family, family));
    const other = theirs.findLast((offer) => sameFamily(offer.family, family));
    const send = own?.send === true && other?.receive === true;
    const receive = own?.receive === true && other?.send === true;
    return send || receive ? [{ family, send, receive }] : [];
  });
}

function isForwardingPreserved(settings: SessionSettings, own: OwnRestart, family: Family): boolean {
  return own.forwardingPreserved || includes(settings.unforwardedFamilies ?? [], family);
}

/** Families without a time are not offered. @see RFC 9494 §4.1 (only beside graceful restart) */
function longLivedOffer(settings: SessionSettings): readonly LongLivedFamily[] {
  const { gracefulRestart: own, longLivedTimes = [], restartFamilies } = settings;
  if (own === undefined) return [];
  return restartFamilies.flatMap((family) => {
    const special = longLivedTimes.find((other) => sameFamily(other.family, family));
    const staleTime = special?.staleTime ?? own.longLivedStaleTime;
    const forwardingPreserved = isForwardingPreserved(settings, own, family);
    return staleTime === undefined || special?.staleTime === 0 ? [] : [{ family, forwardingPreserved, staleTime }];
  });
}

/** Several instances have to say the same. @see RFC 9234 §4.2 */
function rolesMatch(role: NonNullable<SessionSettings["role"]>, theirs: readonly number[]): boolean {
  if (theirs.length === 0) return !role.strict;
  const wanted = roleCode(COUNTERPART[role.local]);
  return theirs.every((code) => code === wanted);
}

function includes(families: readonly Family[], wanted: Family): boolean {
  return families.some((family) => sameFamily(family, wanted));
}

/** No timers on either side means none on both: zero is the smaller one. @see RFC 4271 §4.2 */
function smaller(a: Seconds | undefined, b: Seconds | undefined): Seconds | undefined {
  return a === undefined || b === undefined ? undefined : seconds(Math.min(a, b));
}
