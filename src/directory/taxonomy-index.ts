import {
  ANY_SITE,
  type CapabilityId,
  type CapabilityName,
  capabilityAddress,
  capabilityFamily,
  capabilityId,
  formatIpv6,
  hashedFamilyCode,
  type Ipv6Address,
  toHex,
} from "../base/index.ts";
import { DirectoryError } from "./faults.ts";
import type { TaxonomyCapability, TaxonomyOptions } from "./taxonomy.ts";

/** What is looked up of the capabilities of a taxonomy. Of tenants nothing is kept: addresses of all of them differ in one number alone. */
export interface TaxonomyIndex {
  /** All major versions of a name, the lowest first. */
  readonly versions: ReadonlyMap<string, readonly TaxonomyCapability[]>;
  readonly ids: ReadonlyMap<TaxonomyCapability, CapabilityId>;
  /** By the identifier's hexadecimal text. */
  readonly byId: ReadonlyMap<string, TaxonomyCapability>;
  /** By that of the octets of an address between tenant and selector. */
  readonly byPlace: ReadonlyMap<string, TaxonomyCapability>;
  /** Labels by their code. */
  readonly families: ReadonlyMap<number, string>;
}

type Indexed = Pick<TaxonomyOptions, "domain" | "families" | "capabilities" | "tenants">;

/** Family code and the first octets of the identifier. */
export const placeOf = (address: Ipv6Address): string => toHex(address.subarray(8, 14));

export const familyCodeOf = ({ families }: Pick<TaxonomyOptions, "families">, family: string): number =>
  families.get(family) ?? hashedFamilyCode(family);

/**
 * A step for each capability, as each costs a hash.
 * @throws {DirectoryError} directory.address-collision, when two capabilities of a tenant would share an address
 */
export function* indexing(options: Indexed): Generator<void, TaxonomyIndex> {
  const { domain, capabilities, tenants } = options;
  const versions = new Map<string, TaxonomyCapability[]>();
  const ids = new Map<TaxonomyCapability, CapabilityId>();
  const byId = new Map<string, TaxonomyCapability>();
  const byPlace = new Map<string, TaxonomyCapability>();
  const families = new Map<number, string>();
  // One stands for all
  const [[tenant, tenantIndex] = ["", 0]] = tenants;
  for (const capability of capabilities) {
    yield;
    const { name, majorVersion } = capability;
    const known = versions.get(name);
    if (known === undefined) versions.set(name, [capability]);
    else known.splice(known.findLastIndex((other) => other.majorVersion <= majorVersion) + 1, 0, capability);
    const id = capabilityId(name, majorVersion);
    ids.set(capability, id);
    byId.set(toHex(id), capability);
    const family = capabilityFamily(name);
    const familyCode = familyCodeOf(options, family);
    families.set(familyCode, family);
    const address = capabilityAddress({ domain, tenantIndex, familyCode, capabilityId: id, selector: ANY_SITE });
    const other = byPlace.get(placeOf(address));
    if (other !== undefined && tenants.size > 0) throw collision(tenant, address, [other, capability]);
    byPlace.set(placeOf(address), capability);
  }
  return { versions, ids, byId, byPlace, families };
}

function collision(
  tenant: string,
  address: Ipv6Address,
  both: readonly [TaxonomyCapability, TaxonomyCapability],
): DirectoryError {
  const label = ({ name, majorVersion }: { name: CapabilityName; majorVersion: number }) =>
    `${name} version ${majorVersion}`;
  const [first, second] = [label(both[0]), label(both[1])];
  return new DirectoryError(
    { code: "directory.address-collision", tenant, names: [first, second], address },
    `${first} and ${second} both hash to ${formatIpv6(address)}: rename one of them or give its family another code`,
  );
}
