import {
  ANY_SITE,
  type CapabilityId,
  type CapabilityName,
  capabilityId,
  type Ipv6Address,
  toHex,
} from "../base/index.ts";
import type { Taxonomy } from "../directory/index.ts";

export interface AddressOwner {
  readonly capability: CapabilityName;
  readonly tenant: string;
}

/** What numbers on the wire and in the tables are called by people. */
export class Names {
  readonly #capabilities = new Map<string, CapabilityName>();
  readonly #ids = new Map<string, CapabilityId>();
  readonly #addresses = new Map<string, AddressOwner>();
  readonly #tenants: ReadonlyMap<number, string>;
  readonly #routers: ReadonlyMap<string, string>;

  /** `routers`: names by locator, in hexadecimal; `selector`: that of this site. */
  constructor(taxonomy: Taxonomy, routers: ReadonlyMap<string, string>, selector: number) {
    for (const { name, majorVersion } of taxonomy.capabilities) {
      const id = capabilityId(name, majorVersion);
      this.#capabilities.set(toHex(id), name);
      this.#ids.set(`${name} ${majorVersion}`, id);
    }
    for (const tenant of taxonomy.tenants.keys()) {
      for (const { name, majorVersion } of taxonomy.capabilities) {
        const owner = { capability: name, tenant };
        for (const site of [ANY_SITE, selector]) {
          this.#addresses.set(toHex(taxonomy.address(tenant, name, majorVersion, site)!), owner);
        }
      }
    }
    this.#tenants = new Map([...taxonomy.tenants].map(([name, index]) => [index, name]));
    this.#routers = routers;
  }

  /** What an address of the taxonomy stands for: that of any site, or that of this one. */
  address(address: Ipv6Address): AddressOwner | undefined {
    return this.#addresses.get(toHex(address));
  }

  capability(id: CapabilityId): CapabilityName | undefined {
    return this.#capabilities.get(toHex(id));
  }

  capabilityId(name: CapabilityName, majorVersion: number): CapabilityId {
    return this.#ids.get(`${name} ${majorVersion}`) ?? capabilityId(name, majorVersion);
  }

  tenant(index: number | undefined): string | undefined {
    return index === undefined ? undefined : this.#tenants.get(index);
  }

  /** The description of the router with this locator, else `undefined`. */
  router(locator: Ipv6Address): string | undefined {
    return this.#routers.get(toHex(locator));
  }
}
