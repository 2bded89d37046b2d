import type { CapabilityName } from "../../../src/base/index.ts";
import { countersReport } from "../../../src/daemon/forwarding-rows.ts";
import { PolicyMetrics } from "../../../src/daemon/policy-counters.ts";
import { Taxonomy } from "../../../src/directory/index.ts";
import { FIRST_CAPABILITY_POLICY, type Operation } from "../../../src/forwarding/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { createMetrics } from "../../../src/telemetry/index.ts";
import { type Row, single } from "./figures.ts";
import { Turns } from "./turns.ts";
import { DOMAIN, startDataplane, TENANT } from "./world.ts";

const CAPABILITIES = 10_000;
const NAMES = Array.from({ length: CAPABILITIES }, (_, i) => `/family${i % 100}/capability${i}` as CapabilityName);

/** An instance and counters of its own for each of ten thousand capabilities. */
function plan(taxonomy: Taxonomy): Operation[] {
  return NAMES.flatMap((name, i): Operation[] => {
    const address = DOMAIN.address
      .with(12, 1)
      .with(14, i >> 8)
      .with(15, i & 0xff);
    const instance = { instance: `i${i}`, address, port: 8080, servicePort: 80, protocol: "tcp" } as const;
    const policy = { use: "capabilities", tenantIndex: TENANT, counted: true, allowed: [] } as const;
    const entry = { address: taxonomy.address("acme", name, 1)!, group: 0, localGroup: 0 };
    return [
      { type: "set-next-hop", index: i + 1, nextHop: { kind: "instance", ...instance }, state: "up" },
      { type: "set-policy", index: FIRST_CAPABILITY_POLICY + i, policy },
      { type: "set-capability", entry: { ...entry, policy: FIRST_CAPABILITY_POLICY + i } },
    ];
  });
}

async function turnsOf(work: () => Promise<unknown>): Promise<Turns> {
  using turns = new Turns();
  await work();
  return turns;
}

/** What it costs the event loop that somebody reads all counters of ten thousand capabilities. */
export async function measureCounters(): Promise<Row[]> {
  const taxonomy = new Taxonomy({
    ...{ revision: 1, domain: DOMAIN, dnsZone: "example.net", tenants: new Map([["acme", TENANT]]) },
    families: new Map(Array.from({ length: 100 }, (_, i) => [`family${i}`, i + 1])),
    capabilities: NAMES.map((name) => ({ name, majorVersion: 1, servicePort: 80, protocol: "tcp" })),
  });
  await using dataplane = await startDataplane("counters", 16_384);
  dataplane.apply(plan(taxonomy), 1);
  const sources = { taxonomy, clock: systemClock, directory: { instance: () => undefined }, names: {} };
  const report = () => countersReport(dataplane, sources as never);
  const metrics = createMetrics();
  const policies = new PolicyMetrics(metrics, systemClock);
  metrics.beforeExpose(() => policies.refresh(dataplane, { taxonomy }));
  const expose = () => metrics.expose();
  // The first makes the series and compiles the code
  const rows: Row[] = [];
  for (const [name, work] of [
    ["semrctl show counters", report],
    ["a scrape by Prometheus", expose],
  ] as const) {
    await work();
    const times = [];
    for (let i = 0; i < 5; i++) times.push(await turnsOf(work));
    const median = (values: number[]) => values.toSorted((a, b) => a - b)[2]!;
    rows.push(
      single(`${name}: the longest turn`, "ms", median(times.map(({ longest }) => longest)), { most: 5 }),
      single(`${name}: all of it`, "ms", median(times.map(({ all }) => all))),
    );
  }
  return rows;
}
