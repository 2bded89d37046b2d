import { type Clock, type Counter, type Ipv6Address, type Metrics, Slices } from "../base/index.ts";
import type { DataplaneDriver, PolicyCounters, TenantCounters } from "../dataplane/index.ts";
import type { CapabilityCounterRow } from "../management/index.ts";
import type { CountingPlane } from "./counter-book.ts";
import type { RowSources } from "./rows.ts";

const NO_TENANT: TenantCounters = { packets: 0n, bytes: 0n, denied: 0n, limited: 0n, spoofed: 0n };

/** What the clients of each tenant sent through this router, in the order of the configuration; empty where nobody counts it. */
export function tenantClients(
  driver: CountingPlane,
  { taxonomy }: Pick<RowSources, "taxonomy">,
): readonly (TenantCounters & { readonly tenant: string })[] {
  const { tenants } = driver.counters();
  if (tenants === undefined) return [];
  return Array.from(taxonomy.tenants, ([tenant, index]) => ({ tenant, ...(tenants.get(index) ?? NO_TENANT) }));
}

/** What passed for single capabilities, by address: those with counters or rates of their own. */
export class CapabilityCounters {
  readonly #driver: CountingPlane;
  readonly #counters: ReadonlyMap<number, PolicyCounters>;

  constructor(driver: CountingPlane) {
    this.#driver = driver;
    this.#counters = driver.counters().policies ?? new Map();
  }

  /** Nothing is counted for single capabilities. */
  get isEmpty(): boolean {
    return this.#counters.size === 0;
  }

  of(address: Ipv6Address): { readonly counted?: PolicyCounters; readonly limited?: bigint } {
    const { plan } = this.#driver;
    const index = plan.plannedCapability(address)?.policy;
    const policy = index === undefined ? undefined : plan.plannedPolicy(index);
    const counters = index === undefined ? undefined : this.#counters.get(index);
    if (policy === undefined || counters === undefined) return {};
    const isLimited = policy.packets !== undefined || policy.bits !== undefined;
    return { ...(policy.counted ? { counted: counters } : {}), ...(isLimited ? { limited: counters.limited } : {}) };
  }
}

/** What passed for each capability of each tenant that has counters or a rate of its own. */
export async function capabilityCounters(
  driver: CountingPlane,
  { taxonomy }: Pick<RowSources, "taxonomy">,
  slices: Slices,
): Promise<readonly CapabilityCounterRow[]> {
  const counters = new CapabilityCounters(driver);
  if (counters.isEmpty) return [];
  const rows: CapabilityCounterRow[] = [];
  for (const tenant of taxonomy.tenants.keys())
    for (const { name, majorVersion } of taxonomy.capabilities) {
      if (slices.isOver) await slices.next();
      const { counted, limited } = counters.of(taxonomy.address(tenant, name, majorVersion)!);
      if (counted === undefined && limited === undefined) continue;
      rows.push({
        ...{ capability: name, version: majorVersion, tenant },
        ...(counted === undefined ? {} : { packets: String(counted.packets), octets: String(counted.bytes) }),
        ...(limited === undefined ? {} : { limited: String(limited) }),
      });
    }
  return rows;
}

/** Adds to the metrics what was counted since the last time. */
export class PolicyMetrics {
  readonly #metrics: Metrics;
  readonly #known = new Map<string, { readonly counter: Counter; count: bigint }>();
  readonly #clock: Clock;

  constructor(metrics: Metrics, clock: Clock) {
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** In slices: there may be ten thousand. */
  async refresh(
    driver: CountingPlane & Pick<DataplaneDriver, "deferredBeginnings">,
    sources: Pick<RowSources, "taxonomy">,
  ): Promise<void> {
    const slices = new Slices(this.#clock, { stepsPerLook: 1 });
    for (const { tenant, packets, bytes, denied, limited, spoofed } of tenantClients(driver, sources)) {
      for (const [result, count] of Object.entries({ sent: packets, denied, limited, spoofed }))
        this.#add("semrd_tenant_client_packets_total", "Packets of a tenant's clients to capabilities", count, {
          ...{ tenant, result },
        });
      this.#add("semrd_tenant_client_bytes_total", "Octets of what was sent of them", bytes, { tenant });
      if (slices.isOver) await slices.next();
    }
    const capabilities = new CapabilityCounters(driver);
    const { taxonomy } = sources;
    for (const tenant of capabilities.isEmpty ? [] : taxonomy.tenants.keys())
      for (const { name, majorVersion } of taxonomy.capabilities) {
        if (slices.isOver) await slices.next();
        const { counted, limited } = capabilities.of(taxonomy.address(tenant, name, majorVersion)!);
        const labels = { tenant, capability: name, version: String(majorVersion) };
        if (counted !== undefined) {
          const help = "Packets for a capability that came in here";
          this.#add("semrd_capability_client_packets_total", help, counted.packets, labels);
          this.#add("semrd_capability_client_bytes_total", "Octets of these packets", counted.bytes, labels);
        }
        if (limited === undefined) continue;
        this.#add("semrd_capability_limited_packets_total", "Packets over the rate of a capability", limited, labels);
      }
    const deferred = driver.deferredBeginnings?.();
    if (deferred !== undefined)
      this.#add(
        "semrd_transition_deferred_connections_total",
        "Connections that began with the former owner of a slot that moves, as too many began at once",
        deferred,
        {},
      );
    for (const [tag, { packets }] of driver.counters().tags ?? [])
      this.#add("semrd_tag_delivered_packets_total", "Packets delivered here with a tag", packets, {
        tag: String(tag),
      });
  }

  /** A count that went back began anew. */
  #add(name: string, help: string, count: bigint, labels: Readonly<Record<string, string>>): void {
    const key = `${name} ${Object.values(labels).join(" ")}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = { counter: this.#metrics.counter(name, help, labels), count: 0n };
      this.#known.set(key, known);
    }
    if (count !== known.count) known.counter.add(Number(count >= known.count ? count - known.count : count));
    known.count = count;
  }
}
