import { type Ipv6Prefix, octetsEqual } from "../../base/index.ts";
import { peerAddress } from "./peer-address.ts";

/** Addresses of interfaces as `node:os` has them. */
type Interfaces = Readonly<
  Record<string, readonly { readonly address: string; readonly cidr: string | null }[] | undefined>
>;

/** The subnets of the interface that has this address, IPv4 in mapped form, those of link-local addresses left out. */
export function interfaceSubnets(interfaces: Interfaces, local: string): readonly Ipv6Prefix[] {
  const wanted = peerAddress(local);
  if (wanted === undefined) return [];
  const isIt = ({ address }: { readonly address: string }): boolean => {
    const octets = peerAddress(address);
    return octets !== undefined && octetsEqual(octets, wanted);
  };
  const found = Object.values(interfaces).find((addresses) => addresses?.some(isIt)) ?? [];
  return found.flatMap(({ cidr }) => (cidr === null ? [] : (subnetOf(cidr) ?? [])));
}

/** @param cidr an address with the length of its subnet's prefix */
function subnetOf(cidr: string): Ipv6Prefix | undefined {
  const [address, length] = cidr.split("/") as [string, string];
  const octets = peerAddress(address);
  if (octets === undefined) return undefined;
  const bits = Number(length) + (address.includes(":") ? 0 : 96);
  const masked = octets.map((octet, i) => octet & (0xff00 >> Math.min(8, Math.max(0, bits - 8 * i))));
  const isLinkLocal = octets[0] === 0xfe && (octets[1]! & 0xc0) === 0x80;
  return isLinkLocal ? undefined : { address: masked, length: bits };
}
