import type { Ipv6Address } from "./ipv6.ts";
import { toHex } from "./octets.ts";

const MULTIPLIERS = [0x9e3779b97f4a7c15n, 0xbf58476d1ce4e5b9n] as const;

/**
 * What a QUIC connection id calls a site (its locator, port 0) or an instance (its endpoint): 1 to 2^32 - 1. Two addresses that
 * differ in their last 32 bits alone have different names. The data plane computes the same (`dataplane/abi.h`).
 */
export function connectionName(address: Ipv6Address, port: number): number {
  const view = new DataView(address.buffer, address.byteOffset, 16);
  const swapped = ((port & 0xff) << 8) | (port >>> 8); // as it lies in memory
  const mixed =
    view.getBigUint64(0, true) ^
    BigInt.asUintN(64, view.getBigUint64(8, true) * MULTIPLIERS[0]) ^
    (BigInt(swapped) << 16n);
  return Number(BigInt.asUintN(64, mixed * MULTIPLIERS[1]) >> 32n) || 1;
}

/**
 * What a QUIC server puts into its connection ids behind their first octet, whose upper three bits are 0, so that packets find
 * it whatever address its client has: 8 octets in hex, its site's name and its own.
 * @see draft-ietf-quic-load-balancers (server id in plain text)
 */
export function quicServerId(
  locator: Ipv6Address,
  endpoint: { readonly address: Ipv6Address; readonly port: number },
): string {
  const octets = new Uint8Array(8);
  const view = new DataView(octets.buffer);
  view.setUint32(0, connectionName(locator, 0));
  view.setUint32(4, connectionName(endpoint.address, endpoint.port));
  return toHex(octets);
}
