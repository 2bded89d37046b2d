import { type CapabilityId, type Clock, IdentifierMap, OctetSlab, octetsEqual, type Random } from "../base/index.ts";
import { markOf } from "../bgp/brownfield/index.ts";
import type { CapabilitySiteNlri } from "../bgp/wire/index.ts";
import type { AttributeSet, CapabilitySelection, Rib, Tenant } from "../rib/index.ts";
import { Rounds } from "./rounds.ts";
import type { SelectionFan } from "./selection-fan.ts";
import type { SiteMirror } from "./site-mirror.ts";

/** Capabilities that are looked at in one turn of the event loop: some 3 ms. */
const PER_TURN = 64;

export interface SiteGatewayParts {
  readonly rib: Pick<Rib, "capability" | "attributes">;
  readonly selections: SelectionFan;
  readonly mirror: Pick<SiteMirror, "sayOther" | "retractOther">;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Says where the sites of other routers of the capability family are to neighbours that know nothing of it: of each
 * capability the best site, at the address of any site, where this router has none of its own. What came by brownfield is
 * not said again: it goes on as the unicast route that it is.
 */
export class SiteGateway implements Disposable {
  readonly #parts: SiteGatewayParts;
  /** While something may be said. */
  #subscription: Disposable | undefined;
  /** By index; `undefined`: nothing is said. */
  #tenants: ReadonlyMap<number, Tenant> | undefined;
  #said: IdentifierMap<CapabilitySiteNlri>;
  readonly #octets = new OctetSlab();
  readonly #rounds: Rounds;

  constructor(parts: SiteGatewayParts) {
    this.#parts = parts;
    this.#said = new IdentifierMap(parts.random);
    this.#rounds = new Rounds(parts.clock, PER_TURN);
  }

  /** Goes by these tenants; `undefined`: says nothing any more. All capabilities are looked at, over later turns. */
  change(tenants: readonly Tenant[] | undefined): void {
    this.#tenants = tenants && new Map(tenants.map((tenant) => [tenant.index, tenant]));
    const { rib, selections, mirror, random } = this.#parts;
    if (tenants === undefined) {
      this[Symbol.dispose]();
      const said = this.#said;
      this.#said = new IdentifierMap(random);
      for (const nlri of said.values()) mirror.retractOther(nlri);
      return;
    }
    this.#subscription ??= selections.subscribe({ site: (selection) => this.#changed(selection) });
    const { capability } = rib;
    this.#rounds.begin(capability.destinations(), ({ tenantIndex, capabilityId }) =>
      this.#changed(capability.select(tenantIndex, capabilityId)),
    );
  }

  /** Said again also where it is the same: an own site that came and went since then took the address with it. */
  #changed(selection: CapabilitySelection): void {
    const { tenantIndex, capabilityId, winner } = selection;
    const { mirror, rib } = this.#parts;
    const tenant = this.#tenants?.get(tenantIndex);
    const set = tenant && winner && !hasOwn(selection) ? rib.attributes.get(winner.attributes) : undefined;
    if (tenant === undefined || winner === undefined || set === undefined || markOf(set) !== undefined) {
      const before = this.#said.delete(tenantIndex, capabilityId);
      if (before !== undefined) mirror.retractOther(before);
      return;
    }
    const before = this.#said.get(tenantIndex, capabilityId);
    const isSame = before?.originId === winner.originId && before.routeDistinguisher === tenant.routeDistinguisher;
    const nlri = isSame ? before : this.#nlriOf(tenant, capabilityId, winner.originId);
    if (!isSame) this.#said.set(tenantIndex, capabilityId, nlri);
    mirror.sayOther(nlri, forOthers(set));
    if (before !== undefined && !sameSite(before, nlri)) mirror.retractOther(before);
  }

  /** For as long as it is said: the octets of a selection are another one's afterwards. */
  #nlriOf({ routeDistinguisher }: Tenant, capabilityId: CapabilityId, originId: number): CapabilitySiteNlri {
    return { type: "site", routeDistinguisher, capabilityId: this.#octets.copy(capabilityId), originId };
  }

  /** Nothing is said any more; what was said stays. */
  [Symbol.dispose](): void {
    this.#rounds[Symbol.dispose]();
    this.#subscription?.[Symbol.dispose]();
    this.#subscription = undefined;
  }
}

function hasOwn({ candidates }: CapabilitySelection): boolean {
  return candidates.some(({ candidate }) => candidate.local);
}

function sameSite(a: CapabilitySiteNlri, b: CapabilitySiteNlri): boolean {
  return a.originId === b.originId && octetsEqual(a.routeDistinguisher, b.routeDistinguisher);
}

/** What reflectors have written is of the sessions that it came through. */
function forOthers(set: AttributeSet): AttributeSet {
  const { originatorId: _o, clusterList: _c, ...others } = set;
  return others;
}
