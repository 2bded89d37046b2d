import type { Ipv6Address, Ipv6Prefix } from "../../base/index.ts";
import type { Tenant } from "../../rib/index.ts";
import type { CapabilityBook } from "./capability-book.ts";
import type { LabelBook } from "./labels.ts";

/** What all routers of a domain have in common, and the mapping needs. */
export interface BrownfieldDomain {
  /** The /48 of all capability addresses. */
  readonly prefix: Ipv6Prefix;
  readonly tenants: readonly Tenant[];
  readonly capabilities: CapabilityBook;
  readonly labels: LabelBook;
  /** Code of the payload attribute; absent: it is neither attached nor read. */
  readonly payloadCode?: number;
}

/** The members of a capability address. */
export interface AddressParts {
  readonly tenantIndex: number;
  readonly familyCode: number;
  /** CapID[0:4]. */
  readonly idStart: Uint8Array;
  /** 0: any site. */
  readonly selector: number;
}

/**
 * What the key of a unicast route says: a /128 of the domain, another prefix inside it, or nothing of ours.
 *
 *     | 128 | domain /48 | tenant u16 | family u16 | CapID[0:4] | selector u16 |
 */
export function placeOf(domain: Ipv6Prefix, key: Uint8Array, start: number): "capability" | "inside" | "outside" {
  const bits = key[start]!;
  const whole = domain.length >> 3;
  if (bits < domain.length) return "outside";
  for (let i = 0; i < whole; i++) if (key[start + 1 + i] !== domain.address[i]) return "outside";
  return bits === 128 ? "capability" : "inside";
}

/** @param address 16 octets inside the domain */
export function addressParts(address: Ipv6Address): AddressParts {
  const u16 = (at: number): number => (address[at]! << 8) | address[at + 1]!;
  return { tenantIndex: u16(6), familyCode: u16(8), idStart: address.slice(10, 14), selector: u16(14) };
}
