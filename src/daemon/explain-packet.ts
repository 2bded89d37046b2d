import {
  ANY_SITE,
  type CapabilityName,
  formatIpv4,
  formatIpv6,
  formatIpv6Prefix,
  type Ipv6Address,
  prefixContains,
  toHex,
} from "../base/index.ts";
import {
  type DataplaneDriver,
  DataplaneError,
  type GroupChoice,
  type PacketExplanation,
  type PacketQuestion,
  type Probe,
} from "../dataplane/index.ts";
import type { NextHop } from "../forwarding/index.ts";
import { type KernelRoute, kernelRoute } from "../host/index.ts";
import {
  ControlRefusal,
  type PacketChoice,
  type PacketInquiry,
  type PacketProbe,
  type PacketReport,
  type RouterConfiguration,
} from "../management/index.ts";
import { portsOf } from "./driver.ts";
import { towards } from "./forwarding-rows.ts";
import { type Called, packetPolicy } from "./packet-policy.ts";
import { present, type RowSources, tenantOf } from "./rows.ts";

export interface PacketSources extends RowSources {
  readonly driver: DataplaneDriver;
  readonly configuration: RouterConfiguration;
}

/** The ports of a flow that nobody asked to be exact: of an ephemeral port of the client. @see RFC 6335 §6 */
const CLIENT_PORT = 49_152;
const DEFAULT_PORT = 80;
const DEFAULT_LENGTH = 100;
/** More addresses than the answer can depend on. */
const MAX_ROUTES = 4;

/**
 * What becomes of a packet here, from the tables as they are. What the inquiry leaves out comes from the destination's
 * capability and from the kernel's routing.
 * @throws {ControlRefusal} what is asked about cannot be, or this data plane does not tell
 */
export async function packetReport(sources: PacketSources, asked: PacketInquiry): Promise<PacketReport> {
  const { driver, names } = sources;
  const { inquiry, ipv4 } = translated(sources, asked);
  if (driver.explain === undefined)
    throw new ControlRefusal(
      409,
      "control.no-packet-explain",
      "The data plane does not tell",
      `the ${driver.name} data plane does not say what it does with a packet: see semrctl show fib for what it was given`,
    );
  const destination =
    typeof inquiry.destination === "string"
      ? addressOf(sources, inquiry.destination, inquiry.tenant)
      : inquiry.destination;
  const question = await completed(sources, inquiry, destination);
  const { explanation, routes } = await settled((route) => explained(driver, question, route));
  const owner = names.address(destination);
  const port = driver.ports.find(({ interface: name }) => name === question.interface);
  const { sites, instances, elsewhere, leaves, nextHop: _taken, capability, aggregate, ...rest } = explanation;
  const way = leaves && routes.get(toHex(leaves.to));
  const isFlow = question.protocol !== "icmpv6";
  const policy = policyOf(sources, question, owner);
  return {
    source: formatIpv6(question.source),
    destination: formatIpv6(destination),
    protocol: question.protocol,
    ...(isFlow ? { sourcePort: question.sourcePort, port: question.destinationPort } : {}),
    interface: question.interface,
    hook: port?.hook ?? "none",
    ...present({ portTenant: port && names.tenant(port.tenantIndex) }),
    ...rest,
    ...present({ capability: owner?.capability, tenant: owner?.tenant }),
    known: capability !== undefined,
    ...present({ policy, ipv4 }),
    ...present({ aggregate: aggregate && formatIpv6Prefix(aggregate.prefix) }),
    ...(sites && { sites: choice(sites, sources) }),
    ...(instances && { instances: choice(instances, sources) }),
    ...(elsewhere && { elsewhere: choice(elsewhere, sources) }),
    ...(leaves && { leaves: { to: formatIpv6(leaves.to), length: leaves.length, ...wayOut(way) } }),
  };
}

/** Nothing about what comes out of a tunnel: its router has looked. */
function policyOf({ configuration, names }: PacketSources, question: PacketQuestion, called: Called | undefined) {
  const port = portsOf(configuration).find(({ interface: name }) => name === question.interface);
  if (port === undefined || question.tunnelFrom !== undefined) return undefined;
  return packetPolicy(configuration.tenantPolicies, port, { source: question.source, called }, names);
}

/** A question in which IPv4 has become IPv6, and what it was. */
interface Translated {
  readonly ipv4?: PacketReport["ipv4"];
  readonly inquiry: PacketInquiry & {
    readonly source: Ipv6Address;
    readonly destination: Ipv6Address | CapabilityName;
  };
}

/** As the programs at the edge translate: hosts into the prefix, addresses of a pool to those of their capabilities. */
function translated(sources: PacketSources, inquiry: PacketInquiry): Translated {
  const { source, destination } = inquiry;
  const { ipv4 } = sources.configuration;
  if (typeof source !== "number" && typeof destination !== "number")
    return { inquiry: { ...inquiry, source, destination } };
  if (ipv4 === undefined)
    throw new ControlRefusal(
      409,
      "control.no-ipv4",
      "No IPv4 here",
      "this router translates no IPv4: configure /router/ipv4, or ask about IPv6 addresses",
    );
  return {
    ipv4: {
      ...(typeof source === "number" ? { source: formatIpv4(source) } : {}),
      ...(typeof destination === "number" ? { destination: formatIpv4(destination) } : {}),
    },
    inquiry: {
      ...inquiry,
      source: typeof source === "number" ? hostAt(ipv4.prefix.address, source) : source,
      destination: typeof destination === "number" ? capabilityAt(sources, destination) : destination,
    },
  };
}

/** The address of an IPv4 host in a /96. @see RFC 6052 §2.2 */
function hostAt(prefix: Ipv6Address, host: number): Ipv6Address {
  const address = prefix.slice();
  new DataView(address.buffer, address.byteOffset).setUint32(12, host);
  return address;
}

