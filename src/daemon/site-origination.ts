import { type CapabilityName, type Clock, capabilityId, fromHex } from "../base/index.ts";
import {
  type Directory,
  type DirectoryChange,
  type Instance,
  type LocalSite,
  type SiteKey,
  summarize,
} from "../directory/index.ts";
import type { Tenant } from "../rib/index.ts";
import type { Announcer } from "./announcer.ts";
import type { OriginDamper } from "./origin-damper.ts";
import { instanceAttributes, type OwnState, siteAttributes } from "./own-attributes.ts";
import { Revisits } from "./revisits.ts";

export interface SiteOriginationParts {
  readonly own: OwnState;
  /** Whether the other routers of this site are told of each instance. */
  readonly advertiseInstances: boolean;
  readonly directory: Directory;
  readonly announcer: Announcer;
  readonly damper: OriginDamper;
  readonly clock: Clock;
  /** Absent: at once. */
  readonly first?: "in-slices";
}

/** Keeps one site route (CS) per capability that this router has an instance of and, where asked for, one route (CI) per instance. */
export class SiteOrigination implements Disposable {
  readonly #own: OwnState;
  readonly #advertiseInstances: boolean;
  readonly #directory: Directory;
  readonly #announcer: Announcer;
  readonly #damper: OriginDamper;
  readonly #revisits: Revisits<() => void>;
  readonly #subscription: Disposable;

  constructor({ own, advertiseInstances, directory, announcer, damper, clock, first }: SiteOriginationParts) {
    this.#own = own;
    this.#advertiseInstances = advertiseInstances;
    this.#directory = directory;
    this.#announcer = announcer;
    this.#damper = damper;
    this.#revisits = new Revisits((visit) => visit(), { directory, clock });
    const look = (key: () => string, visit: () => void): void => {
      if (first === "in-slices") this.#revisits.askLater(key(), visit);
      else visit();
    };
    for (const site of directory.sites()) {
      const { tenant, capability, majorVersion } = site;
      look(
        () => siteKey(site),
        () => this.#reconsider(own.tenants.get(tenant), capability, majorVersion),
      );
    }
    for (const { id, tenant } of advertiseInstances ? directory.instances() : [])
      look(
        () => instanceKey(id),
        () => {
          const now = directory.instance(id);
          if (now !== undefined) this.#reconsiderInstance(own.tenants.get(tenant), now, now);
        },
      );
    this.#subscription = directory.subscribe((changes) => this.#changed(changes));
  }

  /** Resolves when all that is known now has been looked at. */
  settled(): Promise<void> {
    return this.#revisits.settled();
  }

  #changed(changes: readonly DirectoryChange[]): void {
    const seen = changes.length > 1 ? new Set<string>() : undefined;
    for (const { type, instance } of changes) {
      const { tenant: name, capability, version } = instance;
      // A tenant may go with its last agents, and before these are visited.
      const tenant = this.#own.tenants.get(name);
      if (this.#advertiseInstances) {
        const present = type === "removed" ? undefined : instance;
        this.#revisits.ask(instanceKey(instance.id), () => this.#reconsiderInstance(tenant, instance, present));
      }
      const site = siteKey({ tenant: name, capability, majorVersion: version.major });
      if (seen?.has(site) === true) continue;
      seen?.add(site);
      this.#revisits.ask(site, () => this.#reconsider(tenant, capability, version.major));
    }
  }

  #reconsider(tenant: Tenant | undefined, capability: CapabilityName, majorVersion: number): void {
    if (tenant === undefined) return;
    const site = this.#directory.localSite(tenant.name, capability, majorVersion);
    const key = `site ${tenant.name} ${capability} ${majorVersion}`;
    this.#damper.observe(key, site, factsOf, (told) => {
      const nlri = {
        type: "site",
        routeDistinguisher: tenant.routeDistinguisher,
        capabilityId: capabilityId(capability, majorVersion),
        originId: this.#own.routerId,
      } as const;
      if (told === undefined) this.#announcer.retract(nlri);
      else this.#announcer.say(nlri, (now) => siteAttributes(told, this.#latest(tenant), this.#own, now));
    });
  }

  /** @param present `undefined`: it is gone */
  #reconsiderInstance(tenant: Tenant | undefined, instance: Instance, present: Instance | undefined): void {
    const { id, capability, version } = instance;
    if (tenant === undefined) return;
    const summary = present === undefined ? undefined : summarize([present]);
    this.#damper.observe(`instance ${id}`, summary, factsOf, (told) => {
      const nlri = {
        type: "instance",
        routeDistinguisher: tenant.routeDistinguisher,
        capabilityId: capabilityId(capability, version.major),
        originId: this.#own.routerId,
        instanceId: fromHex(id),
      } as const;
      if (told === undefined) this.#announcer.retract(nlri);
      else this.#announcer.say(nlri, (now) => instanceAttributes(told, this.#latest(tenant), this.#own, now));
    });
  }

  /** As the configuration has it now. */
  #latest(tenant: Tenant): Tenant {
    return this.#own.tenants.get(tenant.name) ?? tenant;
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
    this.#revisits[Symbol.dispose]();
  }
}

const siteKey = ({ tenant, capability, majorVersion }: SiteKey): string =>
  `site ${tenant} ${capability} ${majorVersion}`;
const instanceKey = (id: string): string => `instance ${id}`;

/** What of a site is said at once when it changes: policy may depend on it. */
function factsOf({ minorVersion, labels, access }: LocalSite): string {
  return JSON.stringify([minorVersion, labels, access]);
}
