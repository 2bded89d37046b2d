import { type Ipv6Address, isLinkLocal } from "../../base/index.ts";
import type { RouteFamily } from "../../rib/index.ts";
import { type Adjacency, type ImportFacts, isOnLink } from "../policy/index.ts";
import type { EstablishedFacts } from "./established-session.ts";
import { peerAddress, zoneOf } from "./peer-address.ts";
import type { PeerParts } from "./peer-parts.ts";
import type { Transport } from "./transport.ts";

/** What a session has to do with next hops: the connection, who the neighbour is, and what is known of the interface. */
type LinkFacts = Pick<EstablishedFacts, "options" | "kind" | "connection">;
type LinkParts = Pick<PeerParts, "transport" | "speaker">;

/** Families of prefixes: their next hops are addresses of links, and not of sites. */
export const isPrefixes = (family: RouteFamily): boolean => family === "ipv6-unicast" || family === "ipv4-unicast";

/**
 * The link on which prefixes of the family have their next hops: that of a neighbour of another AS that is one hop away.
 * @see RFC 4271 §5.1.3 and §6.3
 */
export function linkOf(family: RouteFamily, facts: LinkFacts, { transport }: LinkParts): Adjacency | undefined {
  if (!isPrefixes(family) || facts.kind !== "external") return undefined;
  return sharedLink(facts, transport);
}

/** The link of a session with a neighbour that is one hop away, by global addresses. */
function sharedLink({ options, connection }: LinkFacts, transport: Transport): Adjacency | undefined {
  const isNear = options.multihop === undefined && (options.ttlSecurityHops ?? 1) === 1;
  const neighbor = isNear ? peerAddress(connection.remote.address) : undefined;
  if (neighbor === undefined) return undefined;
  const link = { neighbor, subnets: transport.subnets?.(connection.local.address) ?? [] };
  return isOnLink(link, neighbor) ? link : undefined;
}

/** Whether addresses of one link are next hops on the session, and this router's own of them. @see RFC 2545 §3 */
export function linkLocalFacts(
  family: RouteFamily,
  facts: LinkFacts,
  { transport }: LinkParts,
): Pick<ImportFacts, "linkLocal"> {
  const { local } = facts.connection;
  const isShared = zoneOf(local.address) !== undefined || sharedLink(facts, transport) !== undefined;
  if (family === "capability" || !isShared) return {};
  const own = transport.addresses?.(local.address).linkLocal;
  return { linkLocal: own === undefined ? {} : { own } };
}

/**
 * Where others send packets to: for capabilities the locator, for prefixes this end of the session, and where that means
 * something on its link only, another address there, if there is one. @see RFC 4271 §5.1.3; RFC 2545 §3
 */
export function ownNextHop(
  family: RouteFamily,
  { connection: { local } }: LinkFacts,
  { transport, speaker }: LinkParts,
): Ipv6Address {
  if (!isPrefixes(family)) return speaker.nextHop;
  const address = peerAddress(local.address);
  if (address === undefined) return speaker.nextHop;
  return isLinkLocal(address) ? (transport.addresses?.(local.address).global ?? address) : address;
}

/** What stands behind that in MP_REACH_NLRI: this router on the link that it shares with the neighbour. @see RFC 2545 §3 */
export function ownLinkLocal(family: RouteFamily, facts: LinkFacts, parts: LinkParts): Ipv6Address | undefined {
  if (!isPrefixes(family) || isLinkLocal(ownNextHop(family, facts, parts))) return undefined;
  return linkLocalFacts(family, facts, parts).linkLocal?.own;
}
