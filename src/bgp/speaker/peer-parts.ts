import { type Clock, type Log, type Random, type Seconds, seconds } from "../../base/index.ts";
import type { AttributeSet, PeerIndex, Rib, RouteFamily, SessionKind } from "../../rib/index.ts";
import type { RoutePolicy, Standing } from "../policy/index.ts";
import type { Agreement, SessionSettings } from "../session/index.ts";
import { type AttributeCodec, type BgpRole, messageLimit, wireFamily } from "../wire/index.ts";
import { addPathOffers } from "./add-path.ts";
import type { ExportGroup, GroupFacts } from "./export-group.ts";
import type { PeerObserver } from "./observer.ts";
import type { PeerFamily, PeerOptions, SpeakerOptions } from "./options.ts";
import type { OwnRestartControl } from "./own-restart.ts";
import type { SessionChange } from "./path-failure.ts";
import type { Peer } from "./peer.ts";
import type { PeerRecord } from "./peer-record.ts";
import type { Transport } from "./transport.ts";

/** What the speaker takes out of the RIB's interface. */
export type SpeakerRib = Pick<
  Rib,
  "attributes" | "capability" | "table" | "received" | "receivedIfKept" | "openPeer" | "closePeer" | "peer"
>;

/** What a peer works with; all but `record` and `observer` is shared by the peers of a speaker. */
export interface PeerParts {
  readonly speaker: SpeakerOptions;
  readonly codec: AttributeCodec;
  readonly rib: SpeakerRib;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly record: PeerRecord;
  readonly restart: OwnRestartControl;
  /** The update group for what a session agreed on. */
  readonly groupOf: (peer: PeerOptions, agreed: Agreement, facts: GroupFacts) => ExportGroup;
  /** How another neighbour stands to this router. */
  readonly standingOf: (address: string) => Standing | undefined;
  /** Of a neighbour that came by itself: whether a router of this AS may. */
  readonly mayCome?: (autonomousSystem: number) => boolean;
  /** Such a neighbour has no connection any more, and no routes that are kept for it. */
  readonly gone?: () => void;
  /** Such a neighbour says that it is there, by other ways than BGP. */
  readonly isHeard?: () => boolean;
  /** What is on the link of its session is not what it was. */
  readonly linkChanged: (peer: Peer) => void;
  /** Another one of its keys is in use: listeners have to know. */
  readonly keyTurned: () => void;
  readonly sessionChanged: (change: SessionChange) => void;
  /** See `SpeakerParts`. */
  readonly looped: ((peer: string, set: AttributeSet) => void) | undefined;
  readonly observer: PeerObserver | undefined;
  /** Clients that have sessions with each other: nothing is reflected between them. Sessions keep it true. @see RFC 4456 §10 */
  readonly mesh: Set<PeerIndex>;
  /** Which ones those are has changed: what clients are told is judged again. */
  readonly meshChanged: () => void;
  /** Whether this router has clients at the moment. @see RFC 4456 */
  readonly isReflector: () => boolean;
  /** Clusters that clients have of their own. @see RFC 4456 §7 */
  readonly clusterIds: () => ReadonlySet<number>;
  /** The one that is configured, or what holds without. */
  readonly importPolicy: (peer: PeerOptions) => RoutePolicy;
}

const IDLE_HOLD = seconds(1);
const MAXIMUM_BACK_OFF = seconds(120);

const CAPABILITY_ONLY: readonly PeerFamily[] = [{ family: "capability" }];

/** The families whose routes are exchanged with a neighbour. */
export function familiesOf(options: PeerOptions): readonly PeerFamily[] {
  return options.families ?? CAPABILITY_ONLY;
}

/** Of the most routes of a family that a neighbour may have. */
export const WARN_AT_PERCENT = 75;
/** @see RFC 9687 §6 */
const SEND_HOLD_TIME = 480;

/** How long a socket may take nothing; `undefined`: without timers nothing is watched. @see RFC 9687 §6 */
export function sendHoldTime(
  holdTime: Seconds | undefined,
  { sendHoldTime: configured }: Pick<PeerOptions, "sendHoldTime">,
): Seconds | undefined {
  if (holdTime === undefined) return undefined;
  return configured ?? seconds(Math.max(SEND_HOLD_TIME, 2 * holdTime));
}

