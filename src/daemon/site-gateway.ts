import { type Clock, toHex } from "../base/index.ts";
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
}

/**
 * Says where the sites of other routers of the capability family are to neighbours that know nothing of it: of each
 * capability the best site, at the address of any site, where this router has none of its own. What came by brownfield is
 * not said again: it goes on as the unicast route that it is.
 */
export class SiteGateway implements Disposable {
  readonly #parts: SiteGatewayParts;
  readonly #subscription: Disposable;
  /** By index; `undefined`: nothing is said. */
  #tenants: ReadonlyMap<number, Tenant> | undefined;
  /** By tenant and CapID. */
  readonly #said = new Map<string, CapabilitySiteNlri>();
  readonly #rounds: Rounds;

  constructor(parts: SiteGatewayParts) {
    this.#parts = parts;
    this.#rounds = new Rounds(parts.clock, PER_TURN);
    this.#subscription = parts.selections.subscribe({ site: (selection) => this.#changed(selection) });
  }

  /** Goes by these tenants; `undefined`: says nothing any more. All capabilities are looked at, over later turns. */
  change(tenants: readonly Tenant[] | undefined): void {
    this.#tenants = tenants && new Map(tenants.map((tenant) => [tenant.index, tenant]));
    if (tenants === undefined) {
      this.#rounds[Symbol.dispose]();
      for (const key of [...this.#said.keys()]) this.#retract(key);
      return;
    }
    const { capability } = this.#parts.rib;
    this.#rounds.begin(capability.destinations(), ({ tenantIndex, capabilityId }) =>
      this.#changed(capability.select(tenantIndex, capabilityId)),
    );
  }

  #changed({ tenantIndex, capabilityId, winner, candidates }: CapabilitySelection): void {
    const key = `${tenantIndex} ${toHex(capabilityId)}`;
    const tenant = this.#tenants?.get(tenantIndex);
    const set = winner && this.#parts.rib.attributes.get(winner.attributes);
    const hasOwn = candidates.some(({ candidate }) => candidate.local);
    if (tenant === undefined || winner === undefined || hasOwn || markOf(set!) !== undefined) {
      this.#retract(key);
      return;
    }
    const { routeDistinguisher } = tenant;
    const nlri = { type: "site", routeDistinguisher, capabilityId, originId: winner.originId } as const;
    const before = this.#said.get(key);
    this.#said.set(key, nlri);
    this.#parts.mirror.sayOther(nlri, forOthers(set!));
    if (before !== undefined && before.originId !== nlri.originId) this.#parts.mirror.retractOther(before);
  }

  #retract(key: string): void {
    const nlri = this.#said.get(key);
    if (nlri === undefined) return;
    this.#said.delete(key);
    this.#parts.mirror.retractOther(nlri);
  }

  [Symbol.dispose](): void {
    this.#rounds[Symbol.dispose]();
    this.#subscription[Symbol.dispose]();
  }
}

/** What reflectors have written is of the sessions that it came through. */
function forOthers(set: AttributeSet): AttributeSet {
  const { originatorId: _o, clusterList: _c, ...others } = set;
  return others;
}
