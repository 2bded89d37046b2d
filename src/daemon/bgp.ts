import { loadNative } from "../../native/index.ts";
import {
  type CapabilityId,
  type Clock,
  capabilityId,
  formatIpv6,
  formatIpv6Prefix,
  formatZoned,
  type Log,
  type Metrics,
  type Random,
  seconds,
  toHex,
} from "../base/index.ts";
import { capabilityTest, type PolicyBook } from "../bgp/policy/index.ts";
import {
  type CommonOptions,
  createNetTransport,
  type ListenRange,
  type PeerOptions,
  type RangeTemplate,
  type SessionChange,
  type SpeakerOptions,
  type SpeakerParts,
} from "../bgp/speaker/index.ts";
import { siteOfOrigin as siteOf } from "../bgp/wire/index.ts";
import type {
  BgpConfiguration,
  ListenRangeConfiguration,
  NamedKey,
  NeighborConfiguration,
  NeighborSettingsConfiguration,
  NodeConfiguration,
  RouterConfiguration,
} from "../management/index.ts";
import type { Rib, RibPeer } from "../rib/index.ts";
import { withBorder } from "./border.ts";

/** How long a neighbour that is back has to say what it knows, and how long this router waits for all after its own restart. */
const STALE_PATH_TIME = seconds(120);
const SELECTION_DEFERRAL_TIME = seconds(60);
/** For a router without BGP: it has a RIB of its own routes, and says its AS to nobody. @see RFC 6996 §5 */
const NO_AS = 65534;

/** A neighbour as the speaker wants it. */
function peerOptions(neighbor: NeighborConfiguration, bgp: BgpConfiguration, policies: PolicyBook): PeerOptions {
  const { remoteAs, port, passive, enabled, description } = neighbor;
  return {
    address: formatZoned(neighbor),
    port,
    remoteAs,
    passive,
    enabled,
    ...(description === undefined ? {} : { description }),
    ...settingsOf(neighbor, bgp, policies),
    ...(neighbor.zone === undefined ? { updateSource: updateSource(neighbor, bgp) } : {}),
  };
}

/** From where a neighbour is connected to that is not on one link only. */
function updateSource({ localAddress }: NeighborSettingsConfiguration, bgp: BgpConfiguration): string {
  return formatIpv6(localAddress ?? bgp.address);
}

/** A range of neighbours that come by themselves. */
function listenRange(range: ListenRangeConfiguration, bgp: BgpConfiguration, policies: PolicyBook): ListenRange {
  const { prefix, limit, remoteAs, interface: link } = range;
  const settings = settingsOf(range, bgp, policies);
  if (link !== undefined) {
    const connectTo = range.passive ? {} : { connectTo: range.port };
    return { name: link, prefix, interface: link, ...connectTo, limit, remoteAs, template: settings };
  }
  const template = { ...settings, updateSource: updateSource(range, bgp) };
  return { name: formatIpv6Prefix(prefix), prefix, limit, remoteAs, template };
}

/** As the speaker has keys: one character an octet. */
const textOf = ({ secret }: NamedKey): string => String.fromCharCode(...secret.octets());

