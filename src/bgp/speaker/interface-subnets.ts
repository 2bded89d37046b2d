import { type Ipv6Prefix, isLinkLocal, octetsEqual } from "../../base/index.ts";
import { isMappedIpv4 } from "../wire/index.ts";
import { peerAddress, zoneOf } from "./peer-address.ts";
import type { LinkAddresses } from "./transport.ts";

/** Addresses of interfaces as `node:os` has them. */
type Interfaces = Readonly<
  Record<
    string,
    readonly { readonly address: string; readonly cidr: string | null; readonly scopeid?: number }[] | undefined
  >
>;

/** The addresses of the interface that has this one, or is its zone. */
function addressesAt(interfaces: Interfaces, local: string): NonNullable<Interfaces[string]> {
  const wanted = peerAddress(local);
  if (wanted === undefined) return [];
  const zone = zoneOf(local);
  if (zone !== undefined) return interfaces[zone] ?? [];
  const isIt = ({ address }: { readonly address: string }): boolean => {
    const octets = peerAddress(address);
    return octets !== undefined && octetsEqual(octets, wanted);
  };
  return Object.values(interfaces).find((addresses) => addresses?.some(isIt)) ?? [];
}

/** The subnets of the interface with this address, IPv4 in mapped form, those of link-local addresses left out. */
export function interfaceSubnets(interfaces: Interfaces, local: string): readonly Ipv6Prefix[] {
  return addressesAt(interfaces, local).flatMap(({ cidr }) => (cidr === null ? [] : (subnetOf(cidr) ?? [])));
}

/** What the interface with this address is known by: the first address of each kind. */
export function linkAddresses(interfaces: Interfaces, local: string): LinkAddresses {
  const at = addressesAt(interfaces, local);
  const all = at.flatMap(({ address }) => peerAddress(address) ?? []);
  const global = all.find((address) => !isLinkLocal(address) && !isMappedIpv4(address) && !isLoopback(address));
  const linkLocal = all.find((address) => isLinkLocal(address));
  // Addresses of links are the ones that come with it. @see RFC 4007 §6
  const index = at.find(({ scopeid = 0 }) => scopeid !== 0)?.scopeid;
  return {
    ...(global === undefined ? {} : { global }),
    ...(linkLocal === undefined ? {} : { linkLocal }),
    ...(index === undefined ? {} : { index }),
  };
}

const isLoopback = (address: Uint8Array): boolean => address.every((octet, i) => octet === (i === 15 ? 1 : 0));

/** @param cidr an address with the length of its subnet's prefix */
function subnetOf(cidr: string): Ipv6Prefix | undefined {
  const [address, length] = cidr.split("/") as [string, string];
  const octets = peerAddress(address);
  if (octets === undefined) return undefined;
  const bits = Number(length) + (address.includes(":") ? 0 : 96);
  const masked = octets.map((octet, i) => octet & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))));
  return isLinkLocal(octets) ? undefined : { address: masked, length: bits };
}
