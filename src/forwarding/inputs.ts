import type { CapabilityName, Ipv6Address, Ipv6Prefix, Milliseconds } from "../base/index.ts";
import type { Affinity, Encapsulation } from "./plan.ts";

/** A capability of a tenant that the taxonomy knows: it has an address even when nobody serves it. */
export interface KnownCapability {
  readonly tenantIndex: number;
  readonly name: CapabilityName;
  readonly majorVersion: number;
  /** Of its datagrams. Absent: by flow. */
  readonly affinity?: Affinity;
}

/** How another router is reached, and what is accepted from it; what is not said is IPv6-in-IPv6. */
export interface Tunnel {
  readonly locator: Ipv6Address;
  readonly encapsulation?: Encapsulation;
  /** Of the VXLAN packets that are accepted from it. */
  readonly vni?: number;
}

/** Where this router is, and how much its data plane holds. */
export interface CompilerOptions {
  /** The domain's /48. */
  readonly domain: Ipv6Prefix;
  /** This router's tunnel endpoint. */
  readonly locator: Ipv6Address;
  /** This site's selector, 1 to 65534: `C::selector` leads to its own instances. */
  readonly selector: number;
  /** The same on every router of the domain, as is that of the data plane. */
  readonly hashSeed: number;
  /** Index by name. */
  readonly tenants: ReadonlyMap<string, number>;
  /** Codes of family labels; the others get a hashed one. */
  readonly familyCodes: ReadonlyMap<string, number>;
  /** How long flows that an alive former owner has stay with it. */
  readonly transitionHold: Milliseconds;
  /** How long an index rests before it gets a new meaning. */
  readonly quarantine: Milliseconds;
  /** What the data plane has room for. */
  readonly limits: {
    readonly capabilities: number;
    readonly groups: number;
    readonly nextHops: number;
    /** Of capabilities, and pairs of one and a tenant that it lets in. Absent: no bound. */
    readonly policies?: number;
    readonly allowed?: number;
    /** Absent: the data plane has none. */
    readonly aggregates?: number;
  };
}