function settingsOf(
  settings: NeighborSettingsConfiguration,
  _bgp: BgpConfiguration,
  policies: PolicyBook,
): RangeTemplate {
  const { holdTime, keepaliveTime, ttlSecurityHops, multihop, importPolicy, exportPolicy } = settings;
  const { md5Keys, aoKeys } = settings;
  const [password, ...furtherPasswords] = md5Keys.map(textOf);
  const { group, shutdownMessage, delayOpen, sendHoldTime, advertisementInterval } = settings;
  return {
    ...(group === undefined ? {} : { group }),
    ...(shutdownMessage === undefined ? {} : { shutdownMessage }),
    families: settings.families,
    routeServerClient: settings.routeServerClient,
    reflectorClient: settings.reflectorClient,
    ...(settings.clusterId === undefined ? {} : { clusterId: settings.clusterId }),
    clientToClient: settings.clientToClient,
    nextHopSelf: settings.nextHopSelf,
    nextHopUnchanged: settings.nextHopUnchanged,
    thirdPartyNextHop: settings.thirdPartyNextHop,
    checkNextHop: settings.checkNextHop,
    enforceFirstAs: settings.enforceFirstAs,
    allowOwnAs: settings.allowOwnAs,
    extendedMessages: settings.extendedMessages,
    enhancedRouteRefresh: settings.enhancedRouteRefresh,
    softReconfiguration: settings.softReconfiguration,
    ...(settings.role === undefined ? {} : { role: settings.role }),
    holdTime,
    minimumHoldTime: settings.minimumHoldTime,
    connectRetry: settings.connectRetry,
    idleHold: settings.idleHoldTime,
    maximumBackOff: settings.maximumBackOff,
    ...(delayOpen === undefined ? {} : { delayOpen }),
    ...(sendHoldTime === undefined ? {} : { sendHoldTime }),
    ...(advertisementInterval === undefined ? {} : { advertisementInterval }),
    ...(keepaliveTime === undefined ? {} : { keepaliveTime }),
    ...(password === undefined ? {} : { password }),
    ...(furtherPasswords.length === 0 ? {} : { furtherPasswords }),
    ...(aoKeys.length === 0 ? {} : { aoKeys: aoKeys.map(({ key, ...rest }) => ({ ...rest, secret: textOf(key) })) }),
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
  return bgp.neighbors.map((neighbor) =>
    withBorder(peerOptions(neighbor, bgp, policies), neighbor.brownfield, configuration),
  );
}

/** All ranges, the same way; none of them has brownfield. */
export function allListenRanges(configuration: RouterConfiguration, policies: PolicyBook): readonly ListenRange[] {
  const { bgp } = configuration;
  if (bgp === undefined) return [];
  return bgp.ranges
    .map((range) => listenRange(range, bgp, policies))
    .map((range) => ({ ...range, template: withBorder(range.template, undefined, configuration) }));
}

/** What the tenants of this router import, each once. */
export function importTargetsOf(tenants: RouterConfiguration["tenants"]): readonly Uint8Array[] {
  return [
    ...new Map(tenants.flatMap(({ importTargets }) => importTargets).map((target) => [toHex(target), target])).values(),
  ];
}

/** The extended community of this router's site. @see RFC 4360 §5 */
function ownSite({ bgp, site }: RouterConfiguration): Uint8Array {
  return siteOf(bgp?.localAs ?? NO_AS, site.selector);
}

/** Capabilities of the taxonomy that the neighbours of other autonomous systems know by a prefix alone. */
function suppressedCapabilities({ advertisement, taxonomy }: RouterConfiguration): CapabilityId[] {
  const prefixes = advertisement.prefixes.filter(({ suppressMoreSpecifics }) => suppressMoreSpecifics);
  const isBelow = (name: string): boolean =>
    prefixes.some(({ name: prefix }) => name === prefix || name.startsWith(`${prefix}/`));
  return taxonomy.capabilities
    .filter(({ name }) => isBelow(name))
    .map(({ name, majorVersion }) => capabilityId(name, majorVersion));
}

/** What all sessions have in common. */
export function commonOptions(configuration: RouterConfiguration): CommonOptions {
  const { bgp, routerId } = configuration;
  const restart = bgp?.gracefulRestart;
  const siteOfOrigin = toldSite(configuration);
  return {
    localAs: bgp?.localAs ?? NO_AS,
    bgpIdentifier: routerId,
    ...(bgp?.clusterId === undefined ? {} : { clusterId: bgp.clusterId }),
    ...(bgp?.confederation === undefined ? {} : { confederation: bgp.confederation }),
    ...(siteOfOrigin === undefined ? {} : { siteOfOrigin }),
    listen: bgp === undefined ? [] : [{ address: formatIpv6(bgp.address), port: bgp.port }],
    gracefulRestart:
      restart === undefined
        ? undefined
        : { ...restart, stalePathTime: STALE_PATH_TIME, selectionDeferralTime: SELECTION_DEFERRAL_TIME },
  };
}

/** This router as a peer of its RIB. */
export function localPeer({ name, routerId, site, bgp }: RouterConfiguration): RibPeer {
  const { locator: address } = site;
  return { name, kind: "local", bgpIdentifier: routerId, address, autonomousSystem: bgp?.localAs ?? 0 };
}

/** Its site, where it tells of instances. */
export function toldSite(configuration: RouterConfiguration): Uint8Array | undefined {
  return configuration.advertisement.instances ? ownSite(configuration) : undefined;
}

/** What the speaker is told. `adopted`: the data plane took over what an earlier life of this router forwarded. */
export function speakerOptions(
  configuration: RouterConfiguration,
  policies: PolicyBook,
  { adopted }: { readonly adopted: boolean },
): SpeakerOptions {
  const { bgp, site } = configuration;
  const suppressed = suppressedCapabilities(configuration);
  return {
    ...commonOptions(configuration),
    nextHop: site.locator,
    passUnknownTlvs: configuration.advertisement.unknownTlvsOutside,
    ...(suppressed.length === 0 ? {} : { isSuppressed: capabilityTest(suppressed) }),
    peers: allPeerOptions(configuration, policies),
    ranges: allListenRanges(configuration, policies),
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
  // What is at an address of one link is no end of a tunnel.
  const neighbors = (bgp?.neighbors ?? []).filter(
    ({ brownfield, zone }) => brownfield === undefined && zone === undefined,
  );
  const known = neighbors.map(({ address, description }) => ({
    locator: address,
    ...(description === undefined ? {} : { name: description }),
  }));
  const named = new Set(nodes.map(({ locator }) => formatIpv6(locator)));
  return [...known.filter(({ locator }) => !named.has(formatIpv6(locator))), ...nodes];
}

/** Whether the kernel can sign what BGP sends by RFC 5925. Never asked of a router without BGP. */
export function kernelHasTcpAo(): boolean {
  return loadNative().sock.hasTcpAo();
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
  const { clock, log, metrics } = parts;
  const transport = createNetTransport({ clock, log, metrics, ...(sock === undefined ? {} : { sock }) });
  return { ...parts, transport };
}
