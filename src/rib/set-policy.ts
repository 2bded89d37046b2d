import type { AttributeSet, CommunityOctets, SemanticAttribute } from "./attributes.ts";
import { hasBrownfieldMark, hasHashMismatch } from "./brownfield-mark.ts";
import type { CapabilityChoice } from "./capability-table.ts";
import type { SetJudge } from "./set-judgements.ts";
import type { Tenant } from "./types.ts";

const TARGET_OCTETS = 8;
const NOBODY = 0;

/** Who imports what: of tenants with a route target in common the one with the lowest index. @see RFC 4364 §4.3.1 */
export class ImportTargets {
  /** Tenant index by the two halves of the target, the second one first: it tells more of them apart. */
  readonly #tenants = new Map<number, Map<number, number>>();
  /** The target that was asked about last, which the next set has as well, mostly, and who imports it. */
  #high = 0;
  #low = 0;
  #latest: number;

  constructor(tenants: readonly Tenant[]) {
    for (const { index, importTargets } of tenants) for (const target of importTargets) this.#add(target, index);
    this.#latest = this.#find(this.#high, this.#low);
  }

  #add(target: Uint8Array, index: number): void {
    const [high, low] = [u32(target, 0), u32(target, 4)];
    const alike = this.#tenants.get(low) ?? new Map<number, number>();
    this.#tenants.set(low, alike);
    alike.set(high, Math.min(index, alike.get(high) ?? index));
  }

  #importer(octets: Uint8Array, at: number): number {
    const [high, low] = [u32(octets, at), u32(octets, at + 4)];
    if (high !== this.#high || low !== this.#low) {
      this.#high = high;
      this.#low = low;
      this.#latest = this.#find(high, low);
    }
    return this.#latest;
  }

  #find(high: number, low: number): number {
    return this.#tenants.get(low)?.get(high) ?? NOBODY;
  }

  /** The tenant that imports a set; 0: nobody does. */
  of({ extendedCommunities }: AttributeSet): number {
    return extendedCommunities.reduce((least, octets) => lower(least, this.#importer(octets, 0)), NOBODY);
  }

  /** The same of a set whose communities nobody has made objects of. */
  ofOctets({ octets, start, end }: CommunityOctets): number {
    let least = NOBODY;
    for (let at = start; at < end; at += TARGET_OCTETS) least = lower(least, this.#importer(octets, at));
    return least;
  }
}

function lower(a: number, b: number): number {
  if (a === NOBODY || b === NOBODY) return a + b;
  return Math.min(a, b);
}

/** Whatever it is, it tells octets apart. */
function u32(octets: Uint8Array, at: number): number {
  return (octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!;
}

/** What the capability rules say about sets. `targets` is asked each time: tenants come and go. */
export function setPolicy(
  targets: () => ImportTargets,
  { labels, attestation, acceptUnattested }: CapabilityChoice,
): SetJudge {
  return (set, communities) => {
    const tenantIndex = communities === undefined ? targets().of(set) : targets().ofOctets(communities);
    const { semantic } = set;
    const understood = semantic !== undefined && isUnderstood(semantic, labels);
    const attested = attestation(set);
    const isTrusted = attested === "valid" || (attested === "not-found" && acceptUnattested);
    const isMismatch = (communities === undefined || hasBrownfieldMark(communities)) && hasHashMismatch(set);
    return {
      tenantIndex,
      eligible: tenantIndex !== NOBODY && understood && isTrusted && semantic?.state !== "down" && !isMismatch,
    };
  };
}

/** Whether every label that has to be understood is. @see DESIGN section 4.2 */
function isUnderstood({ labels }: SemanticAttribute, understood: ReadonlySet<string>): boolean {
  for (const { critical, text } of labels) if (critical && !understood.has(text)) return false;
  return true;
}
