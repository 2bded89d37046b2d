import type { Milliseconds } from "../../base/index.ts";
import { type ExecutorReport, type TenantCounters, tableSizes } from "../../dataplane/index.ts";
import type { TaxonomyCapability } from "../../directory/index.ts";
import type { LivenessReport, Path, StateSource } from "../../management/index.ts";
import type { ControlParts } from "../control.ts";
import { countersReport } from "../forwarding-rows.ts";
import { linkStatus } from "../link-status.ts";
import { livenessReport } from "../liveness.ts";
import { CapabilityCounters, tenantClients } from "../policy-counters.ts";
import { capabilityRow } from "../rows.ts";
import type { SelectionFan } from "../selection-fan.ts";
import { InstanceCounters } from "./counters.ts";
import { dateAndTime, entry, place } from "./place.ts";

const HOOKS = {
  "xdp native": "xdp-native",
  "xdp generic": "xdp-generic",
  tcx: "tcx",
  clsact: "clsact",
  executor: "executor",
  ovs: "ovs",
  routes: "routes",
  none: "none",
} as const;

/** The tables of the data plane, their room, and what they did to packets. */
export function dataplaneState(parts: ControlParts): StateSource {
  const path = place("semrd-router:router", "semrd-dataplane:dataplane", "state");
  const { driver, compiler } = parts;
  return {
    path,
    async *rows() {
      const { verdicts, sites, instances, tags } = await countersReport(parts.counters, parts);
      const { maxCapabilities } = parts.configuration.dataplane;
      // Index 0 of groups and next hops means none.
      const { groups, nextHops } = tableSizes(maxCapabilities);
      const { sizes } = compiler;
      const table = (name: string, size: number, used: number) => ({ name, size, used, free: size - used });
      const nextHop = (kind: string) => (row: (typeof sites)[number]) => {
        const { index, name, towards, encapsulation, packets, octets, flows } = row;
        const wrapped = encapsulation === undefined ? {} : { encapsulation };
        return { index, kind, name, towards, ...wrapped, packets, octets, flows };
      };
      yield {
        path,
        value: {
          driver: driver.name,
          adopted: driver.adopted,
          generation: String(parts.state().generation),
          limit: driver.limits,
          ...livenessState(livenessReport(parts)),
          ...(driver.executor === undefined ? {} : { executor: executorState(driver.executor) }),
          table: [
            table("capabilities", maxCapabilities, sizes.capabilities),
            table("groups", groups - 1, sizes.groups),
            table("next-hops", nextHops - 1, sizes.nextHops),
          ],
          "discontinuity-time": dateAndTime(parts.counters.discontinuity),
          verdict: verdicts.map(({ verdict, packets }) => ({ name: verdict, packets })),
          tag: tags.map(({ tag, packets, octets }) => ({ value: tag, packets, octets })),
          "next-hop": [...sites.map(nextHop("tunnel")), ...instances.map(nextHop("instance"))],
        },
      };
    },
  };
}

function livenessState({ instances, heartbeats }: LivenessReport) {
  if (heartbeats === undefined) return { instances };
  const { routers, sent, sendErrors, late, realtime } = heartbeats;
  const counts = { sent: String(sent), "send-errors": String(sendErrors), late: String(late) };
  return { instances, heartbeats: { routers, ...counts, realtime } };
}

function executorState({ refused, unreachable, ...report }: ExecutorReport) {
  const { address, state, product, since, generation, pending, differences, sessions, handovers, lastError } = report;
  return {
    ...{ address, state, ...(product === undefined ? {} : { product }), since: dateAndTime(since.wall) },
    ...{ generation: String(generation), pending, differences, sessions, handovers },
    ...(lastError === undefined ? {} : { "last-error": lastError }),
    refused: refused.map((each) => ({ ...each, since: dateAndTime(each.since.wall) })),
    unreachable: unreachable.map(({ nextHop, reason }) => ({ "next-hop": nextHop, reason })),
  };
}

