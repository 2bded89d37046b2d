import { type Ipv6Address, type Ipv6Prefix, isLinkLocal, prefixContains } from "../../base/index.ts";
import { isMappedIpv4, type SetView } from "../wire/index.ts";

/** The link that a neighbour one hop away is on, IPv4 in mapped form. */
export interface Adjacency {
  /** Address of the neighbour on the session. */
  readonly neighbor: Ipv6Address;
  /** Of the interface, all that it has. */
  readonly subnets: readonly Ipv6Prefix[];
}

/** Whether a global address is of a router on the link. @see RFC 4271 §5.1.3 */
export function isOnLink({ subnets }: Adjacency, address: Ipv6Address): boolean {
  return subnets.some((subnet) => prefixContains(subnet, address));
}

/** Whether it is known not to be: an interface without addresses of IPv4, or of IPv6, says nothing about those of others. */
export function isOffLink(link: Adjacency, address: Ipv6Address): boolean {
  if (isLinkLocal(address)) return false;
  const isV4 = isMappedIpv4(address);
  return link.subnets.some((subnet) => isMappedIpv4(subnet.address) === isV4) && !isOnLink(link, address);
}

/** Whether the next hop of a set that lies there as octets is one. */
export function hasNextHopOnLink({ subnets }: Adjacency, view: SetView): boolean {
  for (const subnet of subnets) if (contains(subnet, view)) return true;
  return false;
}

function contains({ address, length }: Ipv6Prefix, view: SetView): boolean {
  const whole = length >>> 3;
  for (let i = 0; i < whole; i++) if (view.nextHopOctet(i) !== address[i]) return false;
  const rest = length & 7;
  return rest === 0 || (view.nextHopOctet(whole) ^ address[whole]!) >>> (8 - rest) === 0;
}

/**
 * Whether a router on the link may be told of another one there as the next hop: not of itself.
 * @see RFC 4271 §5.1.3 ("third party" next hop)
 */
export function mayBeThirdParty(link: Adjacency, nextHop: Ipv6Address): boolean {
  return isOnLink(link, nextHop) && nextHop.some((octet, i) => octet !== link.neighbor[i]);
}