function capabilityAt({ taxonomy, configuration }: PacketSources, wanted: number): Ipv6Address {
  for (const { tenant } of configuration.ipv4?.pools ?? [])
    for (const { name, majorVersion } of taxonomy.capabilities)
      if (taxonomy.ipv4Address(tenant, name, majorVersion) === wanted)
        return taxonomy.address(tenant, name, majorVersion, ANY_SITE)!;
  throw new ControlRefusal(
    404,
    "control.no-such-capability",
    "No such capability",
    `${formatIpv4(wanted)} is the IPv4 address of no capability here: see semrctl show capabilities`,
  );
}

function addressOf(sources: PacketSources, name: CapabilityName, asked: string | undefined): Ipv6Address {
  const { taxonomy } = sources;
  const tenant = tenantOf(sources, asked);
  const majorVersion = taxonomy.versions(name).at(-1)?.majorVersion;
  const address = majorVersion === undefined ? undefined : taxonomy.address(tenant.name, name, majorVersion, ANY_SITE);
  if (address !== undefined) return address;
  throw new ControlRefusal(
    404,
    "control.no-such-capability",
    "No such capability",
    `${name} is not in the taxonomy of this router, so that it has no address: see semrctl show capabilities`,
  );
}

async function completed(
  sources: PacketSources,
  inquiry: Translated["inquiry"],
  destination: Ipv6Address,
): Promise<PacketQuestion> {
  const { names, taxonomy } = sources;
  const owner = names.address(destination);
  const served = owner && taxonomy.versions(owner.capability).at(-1);
  return {
    source: inquiry.source,
    destination,
    protocol: inquiry.protocol ?? served?.protocol ?? "tcp",
    sourcePort: inquiry.sourcePort ?? CLIENT_PORT,
    destinationPort: inquiry.port ?? served?.servicePort ?? DEFAULT_PORT,
    tcp: inquiry.flags ?? "syn",
    hopLimit: inquiry.hopLimit ?? 64,
    length: inquiry.length ?? DEFAULT_LENGTH,
    ...present({ tunnelFrom: inquiry.tunnelFrom }),
    interface: inquiry.interface ?? (await portTowards(sources, inquiry)),
  };
}

/** The port where the packet would come in: what the kernel sends to its sender goes out there. */
async function portTowards({ driver, configuration }: PacketSources, inquiry: Translated["inquiry"]): Promise<string> {
  const { source, tunnelFrom } = inquiry;
  const sender = tunnelFrom ?? source;
  const ports = driver.ports.map(({ interface: name }) => name);
  const isCapability = prefixContains(configuration.domain.prefix, sender);
  const route = isCapability ? undefined : await kernelRoute(sender);
  if (route !== undefined && ports.includes(route.interface)) return route.interface;
  const why =
    route === undefined
      ? `this router has no route to ${formatIpv6(sender)}`
      : `the route to ${formatIpv6(sender)} leads to ${route.interface}, which is no port of the data plane`;
  throw new ControlRefusal(
    400,
    "control.interface-needed",
    "At which interface?",
    `${why}: say with --interface where the packet comes in (${ports.join(", ") || "there are no ports"})`,
  );
}

function explained(
  driver: DataplaneDriver,
  question: PacketQuestion,
  route: (destination: Ipv6Address) => KernelRoute | undefined,
): PacketExplanation {
  try {
    return driver.explain!(question, route);
  } catch (cause) {
    if (!(cause instanceof DataplaneError && cause.code === "dataplane.no-such-port")) throw cause;
    throw new ControlRefusal(400, cause.code, "No such port", cause.message);
  }
}

/**
 * Answers with the routes that the answer depends on: it is asked again with each that it turned out to need, since the
 * model does not wait and the kernel's routing has to be.
 */
async function settled(ask: (route: (destination: Ipv6Address) => KernelRoute | undefined) => PacketExplanation) {
  const routes = new Map<string, KernelRoute | undefined>();
  for (;;) {
    const missing = new Set<string>();
    const explanation = ask((destination) => {
      const key = toHex(destination);
      if (!routes.has(key)) missing.add(key);
      return routes.get(key);
    });
    if (explanation.leaves !== undefined && !routes.has(toHex(explanation.leaves.to)))
      missing.add(toHex(explanation.leaves.to));
    if (missing.size === 0 || routes.size >= MAX_ROUTES) return { explanation, routes };
    for (const key of missing) routes.set(key, await kernelRoute(Uint8Array.from(Buffer.from(key, "hex"))));
  }
}

function wayOut(route: KernelRoute | undefined): Partial<NonNullable<PacketReport["leaves"]>> {
  if (route === undefined) return {};
  const { interface: name, mtu, gateway } = route;
  return { interface: name, mtu, ...(gateway === undefined ? {} : { gateway: formatIpv6(gateway) }) };
}

function choice({ slot, inTransition, probes }: GroupChoice, sources: PacketSources): PacketChoice {
  return { slot, inTransition, probes: probes.map((one) => probe(one, sources)) };
}

function probe({ as, slot, nextHop, state, fate }: Probe, sources: PacketSources): PacketProbe {
  return {
    as,
    ...present({ slot }),
    kind: nextHop.kind,
    ...present({ name: nameOf(nextHop, sources) }),
    towards: towards(nextHop),
    state,
    fate,
  };
}

function nameOf(nextHop: NextHop, { names, directory }: PacketSources): string | undefined {
  switch (nextHop.kind) {
    case "tunnel":
      return names.router(nextHop.locator);
    case "local":
      return undefined;
    case "instance":
      return directory.instance(nextHop.instance)?.agent;
  }
}
