import { prefixOf } from "./capability-key.ts";
import type { NetId } from "./types.ts";

/** A prefix of names of a tenant. */
export interface Place {
  readonly tenant: number;
  readonly prefix: string;
}

/** More than any domain has; each is an object, so that a neighbour must not make as many as it likes. */
const MOST = 65_536;

/**
 * From (tenant, prefix of names) to its nets of all origins. There are hundreds of them in a domain, not millions: these are
 * the only routes with an object each.
 */
export class PrefixIndex {
  readonly #tenants = new Map<number, Map<string, Set<NetId>>>();
  readonly #places = new Map<NetId, Place>();
  readonly #most: number;
  /** Nets that had no room here: they are passed on and never found. */
  leftOut = 0;
  /** What may be decided otherwise since it was last taken, by a text of its own. */
  readonly #changed = new Map<string, Place>();

  constructor(most: number = MOST) {
    this.#most = most;
  }

  /** Puts a net where it belongs now. `tenant`: `undefined`, it has no path any more; 0, no tenant imports it. */
  put(net: NetId, tenant: number | undefined, key: Uint8Array): void {
    const was = this.#places.get(net);
    if (was !== undefined) {
      this.#note(was);
      if (was.tenant === tenant) return;
      this.#remove(net, was);
    }
    if (tenant === undefined) return;
    if (this.#places.size >= this.#most) {
      this.leftOut++;
      return;
    }
    const prefix = prefixOf(key);
    const prefixes = this.#tenants.get(tenant) ?? new Map<string, Set<NetId>>();
    this.#tenants.set(tenant, prefixes);
    prefixes.set(prefix, (prefixes.get(prefix) ?? new Set()).add(net));
    this.#places.set(net, { tenant, prefix });
    this.#note({ tenant, prefix });
  }

  #note(place: Place): void {
    if (place.tenant !== 0) this.#changed.set(`${place.tenant} ${place.prefix}`, place);
  }

  get changes(): number {
    return this.#changed.size;
  }

  /** One of the prefixes that changed, which has not changed then. */
  takeChanged(): Place | undefined {
    for (const [text, place] of this.#changed) {
      this.#changed.delete(text);
      return place;
    }
    return undefined;
  }

  #remove(net: NetId, { tenant, prefix }: Place): void {
    const prefixes = this.#tenants.get(tenant)!;
    const nets = prefixes.get(prefix)!;
    nets.delete(net);
    if (nets.size === 0) prefixes.delete(prefix);
    this.#places.delete(net);
  }

  /** Nets of exactly this prefix. */
  at(tenant: number, prefix: string): Iterable<NetId> {
    return this.#tenants.get(tenant)?.get(prefix) ?? [];
  }

  /** Prefixes of this name that there are routes for, the longest first. */
  *covering(tenant: number, name: string): Generator<string> {
    const prefixes = this.#tenants.get(tenant);
    if (prefixes === undefined) return;
    for (let prefix = name; ; prefix = prefix.slice(0, Math.max(1, prefix.lastIndexOf("/")))) {
      if (prefixes.has(prefix)) yield prefix;
      if (prefix === "/") return;
    }
  }
}
