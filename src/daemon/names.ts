import {
  ANY_SITE,
  type CapabilityId,
  type CapabilityName,
  capabilityFamily,
  capabilityId,
  type Ipv6Address,
  type Ipv6Prefix,
  toHex,
} from "../base/index.ts";
import type { Taxonomy } from "../directory/index.ts";
import { FAMILY_BITS, TENANT_BITS } from "../forwarding/index.ts";

export interface AddressOwner {
  readonly capability: CapabilityName;
  readonly tenant: string;
}

/** What numbers on the wire and in the tables are called by people. */
export class Names {
  readonly #capabilities = new Map<string, CapabilityName>();
  readonly #ids = new Map<string, CapabilityId>();
  readonly #addresses = new Map<string, AddressOwner>();
  /** By the beginning of an address. */
  readonly #families = new Map<string, string>();
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
          const address = taxonomy.address(tenant, name, majorVersion, site)!;
          this.#addresses.set(toHex(address), owner);
          this.#families.set(toHex(address.subarray(0, FAMILY_BITS / 8)), `/${capabilityFamily(name)}/…`);
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

  /** The names that an aggregate is for, as far as the taxonomy has one of them: `/vision/…`. */
  below({ address, length }: Ipv6Prefix): string | undefined {
    return length === TENANT_BITS ? "/…" : this.#families.get(toHex(address.subarray(0, FAMILY_BITS / 8)));
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
