import { type Clock, formatIpv6, formatIpv6Prefix, Slices } from "../base/index.ts";
import type { DataplaneCounters, DataplaneDriver } from "../dataplane/index.ts";
import {
  type Encapsulation,
  GROUP_SLOTS,
  type NextHop,
  type NextHopIndex,
  type PlanView,
} from "../forwarding/index.ts";
import type { CountersReport, FibNextHop, FibRow, NextHopCounterRow } from "../management/index.ts";
import type { CountingPlane } from "./counter-book.ts";
import { capabilityCounters, tenantClients } from "./policy-counters.ts";
import { present, type RowSources } from "./rows.ts";

export function towards(nextHop: NextHop): string {
  switch (nextHop.kind) {
    case "tunnel":
      return formatIpv6(nextHop.locator);
    case "local":
      return "this router";
    case "instance":
      return `[${formatIpv6(nextHop.address)}]:${nextHop.port}`;
  }
}

/** How a tunnel wraps packets, in words. */
function wrapping(encapsulation: Encapsulation | undefined): string {
  switch (encapsulation?.kind) {
    case undefined:
      return "IPv6-in-IPv6";
    case "segments":
      return `segments ${encapsulation.waypoints.map(formatIpv6).join(", ")}`;
    case "vxlan":
      return `VXLAN ${encapsulation.vni}`;
  }
}

/** Every capability address of the data plane with where its packets go, then the aggregates; read from the tables themselves. */
export function* fibRows(driver: DataplaneDriver, sources: RowSources): Generator<FibRow> {
  const { plan } = driver;
  for (const entry of plan.plannedCapabilities()) {
    const owner = sources.names.address(entry.address);
    yield {
      address: formatIpv6(entry.address),
      ...(owner ?? {}),
      group: entry.group,
      localGroup: entry.localGroup,
      nextHops: [
        ...membersOf(plan, entry.group, { localOnly: false }),
        ...membersOf(plan, entry.localGroup, { localOnly: true }),
      ],
    };
  }
  yield* aggregateRows(driver, sources);
}

function* aggregateRows({ plan }: DataplaneDriver, { names }: RowSources): Generator<FibRow> {
  for (const { prefix, group } of plan.plannedAggregates?.() ?? []) {
    yield {
      address: formatIpv6Prefix(prefix),
      ...present({ capability: names.below(prefix), tenant: names.tenant(u16(prefix.address, TENANT_AT)) }),
      ...{ group, localGroup: 0, nextHops: membersOf(plan, group, { localOnly: false }) },
    };
  }
}

const TENANT_AT = 6;
const u16 = (octets: Uint8Array, at: number): number => (octets[at]! << 8) | octets[at + 1]!;

function unusual(nextHop: NextHop): { readonly encapsulation?: string } {
  if (nextHop.kind !== "tunnel" || nextHop.encapsulation === undefined) return {};
  return { encapsulation: wrapping(nextHop.encapsulation) };
}

function membersOf(plan: PlanView, group: number, { localOnly }: { localOnly: boolean }): FibNextHop[] {
  const owners = plan.plannedGroup(group);
  if (owners === undefined) return [];
  const counts = new Map<NextHopIndex, { slots: number; moving: number }>();
  const count = (index: NextHopIndex) => {
    const found = counts.get(index) ?? { slots: 0, moving: 0 };
    counts.set(index, found);
    return found;
  };
  for (const { current, previous } of owners.slots) {
    if (current === 0) continue;
    count(current).slots++;
    if (previous !== 0 && previous !== current) count(current).moving++;
  }
  if (owners.backup !== 0) count(owners.backup);
  return [...counts].flatMap(([index, { slots, moving }]) => {
    const entry = plan.plannedNextHop(index);
    if (entry === undefined) return [];
    return {
      index,
      kind: entry.nextHop.kind,
      towards: towards(entry.nextHop),
      ...unusual(entry.nextHop),
      state: entry.state,
      slots,
      slotCount: GROUP_SLOTS,
      slotsInTransition: moving,
      backup: index === owners.backup,
      localOnly,
    };
  });
}

const NOTHING = { packets: 0n, bytes: 0n, flows: 0n };

/** In slices: there may be ten thousand instances. */
export async function countersReport(
  driver: CountingPlane,
  sources: RowSources & { readonly clock: Clock },
): Promise<CountersReport> {
  const slices = new Slices(sources.clock, { stepsPerLook: 1 });
  const counters = driver.counters();
  const sites: CountersReport["sites"][number][] = [];
  const instances: CountersReport["instances"][number][] = [];
  for (const [index, { nextHop }] of driver.plan.plannedNextHops()) {
    if (slices.isOver) await slices.next();
    const base = counterRow(index, nextHop, counters);
    if (nextHop.kind === "tunnel") {
      const name = sources.names.router(nextHop.locator) ?? base.towards;
      sites.push({ ...base, name, encapsulation: wrapping(nextHop.encapsulation) });
    }
    if (nextHop.kind !== "instance") continue;
    const instance = sources.directory.instance(nextHop.instance);
    instances.push({
      ...base,
      name: instance?.agent ?? base.towards,
      capability: instance?.capability ?? "",
      tenant: instance?.tenant ?? "",
      weight: instance?.weight ?? 0,
    });
  }
  return {
    driver: driver.name,
    verdicts: Array.from([...counters.verdicts, ...(counters.edge ?? [])], ([verdict, packets]) => ({
      verdict,
      packets: String(packets),
    })),
    sites,
    instances,
    tenants: tenantClients(driver, sources).map(({ tenant, packets, bytes, denied, limited, spoofed }) => ({
      ...{ tenant, packets: String(packets), octets: String(bytes) },
      ...{ denied: String(denied), limited: String(limited), spoofed: String(spoofed) },
    })),
    capabilities: await capabilityCounters(driver, sources, slices),
    tags: Array.from(counters.tags ?? [], ([tag, { packets, bytes }]) => ({
      ...{ tag, packets: String(packets), octets: String(bytes) },
    })),
  };
}

function counterRow(index: NextHopIndex, nextHop: NextHop, counters: DataplaneCounters): NextHopCounterRow {
  const { packets, bytes, flows } = counters.nextHops.get(index) ?? NOTHING;
  const text = towards(nextHop);
  return { index, name: text, towards: text, packets: String(packets), octets: String(bytes), flows: String(flows) };
}
