import {
  type Clock,
  capabilityId,
  type Ipv6Address,
  type Milliseconds,
  milliseconds,
  type Seconds,
  seconds,
  type Timer,
  toHex,
} from "../base/index.ts";
import { type CapabilityNlri, type CapabilitySiteNlri, encodeCapability, linkBandwidth } from "../bgp/wire/index.ts";
import type { Directory, DirectoryChange, LocalSite } from "../directory/index.ts";
import type { AttributeSet, Tenant } from "../rib/index.ts";

/** How long a site route is good for, and how late it may be renewed, as a share of that. @see DESIGN section 4.4 */
const VALIDITY = seconds(3600);
const RENEW_AT = 1 / 3;
/** Lease times are rounded to this, so that routes of one hour share their attributes. */
const ROUNDING = 60;
/** The wall clock, which leases are said in, may step, and timers do not: what is left is looked at this often. */
const LOOK = milliseconds(10_000);

/** Announcements of one turn of the event loop: some 3 ms. */
const PER_TURN = 64;

interface Said {
  readonly nlri: CapabilitySiteNlri;
  readonly site: LocalSite;
  /** The site as text, to see whether it changed. */
  readonly text: string;
}

export interface OriginationOptions {
  /** BGP identifier: the OriginID of every key. */
  readonly routerId: number;
  readonly localAs: number;
  readonly locator: Ipv6Address;
  readonly taxonomyRevision: number;
  readonly tenants: readonly Tenant[];
  /** Begin as a router whose sites take no new flows while others can. */
  readonly draining?: boolean;
}

/** Where the routes of this router go: the speaker, which puts them into the RIB as the local peer's. */
export interface RouteOrigin {
  originate(nlri: CapabilityNlri, attributes: AttributeSet): void;
  withdraw(nlri: CapabilityNlri): void;
}

/**
 * Keeps one capability-site route per capability that this router has an instance of: the directory's changes become
 * announcements and withdrawals. A renewed lease alone is not an announcement until a third of the route's time is left.
 */
export class Origination implements Disposable {
  #options: OriginationOptions;
  readonly #directory: Directory;
  readonly #routes: RouteOrigin;
  readonly #clock: Clock;
  #tenants: ReadonlyMap<string, Tenant>;
  readonly #subscription: Disposable;
  /** What was last said, by key in hexadecimal. */
  readonly #said = new Map<string, Said>();
  #draining: boolean;
  #validUntil: Seconds;
  #renewal: Timer | undefined;
  /** What is being said again. */
  #round: Iterator<Said> | undefined;

  constructor(options: OriginationOptions, parts: { directory: Directory; routes: RouteOrigin; clock: Clock }) {
    this.#options = options;
    this.#directory = parts.directory;
    this.#routes = parts.routes;
    this.#clock = parts.clock;
    this.#tenants = new Map(options.tenants.map((tenant) => [tenant.name, tenant]));
    this.#draining = options.draining ?? false;
    this.#validUntil = this.#nextValidity();
    this.#armRenewal();
    for (const { tenant, capability, majorVersion } of parts.directory.sites())
      this.#reconsider(tenant, capability, majorVersion);
    this.#subscription = parts.directory.subscribe((changes) => this.#changed(changes));
  }

