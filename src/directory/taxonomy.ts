import {
  ANY_SITE,
  type CapabilityName,
  capabilityAddress,
  capabilityDnsName,
  capabilityFamily,
  capabilityId,
  formatIpv6,
  hashedFamilyCode,
  type Ipv4Prefix,
  type Ipv6Address,
  type Ipv6Prefix,
} from "../base/index.ts";
import { DirectoryError } from "./faults.ts";
import { assignIpv4 } from "./ipv4-pool.ts";

/** A capability that may be offered and asked for in this domain. */
export interface TaxonomyCapability {
  readonly name: CapabilityName;
  readonly majorVersion: number;
  readonly description?: string;
  /** The port and protocol that clients use at the capability address. */
  readonly servicePort: number;
  readonly protocol: "tcp" | "udp";
  /** Which datagrams go to the same instance; absent: those of a flow. */
  readonly affinity?: "address" | "connection" | "none";
}

export interface TaxonomyOptions {
  readonly revision: number;
  /** The domain's /48. */
  readonly domain: Ipv6Prefix;
  /** Without a final dot. */
  readonly dnsZone: string;
  /** Codes of family labels; the others get a hashed one. */
  readonly families: ReadonlyMap<string, number>;
  readonly capabilities: readonly TaxonomyCapability[];
  /** Index by name. */
  readonly tenants: ReadonlyMap<string, number>;
  /** IPv4 addresses for the capabilities of a tenant, by its name. */
  readonly ipv4Pools?: ReadonlyMap<string, Ipv4Prefix>;
}

/** Which capabilities exist in the domain, and what each is called on the wire and in DNS. Never changed: a new revision is a new object. */
export class Taxonomy {
  readonly revision: number;
  readonly dnsZone: string;
  readonly capabilities: readonly TaxonomyCapability[];
  readonly tenants: ReadonlyMap<string, number>;
  readonly #domain: Ipv6Prefix;
  readonly #families: ReadonlyMap<string, number>;
  readonly #versions = new Map<string, TaxonomyCapability[]>();
  readonly #ipv4: ReadonlyMap<string, ReadonlyMap<string, number>>;

  /** @throws {DirectoryError} directory.address-collision, when two capabilities of a tenant would share an address */
  constructor(options: TaxonomyOptions) {
    this.revision = options.revision;
    this.dnsZone = options.dnsZone.toLowerCase();
    this.tenants = options.tenants;
    this.capabilities = options.capabilities;
    this.#domain = options.domain;
    this.#families = options.families;
    for (const capability of options.capabilities) {
      const versions = this.#versions.get(capability.name) ?? [];
      versions.push(capability);
      versions.sort((a, b) => a.majorVersion - b.majorVersion);
      this.#versions.set(capability.name, versions);
    }
    for (const tenant of options.tenants.keys()) this.#refuseCollisions(tenant);
    const pools = Iterator.from(options.ipv4Pools ?? []);
    this.#ipv4 = new Map(pools.map(([tenant, pool]) => [tenant, assignIpv4(pool, options.capabilities)]));
  }

  find(name: CapabilityName, majorVersion: number): TaxonomyCapability | undefined {
    return this.versions(name).find((capability) => capability.majorVersion === majorVersion);
  }

  /** All major versions of a name, the lowest first; empty when the name is unknown. */
  versions(name: CapabilityName): readonly TaxonomyCapability[] {
    return this.#versions.get(name) ?? [];
  }

  /**
   * The version that a name means when none is said, as in DNS: the lowest, so that a new major version in the taxonomy
   * never moves the clients that exist.
   */
  plain(name: CapabilityName): TaxonomyCapability | undefined {
    return this.versions(name)[0];
  }

  /** The address that any instance may answer; `undefined` for a tenant that is not known. */
  address(tenant: string, name: CapabilityName, majorVersion: number, selector = ANY_SITE): Ipv6Address | undefined {
    const tenantIndex = this.tenants.get(tenant);
    if (tenantIndex === undefined) return undefined;
    const family = capabilityFamily(name);
    return capabilityAddress({
      domain: this.#domain,
      tenantIndex,
      familyCode: this.#families.get(family) ?? hashedFamilyCode(family),
      capabilityId: capabilityId(name, majorVersion),
      selector,
    });
  }

  /** What IPv4-only clients behind this router use instead; `undefined` where there is no pool, or no room in it. */
  ipv4Address(tenant: string, name: CapabilityName, majorVersion: number): number | undefined {
    return this.#ipv4.get(tenant)?.get(`${name} ${majorVersion}`);
  }

  dnsName(tenant: string, name: CapabilityName): string {
    return capabilityDnsName(name, tenant, this.dnsZone);
  }

  #refuseCollisions(tenant: string): void {
    const taken = new Map<string, string>();
    for (const { name, majorVersion } of this.capabilities) {
      const address = this.address(tenant, name, majorVersion)!;
      const text = formatIpv6(address);
      const label = `${name} version ${majorVersion}`;
      const other = taken.get(text);
      if (other !== undefined) {
        throw new DirectoryError(
          { code: "directory.address-collision", tenant, names: [other, label], address },
          `${other} and ${label} both hash to ${text}: rename one of them or give its family another code`,
        );
      }
      taken.set(text, label);
    }
  }
}
