import { loadNative } from "../../native/index.ts";
import { type Clock, formatIpv6, type Log, type Metrics, type Random, seconds } from "../base/index.ts";
import type { PolicyBook } from "../bgp/policy/index.ts";
import {
  createNetTransport,
  type PeerOptions,
  type SessionChange,
  type SpeakerOptions,
  type SpeakerParts,
} from "../bgp/speaker/index.ts";
import type {
  BgpConfiguration,
  NeighborConfiguration,
  NodeConfiguration,
  RouterConfiguration,
} from "../management/index.ts";
import type { Rib } from "../rib/index.ts";
import { withBorder } from "./brownfield.ts";

/** How long a neighbour that is back has to say what it knows, and how long this router waits for all after its own restart. */
const STALE_PATH_TIME = seconds(120);
const SELECTION_DEFERRAL_TIME = seconds(60);
/** For a router without BGP: it has a RIB of its own routes, and says its AS to nobody. @see RFC 6996 §5 */
const NO_AS = 65534;

function peerOptions(neighbor: NeighborConfiguration, bgp: BgpConfiguration, policies: PolicyBook): PeerOptions {
  const { address, password, holdTime, keepaliveTime, description, ttlSecurityHops, multihop, reflectorClient } =
    neighbor;
  const { importPolicy, exportPolicy } = neighbor;
  return {
    address: formatIpv6(address),
    port: neighbor.port,
    remoteAs: neighbor.remoteAs,
    passive: neighbor.passive,
    families: neighbor.families,
    routeServerClient: neighbor.routeServerClient,
    reflectorClient,
    extendedMessages: neighbor.extendedMessages,
    enhancedRouteRefresh: neighbor.enhancedRouteRefresh,
    ...(neighbor.role === undefined ? {} : { role: neighbor.role }),
    holdTime,
    connectRetry: neighbor.connectRetry,
    updateSource: formatIpv6(bgp.address),
    ...(keepaliveTime === undefined ? {} : { keepaliveTime }),
    ...(description === undefined ? {} : { description }),
    ...(password === undefined ? {} : { password: new TextDecoder().decode(password.octets()) }),
    ...(ttlSecurityHops === undefined ? {} : { ttlSecurityHops }),
    ...(multihop === undefined ? {} : { multihop }),
    ...(importPolicy.length === 0 ? {} : { importPolicy: policies.chain(importPolicy) }),
    ...(exportPolicy.length === 0 ? {} : { exportPolicy: policies.chain(exportPolicy) }),
  };
}

/** All neighbours as the speaker wants them. */
export function allPeerOptions(configuration: RouterConfiguration, policies: PolicyBook): readonly PeerOptions[] {
  const { bgp } = configuration;
  if (bgp === undefined) return [];
  return bgp.neighbors.map((neighbor) => withBorder(peerOptions(neighbor, bgp, policies), neighbor, configuration));
}

/** What the speaker is told. `adopted`: the data plane took over what an earlier life of this router forwarded. */
export function speakerOptions(
  configuration: RouterConfiguration,
  policies: PolicyBook,
  { adopted }: { readonly adopted: boolean },
): SpeakerOptions {
  const { bgp, routerId, site } = configuration;
  const restart = bgp?.gracefulRestart;
  return {
    localAs: bgp?.localAs ?? NO_AS,
    bgpIdentifier: routerId,
    ...(bgp?.clusterId === undefined ? {} : { clusterId: bgp.clusterId }),
    nextHop: site.locator,
    listen: bgp === undefined ? [] : [{ address: formatIpv6(bgp.address), port: bgp.port }],
    peers: allPeerOptions(configuration, policies),
    gracefulRestart:
      restart === undefined
        ? undefined
        : {
            restartTime: restart.restartTime,
            ...(restart.longLivedStaleTime === undefined ? {} : { longLivedStaleTime: restart.longLivedStaleTime }),
            stalePathTime: STALE_PATH_TIME,
            selectionDeferralTime: SELECTION_DEFERRAL_TIME,
          },
    gracefulShutdown: bgp?.gracefulShutdown ?? false,
    start: { restarted: adopted, forwardingPreserved: adopted },
  };
}

/**
 * The routers of the domain that may send encapsulated packets to this one, with their names where they have one. Next hops of
 * routes are not among them: what a route says must not open the tunnel, and a router that only sends has no route. Nor are
 * neighbours that know nothing of capabilities.
 */
export function domainNodes({ nodes, bgp }: RouterConfiguration): readonly NodeConfiguration[] {
  const neighbors = (bgp?.neighbors ?? []).filter(({ brownfield }) => brownfield === undefined);
  const known = neighbors.map(({ address, description }) => ({
    locator: address,
    ...(description === undefined ? {} : { name: description }),
  }));
  const named = new Set(nodes.map(({ locator }) => formatIpv6(locator)));
  return [...known.filter(({ locator }) => !named.has(formatIpv6(locator))), ...nodes];
}

export function speakerParts(
  configuration: RouterConfiguration,
  parts: {
    readonly rib: Rib;
    readonly clock: Clock;
    readonly random: Random;
    readonly log: Log;
    readonly metrics: Metrics;
    readonly sessionChanged: (change: SessionChange) => void;
  },
): SpeakerParts {
  const sock = configuration.bgp === undefined ? undefined : loadNative().sock;
  return { ...parts, transport: createNetTransport({ clock: parts.clock, ...(sock === undefined ? {} : { sock }) }) };
}
