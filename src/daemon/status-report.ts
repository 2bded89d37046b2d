import { formatIpv4, formatIpv6, formatZoned, type Milliseconds, type Moment } from "../base/index.ts";
import type { BfdPathStatus } from "../bfd/index.ts";
import { type ExecutorReport, tableSizes } from "../dataplane/index.ts";
import type { ExecutorStatus, StatusReport } from "../management/index.ts";
import type { ControlParts } from "./control.ts";
import { linkStatus } from "./link-status.ts";
import { livenessReport } from "./liveness.ts";
import { ageSeconds } from "./rows.ts";

/** The router at a glance. */
export function statusReport(parts: ControlParts): StatusReport {
  const { configuration, driver, directory, taxonomy, rib, names } = parts;
  const { phase, generation } = parts.state();
  const linkOf = linkStatus(driver.ports);
  const peers = parts.speaker?.peers() ?? [];
  let agents = 0;
  for (const _ of directory.agents()) agents++;
  return {
    name: configuration.name,
    version: parts.version,
    routerId: formatIpv4(configuration.routerId),
    locator: formatIpv6(configuration.site.locator),
    dnsZone: configuration.domain.dnsZone,
    domainPrefix: `${formatIpv6(configuration.domain.prefix.address)}/${configuration.domain.prefix.length}`,
    siteSelector: configuration.site.selector,
    processId: process.pid,
    uptimeSeconds: Math.round(process.uptime()),
    state: phase,
    dataplane: {
      driver: driver.name,
      adopted: driver.adopted,
      generation,
      ports: driver.ports.map((port) => {
        const operStatus = linkOf(port)?.operStatus;
        const tenant = names.tenant(port.tenantIndex === 0 ? undefined : port.tenantIndex);
        return {
          interface: port.interface,
          role: port.role,
          ...(tenant === undefined ? {} : { tenant }),
          hook: port.hook,
          ...(operStatus === undefined ? {} : { operStatus }),
          adopted: port.adopted,
          edge: port.edge ?? [],
          ...(port.restored === undefined ? {} : { restored: port.restored }),
          ...(port.reason === undefined ? {} : { reason: port.reason }),
        };
      }),
      limits: driver.limits,
      tables: tableRows(parts),
      ...(driver.executor === undefined ? {} : { executor: executorStatus(driver.executor, parts.clock.monotonic()) }),
    },
    counts: {
      agents,
      instances: directory.size,
      capabilities: taxonomy.capabilities.length * taxonomy.tenants.size,
      routes: rib.capability.routes,
      peers: peers.length,
      peersEstablished: peers.filter(({ state }) => state === "Established").length,
      ...(parts.speaker === undefined ? {} : { strangersRefused: parts.speaker.strangersRefused }),
    },
    liveness: livenessReport(parts),
    alarms: parts.alarms.counts.toReversed().filter(({ count }) => count > 0),
    warnings: warnings(parts),
  };
}

/** Room in the tables of the plan. */
function tableRows({ configuration, compiler }: ControlParts): StatusReport["dataplane"]["tables"] {
  const { maxCapabilities } = configuration.dataplane;
  // Index 0 of groups and next hops means none.
  const { groups, nextHops } = tableSizes(maxCapabilities);
  const { sizes } = compiler;
  return [
    { table: "capabilities", used: sizes.capabilities, size: maxCapabilities },
    { table: "groups", used: sizes.groups, size: groups - 1 },
    { table: "next hops", used: sizes.nextHops, size: nextHops - 1 },
  ];
}

/** @param now monotonic */
export function executorStatus(
  { unreachable: _, since, refused, ...report }: ExecutorReport,
  now: Milliseconds,
): ExecutorStatus {
  const ago = (then: Moment): number => ageSeconds(then.monotonic, now);
  return {
    ...report,
    sinceSeconds: ago(since),
    refused: refused.map(({ since: then, ...each }) => ({ ...each, sinceSeconds: ago(then) })),
  };
}

/** Of the path to a neighbour. Absent: it has none. */
export function bfdStatus({ configuration }: ControlParts, peer: string, status: BfdPathStatus | undefined) {
  const neighbor = configuration.bgp?.neighbors.find((neighbor) => formatZoned(neighbor) === peer);
  return status && { ...status, multihop: neighbor?.bfd?.multihop === true };
}

/** What is not as it should be, in sentences for people. */
export function warnings({ driver, configuration, speaker, drain, compiler, brownfield }: ControlParts): string[] {
  const found: string[] = [...(brownfield?.warnings() ?? [])];
  for (const { reason, times, advice } of compiler.refusals) {
    found.push(`Something had no place in the forwarding plan (${reason}, ${times} times since the start): ${advice}.`);
  }
  if (drain.on) found.push("This router is draining: it serves only what no other router can.");
  if (driver.name === "memory") found.push("No packet of this host is forwarded: the memory data plane is in use.");
  const linkOf = linkStatus(driver.ports);
  for (const port of driver.ports) {
    const why = linkOf(port)?.why;
    if (why !== undefined) found.push(`Interface ${port.interface} is down, so nothing comes or goes there: ${why}.`);
    if (port.hook === "none") found.push(`Interface ${port.interface} has no program: ${port.reason ?? "unknown"}.`);
    else if (port.hook === "xdp generic")
      found.push(`Interface ${port.interface} runs XDP in generic mode, which is slow.`);
  }
  if (configuration.bgp !== undefined && speaker !== undefined) {
    for (const { address, state, enabled } of speaker.peers()) {
      if (!enabled) found.push(`BGP session with ${address} is shut down by configuration.`);
      else if (state !== "Established") found.push(`BGP session with ${address} is ${state}.`);
    }
    for (const { name, neighbors, limit, refused } of speaker.ranges()) {
      if (neighbors < limit || (!name.includes("/") && refused === 0)) continue;
      found.push(`The range ${name} has its ${limit} neighbours: ${refused} connections were turned away so far.`);
    }
  }
  return found;
}
