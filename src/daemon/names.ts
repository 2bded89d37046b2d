import {
  ANY_SITE,
  type CapabilityId,
  type CapabilityName,
  type Ipv6Address,
  type Ipv6Prefix,
  toHex,
} from "../base/index.ts";
import type { Taxonomy } from "../directory/index.ts";
import { TENANT_BITS } from "../forwarding/index.ts";

export interface AddressOwner {
  readonly capability: CapabilityName;
  readonly tenant: string;
}

/** What numbers on the wire and in the tables are called by people. Nothing is kept for each capability of each tenant. */
export class Names {
  readonly #taxonomy: Taxonomy;
  readonly #selectors: readonly number[];
  readonly #tenants: ReadonlyMap<number, string>;
  readonly #routers: ReadonlyMap<string, string>;

  /** `routers`: names by locator, in hexadecimal; `selector`: that of this site. */
  constructor(taxonomy: Taxonomy, routers: ReadonlyMap<string, string>, selector: number) {
    this.#taxonomy = taxonomy;
    this.#selectors = [ANY_SITE, selector];
    this.#tenants = new Map(Iterator.from(taxonomy.tenants).map(([name, index]) => [index, name]));
    this.#routers = routers;
  }

  /** What an address of the taxonomy stands for: that of any site, or that of this one. */
  address(address: Ipv6Address): AddressOwner | undefined {
    const tenant = this.#tenantOf(address);
    const capability = tenant === undefined ? undefined : this.#taxonomy.byAddress(address);
    if (tenant === undefined || capability === undefined) return undefined;
    return this.#selectors.includes((address[14]! << 8) | address[15]!)
      ? { capability: capability.name, tenant }
      : undefined;
  }

  /** The names that an aggregate is for, as far as the taxonomy has one of them: `/vision/…`. */
  below({ address, length }: Ipv6Prefix): string | undefined {
    if (length === TENANT_BITS) return "/…";
    const family = this.#taxonomy.family((address[8]! << 8) | address[9]!);
    return family === undefined || this.#tenantOf(address) === undefined ? undefined : `/${family}/…`;
  }

  /** Whose an address of this domain is. */
  #tenantOf(address: Ipv6Address): string | undefined {
    const { domain } = this.#taxonomy;
    for (let i = 0; i < domain.length / 8; i++) if (address[i] !== domain.address[i]) return undefined;
    return this.#tenants.get((address[6]! << 8) | address[7]!);
  }

  capability(id: CapabilityId): CapabilityName | undefined {
    return this.#taxonomy.byId(id)?.name;
  }

  capabilityId(name: CapabilityName, majorVersion: number): CapabilityId {
    return this.#taxonomy.id(name, majorVersion);
  }

  tenant(index: number | undefined): string | undefined {
    return index === undefined ? undefined : this.#tenants.get(index);
  }

  /** The description of the router with this locator, else `undefined`. */
  router(locator: Ipv6Address): string | undefined {
    return this.#routers.get(toHex(locator));
  }
}
