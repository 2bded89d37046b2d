import {
  type CapabilityId,
  type CapabilityName,
  type Clock,
  type Log,
  type Metrics,
  type Random,
  toHex,
} from "../base/index.ts";
import { type DampingSettings, type Directory, UNDAMPED } from "../directory/index.ts";
import type { Rib, Tenant } from "../rib/index.ts";
import { AgentOrigination } from "./agent-origination.ts";
import { Announcer, type RouteOrigin } from "./announcer.ts";
import { OriginDamper } from "./origin-damper.ts";
import type { OwnFacts, OwnState } from "./own-attributes.ts";
import { PrefixOrigination } from "./prefix-origination.ts";
import type { SelectionFan } from "./selection-fan.ts";
import { SiteOrigination } from "./site-origination.ts";

export type { RouteOrigin } from "./announcer.ts";

export interface OriginationOptions extends OwnFacts {
  readonly tenants: readonly Tenant[];
  /** Begin as a router whose sites take no new flows while others can. */
  readonly draining?: boolean;
  /** Default: what changes is said at once. */
  readonly damping?: DampingSettings;
  /** Tell the other routers of this site of each instance. Default false. */
  readonly advertiseInstances?: boolean;
  /** Prefixes of names that this router resolves names below. */
  readonly prefixes?: readonly CapabilityName[];
}

export interface OriginationParts {
  readonly directory: Directory;
  readonly routes: RouteOrigin;
  readonly rib: Pick<Rib, "capability" | "attributes">;
  readonly selections: SelectionFan;
  readonly nameOf: (id: CapabilityId) => CapabilityName | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
  /** What is known at the beginning is said on later turns, a few milliseconds in each; absent: at once. */
  readonly first?: "in-slices";
}

/** All that this router says about itself: its sites and their instances, its agents, the prefixes that it answers for. */
export class Origination implements Disposable {
  readonly #announcer: Announcer;
  readonly #damper: OriginDamper;
  readonly #sites: SiteOrigination;
  readonly #agents: AgentOrigination;
  readonly #prefixes: PrefixOrigination;
  readonly #owned = new DisposableStack();
  /** What the parts read whenever they say something. */
  readonly #own: { -readonly [K in keyof OwnState]: OwnState[K] };

  constructor(options: OriginationOptions, parts: OriginationParts) {
    const {
      routerId,
      localAs,
      locator,
      selector,
      taxonomyRevision,
      advertiseInstances = false,
      prefixes = [],
    } = options;
    this.#own = { routerId, localAs, locator, selector, taxonomyRevision, tenants: byName(options.tenants) };
    const announcer = this.#owned.use(new Announcer({ draining: options.draining ?? false }, parts));
    const damper = this.#owned.use(new OriginDamper(options.damping ?? UNDAMPED, parts));
    const shared = { ...parts, own: this.#own, announcer, damper };
    this.#announcer = announcer;
    this.#damper = damper;
    this.#sites = this.#owned.use(new SiteOrigination({ ...shared, advertiseInstances }));
    this.#agents = this.#owned.use(new AgentOrigination(shared));
    this.#prefixes = this.#owned.use(new PrefixOrigination({ ...shared, prefixes }));
  }

  /** Resolves when what this router has to say of all that it knows now has been said. */
  async settled(): Promise<void> {
    await this.#sites.settled();
    await this.#agents.settled();
  }

  /**
   * Goes on with other tenants and another revision; what is said differently with them is said again. Instances of a tenant
   * that goes have to be gone before.
   */
  change(next: Pick<OriginationOptions, "tenants" | "taxonomyRevision">): void {
    const says = ({ exportTargets }: Tenant): string => exportTargets.map(toHex).join(" ");
    const before = this.#own.tenants;
    const differs =
      next.taxonomyRevision !== this.#own.taxonomyRevision ||
      next.tenants.some((tenant) => before.has(tenant.name) && says(before.get(tenant.name)!) !== says(tenant));
    this.#own.taxonomyRevision = next.taxonomyRevision;
    this.#own.tenants = byName(next.tenants);
    if (differs) this.#announcer.sayAgain();
    this.#prefixes.lookAtAll();
  }

  /** Goes on as another router: what it says is said again, under another key where the router ID is another one. */
  become({ routerId, localAs }: Pick<OwnFacts, "routerId" | "localAs">): void {
    const own = this.#own;
    if (own.routerId === routerId && own.localAs === localAs) return;
    own.routerId = routerId;
    own.localAs = localAs;
    this.#announcer.rename(routerId);
  }

  /** Goes on with another measure of how fast what it says may change. */
  damp(settings: DampingSettings): void {
    this.#damper.follow(settings);
  }

  /** Whether this router takes no new flows while others can, whatever the state of its instances. */
  set draining(draining: boolean) {
    this.#announcer.draining = draining;
  }

  /** Stops following the directory; the routes stay as they are. */
  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
}

const byName = (tenants: readonly Tenant[]): ReadonlyMap<string, Tenant> =>
  new Map(tenants.map((tenant) => [tenant.name, tenant]));