/** Octets of the longest UPDATE that is sent. */
export function updateLimit({ longestUpdate }: PeerOptions, agreed: Pick<Agreement, "extendedMessages">): number {
  return Math.min(messageLimit(agreed), longestUpdate ?? Number.POSITIVE_INFINITY);
}

/** Unicast routes are passed on and as a rule not forwarded by this process: no restart of it loses their forwarding. */
export const isForwardedHere = ({ family, forwarded }: PeerFamily): boolean => forwarded ?? family === "capability";

/** The role of this router for routes of a family. @see RFC 9234 §5: IPv4 and IPv6 unicast, and by default no other */
export function roleFor(family: RouteFamily, agreed: Agreement, { role }: PeerOptions): BgpRole | undefined {
  return family !== "capability" || role?.capabilityRoutes === true ? agreed.role?.local : undefined;
}

/** How a router of this AS stands to this one. @see RFC 5065 §3 */
export function sessionKind(
  remoteAs: number,
  { localAs, confederation }: Pick<SpeakerOptions, "localAs" | "confederation">,
): SessionKind {
  if (remoteAs === localAs) return "internal";
  return confederation?.members.includes(remoteAs) === true ? "confederation" : "external";
}

/** Who may have whose routes. */
export function standingOf(
  { remoteAs, reflectorClient }: Pick<PeerOptions, "remoteAs" | "reflectorClient">,
  speaker: Pick<SpeakerOptions, "localAs" | "confederation">,
): Standing {
  const kind = sessionKind(remoteAs, speaker);
  return { kind, ...(reflectorClient === true ? { reflectorClient } : {}) };
}

/** The AS that such a router knows this one by. @see RFC 5065 §4 */
export function localAsTowards(
  kind: SessionKind,
  { localAs, confederation }: Pick<SpeakerOptions, "localAs" | "confederation">,
): number {
  return kind === "external" ? (confederation?.identifier ?? localAs) : localAs;
}

/** A client that has sessions with the other ones of which that is said. @see RFC 4456 §10 */
export function isMeshed({ reflectorClient, clientToClient }: PeerOptions): boolean {
  return reflectorClient === true && clientToClient === false;
}

/** What of this router the state machines have to know. */
export interface SettingsParts {
  readonly speaker: Pick<SpeakerOptions, "localAs" | "confederation" | "bgpIdentifier">;
  readonly codec: Pick<AttributeCodec, "dialect">;
  readonly restart: Pick<OwnRestartControl, "own">;
}

/** What the state machines have to know, at the time of each call: it is asked for with every message. */
export function peerSettings(options: PeerOptions, { speaker, codec, restart }: SettingsParts): () => SessionSettings {
  const families = familiesOf(options);
  const carried = families.map(({ family }) => family);
  const wire = (family: RouteFamily) => wireFamily(family, codec.dialect);
  const kind = sessionKind(options.remoteAs, speaker);
  const fixed = {
    localAs: localAsTowards(kind, speaker),
    confederation: kind === "confederation",
    remoteAs: options.remoteAs,
    bgpIdentifier: speaker.bgpIdentifier,
    passive: options.passive,
    holdTime: options.holdTime,
    keepaliveTime: options.keepaliveTime,
    minimumHoldTime: options.minimumHoldTime ?? seconds(0),
    ...(options.delayOpen === undefined ? {} : { delayOpen: options.delayOpen }),
    ...(options.openHold === undefined ? {} : { openHold: options.openHold }),
    connectRetry: options.connectRetry,
    idleHold: options.idleHold ?? IDLE_HOLD,
    maximumBackOff: options.maximumBackOff ?? MAXIMUM_BACK_OFF,
    families: [...carried.map(wire), ...(options.alsoOffer ?? [])],
    restartFamilies: carried.map(wire),
    unforwardedFamilies: families.filter((family) => !isForwardedHere(family)).map(({ family }) => wire(family)),
    longLivedTimes: families.flatMap(({ family, longLivedStaleTime }) =>
      longLivedStaleTime === undefined ? [] : [{ family: wire(family), staleTime: longLivedStaleTime }],
    ),
    requireFamily: options.requireFamily ?? false,
    ...(options.role === undefined
      ? {}
      : { role: { local: options.role.local, strict: options.role.strict ?? false } }),
    extendedMessages: options.extendedMessages ?? true,
    enhancedRouteRefresh: options.enhancedRouteRefresh ?? true,
    addPath: addPathOffers(familiesOf(options), codec.dialect),
  };
  return () => ({ ...fixed, gracefulRestart: restart.own });
}
