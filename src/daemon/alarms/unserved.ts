import { toHex } from "../../base/index.ts";
import type { TaxonomyCapability } from "../../directory/index.ts";
import type { Condition } from "../../management/index.ts";
import type { CapabilitySelection } from "../../rib/index.ts";
import type { RowSources } from "../rows.ts";
import type { Conditions } from "./conditions.ts";

/** So many have an alarm of their own; more have one together. */
const MOST = 256;
const TAXONOMY = "/semrd-router:router/semrd-taxonomy:taxonomy";

/** Capabilities that were served since the start, and are not now. One that never was is nobody's concern. */
export class UnservedCapabilities {
  readonly #sources: Pick<RowSources, "taxonomy" | "names">;
  readonly #unserved = new Map<string, { readonly tenantIndex: number; readonly id: string }>();
  #known: { readonly of: RowSources["taxonomy"]; readonly byId: ReadonlyMap<string, TaxonomyCapability> } | undefined;

  constructor(sources: Pick<RowSources, "taxonomy" | "names">) {
    this.#sources = sources;
  }

  /** A site has begun to serve a capability, or the last one that did has ended. */
  changed({ tenantIndex, capabilityId }: CapabilitySelection, isReachable: boolean): void {
    const id = toHex(capabilityId);
    const key = `${tenantIndex} ${id}`;
    if (isReachable) this.#unserved.delete(key);
    else this.#unserved.set(key, { tenantIndex, id });
  }

  /** What the taxonomy and the tenants no longer have is over. */
  conditions(): Conditions {
    const found = new Map<string, Condition>();
    if (this.#unserved.size === 0) return found;
    const byId = this.#byId();
    for (const [key, { tenantIndex, id }] of this.#unserved) {
      const tenant = this.#sources.names.tenant(tenantIndex);
      const known = byId.get(id);
      if (tenant === undefined || known === undefined) {
        this.#unserved.delete(key);
        continue;
      }
      if (found.size === MOST) {
        const text = `more than ${MOST} capabilities are served by no site any more: semrctl show capabilities`;
        found.set(TAXONOMY, { severity: "critical", text });
        break;
      }
      const { name, majorVersion } = known;
      found.set(
        `${TAXONOMY}/capability[name='${name}'][major-version='${majorVersion}']/state/tenant[name='${tenant}']`,
        {
          severity: "major",
          text: `no site serves ${name} version ${majorVersion} for ${tenant} any more: semrctl explain ${name} --tenant ${tenant} says why`,
        },
      );
    }
    return found;
  }

  #byId(): ReadonlyMap<string, TaxonomyCapability> {
    const { taxonomy, names } = this.#sources;
    if (this.#known?.of !== taxonomy) {
      const all = taxonomy.capabilities.map(
        (one) => [toHex(names.capabilityId(one.name, one.majorVersion)), one] as const,
      );
      this.#known = { of: taxonomy, byId: new Map(all) };
    }
    return this.#known.byId;
  }
}