  #changed(changes: readonly DirectoryChange[]): void {
    const seen = new Set<string>();
    for (const { instance } of changes) {
      const { tenant, capability, version } = instance;
      const site = `${tenant} ${capability} ${version.major}`;
      if (seen.has(site)) continue;
      seen.add(site);
      this.#reconsider(tenant, capability, version.major);
    }
  }

  #reconsider(tenantName: string, capability: LocalSite["capability"], majorVersion: number): void {
    const tenant = this.#tenants.get(tenantName);
    if (tenant === undefined) return;
    const nlri: CapabilitySiteNlri = {
      type: "site",
      routeDistinguisher: tenant.routeDistinguisher,
      capabilityId: capabilityId(capability, majorVersion),
      originId: this.#options.routerId,
    };
    const id = toHex(encodeCapability(nlri));
    const site = this.#directory.localSite(tenantName, capability, majorVersion);
    if (site === undefined || site.state === "down") {
      if (this.#said.delete(id)) this.#routes.withdraw(nlri);
      return;
    }
    const text = JSON.stringify(site);
    if (this.#said.get(id)?.text === text) return;
    this.#said.set(id, { nlri, site, text });
    this.#routes.originate(nlri, this.#attributesOf(site, tenant));
  }

  #attributesOf(site: LocalSite, tenant: Tenant): AttributeSet {
    const state = this.#draining ? "draining" : site.state;
    return siteAttributes({ ...site, state }, tenant, { ...this.#options, validUntil: this.#validUntil });
  }

  /**
   * Goes on with other tenants and another revision; what is said differently with them is said again. Instances of a tenant
   * that goes have to be gone before.
   */
  change(next: Pick<OriginationOptions, "tenants" | "taxonomyRevision">): void {
    const says = ({ exportTargets }: Tenant): string => exportTargets.map(toHex).join(" ");
    const differs =
      next.taxonomyRevision !== this.#options.taxonomyRevision ||
      next.tenants.some((tenant) => {
        const before = this.#tenants.get(tenant.name);
        return before !== undefined && says(before) !== says(tenant);
      });
    this.#options = { ...this.#options, ...next };
    this.#tenants = new Map(next.tenants.map((tenant) => [tenant.name, tenant]));
    if (differs) this.#sayAgain();
  }

  /** Every site of this router takes no new flows while others can, whatever the state of its instances. */
  set draining(draining: boolean) {
    if (draining === this.#draining) return;
    this.#draining = draining;
    this.#sayAgain();
  }

  /** Over many turns, as a site may have many capabilities; what changes meanwhile is said at once all the same. */
  #sayAgain(): void {
    const round = this.#said.values();
    this.#round = round;
    const next = (): void => {
      for (let left = PER_TURN; left > 0; left--) {
        if (this.#round !== round) return; // a later round says it all, or nobody listens any more
        const { done, value } = round.next();
        if (done === true) return;
        this.#routes.originate(value.nlri, this.#attributesOf(value.site, this.#tenants.get(value.site.tenant)!));
      }
      this.#clock.soon(next);
    };
    next();
  }

  #nextValidity(): Seconds {
    return seconds(Math.ceil((this.#clock.wall() / 1000 + VALIDITY) / ROUNDING) * ROUNDING);
  }

  /** By the wall clock of now; more than was given when that clock was set back. */
  get #left(): Milliseconds {
    return milliseconds(this.#validUntil * 1000 - this.#clock.wall());
  }

  #armRenewal(): void {
    const wait = milliseconds(Math.min(LOOK, Math.max(1000, this.#left - VALIDITY * 1000 * RENEW_AT)));
    this.#renewal = this.#clock.after(wait, () => this.#look());
  }

  #look(): void {
    const left = this.#left;
    if (left <= VALIDITY * 1000 * RENEW_AT || left > (VALIDITY + 2 * ROUNDING) * 1000) this.#renew();
    else this.#armRenewal();
  }

  #renew(): void {
    this.#validUntil = this.#nextValidity();
    this.#sayAgain();
    this.#armRenewal();
  }

  /** Stops following the directory; the routes stay as they are. */
  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
    this.#renewal?.cancel();
    this.#round = undefined;
  }
}

/** What is said about one site. Values that differ per route would destroy UPDATE packing, so nothing here does. */
export function siteAttributes(
  site: LocalSite,
  tenant: Tenant,
  origin: OriginationOptions & { readonly validUntil: Seconds },
): AttributeSet {
  return {
    origin: "igp",
    asPath: [],
    nextHop: origin.locator,
    localPref: 100,
    communities: [],
    extendedCommunities: [...tenant.exportTargets, linkBandwidth(origin.localAs, site.weight)],
    largeCommunities: [],
    semantic: {
      version: { major: site.majorVersion, minor: site.minorVersion, compatibleMajor: site.majorVersion },
      score: site.score,
      lease: {
        sequence: BigInt(origin.validUntil),
        validUntil: origin.validUntil,
        renew: seconds(Math.round(VALIDITY * (1 - RENEW_AT))),
      },
      labels: site.labels.map((text) => ({ text, critical: false })),
      state: site.state,
      access: site.access,
      aggregate: { count: site.usable, minimum: site.score, mean: site.score, maximum: site.score },
      taxonomyRevision: origin.taxonomyRevision,
      opaque: [],
    },
    opaque: [],
  };
}
