import type { CapabilityName } from "../base/index.ts";
import { endpointText } from "./record.ts";
import type { Endpoint, Instance } from "./types.ts";

export interface SiteKey {
  readonly tenant: string;
  readonly capability: CapabilityName;
  readonly majorVersion: number;
}

interface Site {
  readonly key: SiteKey;
  readonly instances: Map<string, Instance>;
}

/** Instances by ID, by capability and by endpoint, counted per tenant. An instance never changes what it is found by. */
export class InstanceIndex {
  readonly #instances = new Map<string, Instance>();
  readonly #sites = new Map<string, Site>();
  /** An endpoint is nearly always one instance's alone: its ID then. */
  readonly #endpoints = new Map<string, string | Set<string>>();
  readonly #perTenant = new Map<string, number>();

  get size(): number {
    return this.#instances.size;
  }

  get(id: string): Instance | undefined {
    return this.#instances.get(id);
  }

  all(): Iterable<Instance> {
    return this.#instances.values();
  }

  /** Ordered by instance ID. */
  at(key: SiteKey): readonly Instance[] {
    return inOrder(this.inside(key));
  }

  /** In no particular order. */
  inside(key: SiteKey): Iterable<Instance> {
    return this.#sites.get(siteText(key))?.instances.values() ?? [];
  }

  *sites(): Iterable<SiteKey> {
    for (const site of this.#sites.values()) yield site.key;
  }

  behind(endpoint: Endpoint): readonly Instance[] {
    const there = this.#endpoints.get(endpointText(endpoint)) ?? [];
    const ids = typeof there === "string" ? [there] : [...there];
    return inOrder(ids.map((id) => this.#instances.get(id)!));
  }

  countOf(tenant: string): number {
    return this.#perTenant.get(tenant) ?? 0;
  }

  set(instance: Instance): void {
    const { id, tenant, capability, version } = instance;
    if (!this.#instances.has(id)) {
      this.#perTenant.set(tenant, this.countOf(tenant) + 1);
      const at = endpointText(instance.endpoint);
      const there = this.#endpoints.get(at);
      if (there === undefined) this.#endpoints.set(at, id);
      else if (typeof there === "string") this.#endpoints.set(at, new Set([there, id]));
      else there.add(id);
    }
    this.#instances.set(id, instance);
    const key = { tenant, capability, majorVersion: version.major };
    const text = siteText(key);
    const site = this.#sites.get(text);
    if (site === undefined) this.#sites.set(text, { key, instances: new Map([[id, instance]]) });
    else site.instances.set(id, instance);
  }

  delete({ id, tenant, capability, version, endpoint }: Instance): void {
    this.#instances.delete(id);
    this.#perTenant.set(tenant, this.countOf(tenant) - 1);
    const at = endpointText(endpoint);
    const ids = this.#endpoints.get(at)!;
    if (typeof ids !== "string") ids.delete(id);
    if (typeof ids === "string" || ids.size === 0) this.#endpoints.delete(at);
    const text = siteText({ tenant, capability, majorVersion: version.major });
    const site = this.#sites.get(text)!;
    site.instances.delete(id);
    if (site.instances.size === 0) this.#sites.delete(text);
  }
}

function siteText({ tenant, capability, majorVersion }: SiteKey): string {
  return `${tenant} ${capability} ${majorVersion}`;
}

function inOrder(instances: Iterable<Instance>): Instance[] {
  return [...instances].sort((a, b) => (a.id < b.id ? -1 : 1));
}
