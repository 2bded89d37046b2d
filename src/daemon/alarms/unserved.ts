import { IdentifierSet, type Random } from "../../base/index.ts";
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
  readonly #unserved: IdentifierSet;

  constructor(sources: Pick<RowSources, "taxonomy" | "names">, random: Random) {
    this.#sources = sources;
    this.#unserved = new IdentifierSet(random);
  }

  /** A site has begun to serve a capability, or the last one that did has ended. */
  changed({ tenantIndex, capabilityId }: CapabilitySelection, isReachable: boolean): void {
    if (!isReachable) this.#unserved.add(tenantIndex, capabilityId);
    else if (this.#unserved.size > 0) this.#unserved.delete(tenantIndex, capabilityId);
  }

  /** What the taxonomy and the tenants no longer have is over. */
  conditions(): Conditions {
    const found = new Map<string, Condition>();
    if (this.#unserved.size === 0) return found;
    const { taxonomy, names } = this.#sources;
    for (const { tenantIndex, id } of this.#unserved.members()) {
      const tenant = names.tenant(tenantIndex);
      const known = taxonomy.byId(id);
      if (tenant === undefined || known === undefined) {
        this.#unserved.delete(tenantIndex, id);
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
}
