import {
  ANY_SITE,
  type CapabilityId,
  type CapabilityName,
  type Clock,
  capabilityAddress,
  capabilityDnsName,
  capabilityFamily,
  capabilityId,
  type Ipv4Prefix,
  type Ipv6Address,
  type Ipv6Prefix,
  Slices,
  toHex,
} from "../base/index.ts";
import { assigningIpv4 } from "./ipv4-pool.ts";
import { familyCodeOf, indexing, placeOf, type TaxonomyIndex } from "./taxonomy-index.ts";

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
  readonly domain: Ipv6Prefix;
  readonly capabilities: readonly TaxonomyCapability[];
  readonly tenants: ReadonlyMap<string, number>;
  readonly #families: ReadonlyMap<string, number>;
  readonly #index: TaxonomyIndex;
  readonly #ipv4: ReadonlyMap<string, ReadonlyMap<string, number>>;

  /**
   * `looked`: of the same options, where it has been made already.
   * @throws {DirectoryError} directory.address-collision, when two capabilities of a tenant would share an address
   */
  constructor(options: TaxonomyOptions, looked: LookedUp = made(lookingUp(options))) {
    this.revision = options.revision;
    this.dnsZone = options.dnsZone.toLowerCase();
    this.tenants = options.tenants;
    this.capabilities = options.capabilities;
    this.domain = options.domain;
    this.#families = options.families;
    this.#index = looked.index;
    this.#ipv4 = looked.ipv4;
  }

  /** The same over many turns where there are many capabilities. @throws as the constructor does */
  static async inSlices(options: TaxonomyOptions, clock: Clock): Promise<Taxonomy> {
    return new Taxonomy(options, await new Slices(clock).through(lookingUp(options)));
  }

  find(name: CapabilityName, majorVersion: number): TaxonomyCapability | undefined {
    return this.versions(name).find((capability) => capability.majorVersion === majorVersion);
  }

  /** All major versions of a name, the lowest first; empty when the name is unknown. */
  versions(name: CapabilityName): readonly TaxonomyCapability[] {
    return this.#index.versions.get(name) ?? [];
  }

  /**
   * The version that a name means when none is said, as in DNS: the lowest, so that a new major version in the taxonomy
   * never moves the clients that exist.
   */
  plain(name: CapabilityName): TaxonomyCapability | undefined {
    return this.versions(name)[0];
  }

  /** The identifier of any capability; of those that are in here it is known. */
  id(name: CapabilityName, majorVersion: number): CapabilityId {
    const capability = this.find(name, majorVersion);
    return capability === undefined ? capabilityId(name, majorVersion) : this.#index.ids.get(capability)!;
  }

  /** What is called so on the wire. */
  byId(id: CapabilityId): TaxonomyCapability | undefined {
    return this.#index.byId.get(toHex(id));
  }

  /** What an address of the domain is that of, whoever's, and whatever its selector. */
  byAddress(address: Ipv6Address): TaxonomyCapability | undefined {
    return this.#index.byPlace.get(placeOf(address));
  }

  /** The label of a family that a capability is in. */
  family(code: number): string | undefined {
    return this.#index.families.get(code);
  }

  /** The address that any instance may answer; `undefined` for a tenant that is not known. */
  address(tenant: string, name: CapabilityName, majorVersion: number, selector = ANY_SITE): Ipv6Address | undefined {
    const tenantIndex = this.tenants.get(tenant);
    if (tenantIndex === undefined) return undefined;
    return capabilityAddress({
      domain: this.domain,
      tenantIndex,
      familyCode: familyCodeOf({ families: this.#families }, capabilityFamily(name)),
      capabilityId: this.id(name, majorVersion),
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
}

/** What a taxonomy answers from. */
interface LookedUp {
  readonly index: TaxonomyIndex;
  /** By tenant: of each name and version. */
  readonly ipv4: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** In small steps. @throws {DirectoryError} directory.address-collision */
function* lookingUp(options: TaxonomyOptions): Generator<void, LookedUp> {
  const index = yield* indexing(options);
  const ipv4 = new Map<string, ReadonlyMap<string, number>>();
  for (const [tenant, pool] of options.ipv4Pools ?? []) ipv4.set(tenant, yield* assigningIpv4(pool, index.ids));
  return { index, ipv4 };
}

function made(steps: Generator<void, LookedUp>): LookedUp {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}
