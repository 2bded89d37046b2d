import { formatZoned } from "../../base/index.ts";
import type { PeerStatus, RangeStatus } from "../../bgp/speaker/index.ts";
import { type DataplaneDriver, tableSizes } from "../../dataplane/index.ts";
import type { Compiler } from "../../forwarding/index.ts";
import type { Condition, RouterConfiguration } from "../../management/index.ts";
import { linkStatus } from "../link-status.ts";

/** What is wrong now, by the path of what it is wrong with. Texts stay the same while the condition does. */
export type Conditions = ReadonlyMap<string, Condition>;

const ROUTER = "/semrd-router:router";
const BGP = `${ROUTER}/semrd-bgp:bgp`;
const DATAPLANE = `${ROUTER}/semrd-dataplane:dataplane`;

/** Parts of a table that are used when it is nearly full, and when it is so no more. */
const NEARLY_FULL = 0.9;
const RELIEVED = 0.8;

export const neighborPath = (address: string): string => `${BGP}/neighbors/neighbor[address='${address}']`;

/** Ranges that have as many neighbours as they may have. */
export function neighborLimits(ranges: Iterable<RangeStatus>): Conditions {
  const found = new Map<string, Condition>();
  // On a link the one at its other end is not one too many.
  for (const { name, neighbors, limit, refused } of ranges)
    if (neighbors >= limit && (name.includes("/") || refused > 0))
      found.set(
        `${BGP}/dynamic-neighbors/${name.includes("/") ? `range[prefix='${name}']` : `interface[name='${name}']`}`,
        {
          severity: "minor",
          text: `the range ${name} has its ${limit} neighbours, others are turned away: raise its limit, or find out who connects`,
        },
      );
  return found;
}

/** Neighbours and tables that have nearly as many routes as they may have. */
export function routeLimits(
  peers: Iterable<PeerStatus>,
  { bgp }: RouterConfiguration,
  table: { readonly routes: number; readonly room: number },
): Conditions {
  const found = new Map<string, Condition>();
  if (table.routes > table.room * NEARLY_FULL)
    found.set(`${ROUTER}/semrd-rib:ribs`, {
      severity: table.routes >= table.room ? "critical" : "warning",
      text: `the table of capability routes has room for ${table.room} and is nearly full: filter what neighbours send`,
    });
  const limits = new Map(bgp?.neighbors.map((neighbor) => [formatZoned(neighbor), neighbor.families]));
  for (const { address, perFamily } of peers)
    for (const { family, routesReceived } of perFamily) {
      const { maximumRoutes, warnAtPercent = 100 } =
        limits.get(address)?.find((configured) => configured.family === family) ?? {};
      if (maximumRoutes === undefined || routesReceived * 100 < maximumRoutes * warnAtPercent) continue;
      found.set(`${neighborPath(address)}/families/family[name='${family}']`, {
        severity: "warning",
        text: `${address} sends ${warnAtPercent} % or more of the ${maximumRoutes} ${family} routes that it may: its session ends with one too many`,
      });
    }
  return found;
}

/** Tables of the data plane; `raised`: whether there is the alarm already, so that it does not come and go. */
export function fullTables(
  { sizes }: Pick<Compiler, "sizes">,
  { dataplane }: RouterConfiguration,
  raised: (resource: string) => boolean,
): Conditions {
  const room = tableSizes(dataplane.maxCapabilities);
  const tables = [
    ["capabilities", sizes.capabilities, dataplane.maxCapabilities],
    ["groups", sizes.groups, room.groups - 1], // index 0 of these means none
    ["next-hops", sizes.nextHops, room.nextHops - 1],
  ] as const;
  const found = new Map<string, Condition>();
  for (const [name, used, size] of tables) {
    const resource = `${DATAPLANE}/state/table[name='${name}']`;
    if (used <= size * (raised(resource) ? RELIEVED : NEARLY_FULL)) continue;
    const how = used >= size ? "full" : "nearly full";
    found.set(resource, {
      severity: used >= size ? "critical" : "warning",
      text: `the table of ${name} is ${how} (it holds ${size}): raise max-capabilities and restart, or announce fewer capabilities`,
    });
  }
  return found;
}

/** A data plane that is not the best one, and interfaces that it does not serve as it could. */
export function degradations(
  driver: Pick<DataplaneDriver, "name" | "ports">,
  intended: RouterConfiguration,
  linkOf = linkStatus(driver.ports),
): Conditions {
  const found = new Map<string, Condition>();
  if (intended.dataplane.driver === "auto" && driver.name === "memory")
    found.set(DATAPLANE, {
      severity: "critical",
      text: "no packet of this host is forwarded: neither BPF programs nor routes of the kernel may be used here, which the log says why",
    });
  if (intended.dataplane.driver === "auto" && driver.name === "linux")
    found.set(DATAPLANE, {
      severity: "minor",
      text: "routes of the kernel forward instead of BPF programs, and translate and count nothing: the log says what is missing",
    });
  for (const port of driver.ports) {
    const { interface: name, hook, reason = "it does not say why" } = port;
    const why = linkOf(port)?.why;
    const resource = `${ROUTER}/semrd-interface:interfaces/interface[name='${name}']`;
    if (hook === "none") found.set(resource, { severity: "major", text: `nothing is forwarded at ${name}: ${reason}` });
    if (hook === "xdp generic")
      found.set(resource, {
        severity: "warning",
        text: `XDP runs in generic mode at ${name}, which is slow: ${reason}`,
      });
    if (why !== undefined)
      found.set(resource, { severity: "major", text: `nothing comes or goes at ${name}, which is down: ${why}` });
  }
  return found;
}

/** Somebody else's executor that is away, or has not carried out what it was told. */
export function executors({ executor }: Pick<DataplaneDriver, "executor">): Conditions {
  const found = new Map<string, Condition>();
  const resource = `${DATAPLANE}/fib-service`;
  if (executor?.state === "connecting")
    found.set(resource, {
      severity: "major",
      text: `the executor at ${executor.address} is away, and gets no change of the forwarding plan until it is back`,
    });
  if (executor?.state === "differs")
    found.set(resource, {
      severity: "minor",
      text: `the executor at ${executor.address} refuses parts of the forwarding plan, or holds others than it acknowledged: semrctl show dataplane says which`,
    });
  return found;
}

/** A commit that could not be made durable; none once one could be. */
export function persistFailure(folder: string, failure: string | undefined): Conditions {
  const found = new Map<string, Condition>();
  if (failure !== undefined)
    found.set(`${ROUTER}/state-directory`, {
      severity: "major",
      text: `a change of the configuration was refused, as it could not be written to ${folder}: ${failure}`,
    });
  return found;
}