/** What was done for each interface. */
export function interfaceState({ driver }: Pick<ControlParts, "driver">): StateSource {
  const path = place("semrd-router:router", "semrd-interface:interfaces", "interface", "state");
  return {
    path,
    *rows() {
      const linkOf = linkStatus(driver.ports);
      for (const port of driver.ports) {
        const { interface: name, hook, ifindex, adopted, edge = [], restored, reason } = port;
        const operStatus = linkOf(port)?.operStatus;
        const value = {
          ...{ hook: HOOKS[hook], "if-index": ifindex, adopted },
          ...(operStatus === undefined ? {} : { "oper-status": operStatus }),
          ...(edge.length === 0 ? {} : { "edge-program": edge }),
          ...(restored === undefined ? {} : { restored }),
          ...(reason === undefined ? {} : { reason }),
        };
        yield { path: entry(path, { 2: { name } }), value };
      }
    },
  };
}

/** What of each tenant is behind this router. */
export function tenantState(parts: ControlParts): StateSource {
  const path = place("semrd-router:router", "semrd-tenant:tenants", "tenant", "state");
  const none = { instances: 0, packets: "0", octets: "0", flows: "0" };
  return {
    path,
    async *rows() {
      const sums = (await InstanceCounters.read(parts)).byTenant();
      const clients = new Map(tenantClients(parts.counters, parts).map((row) => [row.tenant, row]));
      for (const name of parts.taxonomy.tenants.keys()) {
        const sent = clients.get(name);
        const value = {
          ...(sums.get(name) ?? none),
          "discontinuity-time": dateAndTime(parts.counters.discontinuity),
          ...(sent && { clients: clientLeaves(sent) }),
        };
        yield { path: entry(path, { 2: { name } }), value };
      }
    },
  };
}

function policyLeaves({ counted, limited }: ReturnType<CapabilityCounters["of"]>, since: Milliseconds) {
  if (counted === undefined && limited === undefined) return {};
  return {
    "discontinuity-time": dateAndTime(since),
    ...(counted === undefined ? {} : { packets: String(counted.packets), octets: String(counted.bytes) }),
    ...(limited === undefined ? {} : { limited: String(limited) }),
  };
}

function clientLeaves({ packets, bytes, denied, limited, spoofed }: TenantCounters) {
  const counts = { packets, octets: bytes, denied, limited, spoofed };
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, String(count)]));
}

/** Who serves each capability, for each tenant. */
export function capabilityState(parts: ControlParts, selections: SelectionFan): StateSource {
  const path = place("semrd-router:router", "semrd-taxonomy:taxonomy", "capability", "state");
  const at = (name: string, majorVersion: number) =>
    entry(path, { 2: { name, "major-version": String(majorVersion) } });
  return {
    path,
    *rows(wanted) {
      const keys = wanted[2]!.keys ?? {};
      const { taxonomy } = parts;
      const counters = new CapabilityCounters(parts.counters);
      for (const capability of taxonomy.capabilities) {
        const { name, majorVersion } = capability;
        if (keys.name !== undefined && keys.name !== name) continue;
        if (keys["major-version"] !== undefined && keys["major-version"] !== String(majorVersion)) continue;
        const tenant = Array.from(taxonomy.tenants, ([tenantName, index]) => {
          const row = capabilityRow(parts, [tenantName, index], capability);
          return {
            name: tenantName,
            address: row.address,
            ...(row.ipv4Address === undefined ? {} : { "ipv4-address": row.ipv4Address }),
            "dns-name": row.dnsName,
            sites: row.sites,
            "sites-known": row.sitesKnown,
            "local-instances": row.localInstances,
            "local-instances-known": row.localInstancesKnown,
            ...(row.bestOrigin === undefined ? {} : { "best-origin": row.bestOrigin }),
            ...policyLeaves(
              counters.of(taxonomy.address(tenantName, name, majorVersion)!),
              parts.counters.discontinuity,
            ),
          };
        });
        yield { path: at(name, majorVersion), value: { tenant } };
      }
    },
    // Where the last site has gone nobody says the name any more.
    watch(changed) {
      const paths = new WeakMap<TaxonomyCapability, Path>();
      return selections.subscribe({
        site({ capabilityId }) {
          const known = parts.taxonomy.byId(capabilityId);
          if (known === undefined) return;
          let path = paths.get(known);
          if (path === undefined) {
            path = at(known.name, known.majorVersion);
            paths.set(known, path);
          }
          changed(path);
        },
      });
    },
  };
}
