import type { Ipv4Prefix, Ipv6Address } from "../base/index.ts";

/** What the programs at the edge translate between IPv4 and IPv6. Absent where nothing is. */
export interface EdgePlan {
  /** A /96 in which the IPv4 hosts of this side have addresses: 12 octets. @see RFC 6052 §2.2 */
  readonly prefix: Uint8Array;
  /** What IPv6 clients are called by IPv4-only agents. */
  readonly guests?: Ipv4Prefix;
  /** Pools do not overlap, nor with `guests`. */
  readonly pools: readonly CapabilityPool[];
}

export interface CapabilityPool {
  readonly tenantIndex: number;
  readonly prefix: Ipv4Prefix;
  /** Which capability address each address stands for; those that stand for none are refused as a capability that does not exist. */
  readonly capabilities: readonly { readonly address: number; readonly capability: Ipv6Address }[];
}

/** Addresses of all pools together that a data plane has room for. */
export const MOST_POOL_ADDRESSES = 65_536;
