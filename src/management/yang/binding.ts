import path from "node:path";
import { milliseconds, seconds } from "../../base/index.ts";
import type {
  AdvertisementConfiguration,
  AgentConfiguration,
  BfdConfiguration,
  BgpConfiguration,
  FamilyConfiguration,
  HealthCheckConfiguration,
  InstanceConfiguration,
  InterfaceConfiguration,
  ListenRangeConfiguration,
  NeighborConfiguration,
  NeighborSettingsConfiguration,
  RegistrationConfiguration,
  RouterConfiguration,
  TaxonomyCapability,
  TaxonomyConfiguration,
  TenantConfiguration,
} from "../configuration/types.ts";
import { bindBmp } from "./bmp-binding.ts";
import { bindBrownfield, bindNeighborBrownfield } from "./brownfield-binding.ts";
import { bindDataplane } from "./dataplane-binding.ts";
import { bindFlowRecords } from "./flow-records-binding.ts";
import { bindGrpc } from "./grpc-binding.ts";
import type {
  AgentInstance,
  BgpInstance,
  CapabilityInstance,
  InterfaceInstance,
  ListenRangeInstance,
  NeighborInstance,
  NeighborSettings,
  RegistrationInstance,
  RouterInstance,
  TaxonomyInstance,
  TenantInstance,
} from "./instance.ts";
import { bindIpv4 } from "./ipv4-binding.ts";
import { bindStores, type Stores } from "./keystore-binding.ts";
import { bindMrt } from "./mrt-binding.ts";
import { type EffectiveSettings, effectiveSettings } from "./neighbor-inheritance.ts";
import { bindNetconf, bindUsers } from "./operators-binding.ts";
import { bindRoutingPolicy } from "./policy-binding.ts";
import { bindRpki } from "./rpki-binding.ts";
import { bindTenantPolicies } from "./tenant-policy-binding.ts";
import { addressOf, capabilityNameOf, prefixOf, routeDistinguisherOf, routerIdOf, routeTargetOf } from "./values.ts";

/**
 * The configuration in the words of the router's parts. Pure.
 *
 * @param router validated by libyang and printed with all defaults
 * @param folder where relative file names begin
 * @param nacm what stands beside the router
 */
export function bindRouter(
  router: RouterInstance,
  folder: string,
  { nacm, alarms }: Pick<RouterConfiguration, "nacm" | "alarms">,
): RouterConfiguration {
  const taxonomy = bindTaxonomy(router["semrd-taxonomy:taxonomy"]);
  const tenants = (router["semrd-tenant:tenants"]?.tenant ?? []).map(bindTenant);
  const { dns } = router["semrd-discovery:discovery"];
  const telemetry = router["semrd-telemetry:telemetry"];
  const { enabled, address, port } = telemetry.prometheus;
  const bgp = router["semrd-bgp:bgp"];
  const stores = bindStores(router["semrd-keystore:keystore"], router["semrd-truststore:truststore"], folder);
  return {
    name: router.name,
    routerId: routerIdOf(router["router-id"]),
    domain: { dnsZone: router.domain["dns-zone"], prefix: prefixOf(router.domain.prefix) },
    site: { selector: router.site.selector, locator: addressOf(router.site.locator) },
    advertisement: bindAdvertisement(router.advertisement),
    routeChoice: {
      understoodLabels: router["route-choice"]["understood-label"] ?? [],
      weights: router["route-choice"].weights,
      networkCostWeight: router["route-choice"]["network-cost-weight"],
    },
    nodes: (router.nodes?.node ?? []).map(({ locator, name }) => ({
      locator: addressOf(locator),
      ...(name === undefined ? {} : { name }),
    })),
    keystore: stores.keystore,
    truststore: stores.truststore,
    taxonomy,
    tenants,
    interfaces: (router["semrd-interface:interfaces"]?.interface ?? []).map((port) => bindInterface(port, tenants)),
    ...(router["semrd-ipv4:ipv4"] === undefined ? {} : { ipv4: bindIpv4(router["semrd-ipv4:ipv4"]) }),
    tenantPolicies: bindTenantPolicies(router["semrd-tenant-policy:tenant-policies"]?.tenant),
    routingPolicy: bindRoutingPolicy(router["semrd-policy:routing-policy"], taxonomy, tenants),
    ...(bgp === undefined ? {} : { bgp: bindBgp(bgp, stores) }),
    registration: bindRegistration(router["semrd-registration:registration"], folder, stores),
    agents: (router["semrd-agent:agents"]?.agent ?? []).map(agentBinder(taxonomy)),
    discovery: { dns: { listen: dns.listen ?? [], ttl: seconds(dns.ttl) } },
    dataplane: bindDataplane(router["semrd-dataplane:dataplane"], stores),
    telemetry: {
      logLevel: telemetry["log-level"],
      ...(enabled ? { prometheus: { address, port } } : {}),
      ...bindFlowRecords(telemetry["flow-records"]),
    },
    mrt: bindMrt(router["semrd-mrt:mrt"]),
    rpki: bindRpki(router["semrd-rpki:rpki"]),
    bmp: bindBmp(router["semrd-bmp:bmp"]),
    management: {
      controlSocket: router.management["control-socket"],
      users: bindUsers(router.management["semrd-access:users"]),
      netconf: bindNetconf(router.management["semrd-netconf:netconf"], stores),
      grpc: bindGrpc(router.management["semrd-grpc-server:grpc"], folder, stores),
    },
    ...{ nacm, alarms },
    stateDirectory: router["state-directory"],
  };
}

export function bindAdvertisement(advertisement: RouterInstance["advertisement"]): AdvertisementConfiguration {
  const { instances, prefix = [], damping } = advertisement;
  return {
    instances,
    prefixes: prefix.map(({ name, "suppress-more-specifics": suppressMoreSpecifics }) => ({
      name: capabilityNameOf(name),
      suppressMoreSpecifics,
    })),
    unknownTlvsOutside: advertisement["unknown-tlvs-outside"],
    damping: {
      averageTime: milliseconds(damping["average-ms"]),
      holdTime: milliseconds(damping["hold-ms"]),
      badNewsInterval: milliseconds(damping["bad-news-interval-ms"]),
      goodNewsInterval: {
        minimum: milliseconds(damping["good-news-interval-ms"]),
        maximum: milliseconds(damping["good-news-interval-maximum-ms"]),
      },
      updatesPerSecond: damping["updates-per-second"],
      burst: damping.burst,
    },
  };
}

function bindTaxonomy(taxonomy: TaxonomyInstance): TaxonomyConfiguration {
  return {
    revision: taxonomy.revision,
    familyCodes: new Map((taxonomy.family ?? []).map(({ label, code }) => [label, code])),
    capabilities: (taxonomy.capability ?? []).map((capability) => ({
      name: capabilityNameOf(capability.name),
      majorVersion: capability["major-version"],
      ...(capability.description === undefined ? {} : { description: capability.description }),
      servicePort: capability["service-port"],
      protocol: capability.protocol,
      ...(capability.affinity === "flow" ? {} : { affinity: capability.affinity }),
    })),
  };
}

export function bindTenant(tenant: TenantInstance): TenantConfiguration {
  return {
    name: tenant.name,
    index: tenant.index,
    routeDistinguisher: routeDistinguisherOf(tenant["route-distinguisher"]),
    importTargets: tenant["import-target"].map(routeTargetOf),
    exportTargets: tenant["export-target"].map(routeTargetOf),
  };
}

export function bindInterface(
  port: InterfaceInstance,
  tenants: readonly TenantConfiguration[],
): InterfaceConfiguration {
  const { name, role, hook } = port;
  const acceptTags = port["vlan-tags"] === "accept";
  const indexOf = (tenant: string) => tenants.find((candidate) => candidate.name === tenant)!.index; // a leafref, checked
  const sources = {
    permittedSources: (port["permitted-source"] ?? []).map(prefixOf),
    tenantSources: (port["tenant-source"] ?? []).map(({ prefix, tenant }) => ({
      ...{ prefix: prefixOf(prefix), tenant, tenantIndex: indexOf(tenant) },
    })),
  };
  if (port.tenant === undefined) return { name, role, tenantIndex: 0, hook, acceptTags, ...sources };
  return { name, role, tenant: port.tenant, tenantIndex: indexOf(port.tenant), hook, acceptTags, ...sources };
}

export function bindBgp(bgp: BgpInstance, stores: Stores): BgpConfiguration {
  const restart = bgp["graceful-restart"];
  return {
    localAs: bgp["local-as"],
    address: addressOf(bgp.address),
    port: bgp.port,
    ...(bgp["cluster-id"] === undefined ? {} : { clusterId: routerIdOf(bgp["cluster-id"]) }),
    ...(bgp.confederation === undefined
      ? {}
      : {
          confederation: {
            identifier: bgp.confederation.identifier,
            members: bgp.confederation["member-as"] ?? [],
          },
        }),
    gracefulShutdown: bgp["graceful-shutdown"],
    ...(restart.enabled ? { gracefulRestart: bindGracefulRestart(restart) } : {}),
    brownfield: bindBrownfield(bgp["semrd-brownfield:brownfield"]),
    neighbors: (bgp.neighbors?.neighbor ?? []).map((neighbor) => bindNeighbor(neighbor, bgp, stores)),
    ranges: (bgp["dynamic-neighbors"]?.range ?? []).map((range) => bindRange(range, bgp, stores)),
  };
}

function bindGracefulRestart(
  restart: BgpInstance["graceful-restart"],
): NonNullable<BgpConfiguration["gracefulRestart"]> {
  const longLived = restart["long-lived-stale-time"];
  return {
    restartTime: seconds(restart["restart-time"]),
    ...(restart["keep-over-notification"] ? { keepOverNotification: true } : {}),
    ...(longLived === 0 ? {} : { longLivedStaleTime: seconds(longLived) }),
  };
}

function bindNeighbor(neighbor: NeighborInstance, bgp: BgpInstance, stores: Stores): NeighborConfiguration {
  const settings = effectiveSettings(neighbor, bgp);
  const remoteAs = settings["remote-as"]!; // a condition of the model that libyang has checked
  const { description, "semrd-brownfield:brownfield": brownfield } = neighbor;
  const families = settings.families?.family ?? [];
  return {
    address: addressOf(neighbor.address),
    remoteAs,
    kind: remoteAs === bgp["local-as"] ? "internal" : "external",
    ...(description === undefined ? {} : { description }),
    ...bindSettings(settings, bgp, stores),
    families: bindFamilies(families, brownfield !== undefined),
    ...(brownfield === undefined
      ? {}
      : {
          brownfield: bindNeighborBrownfield(
            brownfield,
            families.map(({ name }) => name),
          ),
        }),
  };
}

function bindRange(range: ListenRangeInstance, bgp: BgpInstance, stores: Stores): ListenRangeConfiguration {
  const { prefix, limit, "peer-group": group, "remote-as-type": type, "remote-as": own = [] } = range;
  const settings = effectiveSettings({ "peer-group": group }, bgp);
  const inherited = settings["remote-as"];
  return {
    prefix: prefixOf(prefix),
    limit,
    remoteAs: type ?? (own.length > 0 || inherited === undefined ? own : [inherited]),
    ...bindSettings(settings, bgp, stores),
  };
}

function bindSettings(
  settings: EffectiveSettings & { readonly "peer-group"?: string },
  bgp: BgpInstance,
  stores: Stores,
): NeighborSettingsConfiguration {
  const { role, multihop, "hold-time": holdTime, "keepalive-time": keepaliveTime } = settings;
  const { "delay-open": delayOpen, "send-hold-time": sendHoldTime, "local-address": localAddress } = settings;
  const { "shutdown-message": shutdownMessage, "peer-group": group, "ttl-security-hops": hops } = settings;
  const interval = settings["minimum-advertisement-interval"];
  return {
    ...(group === undefined ? {} : { group }),
    enabled: settings.enabled,
    ...(shutdownMessage === undefined ? {} : { shutdownMessage }),
    port: settings.port,
    ...(holdTime === 0 ? {} : { holdTime: seconds(holdTime) }),
    ...(keepaliveTime === undefined ? {} : { keepaliveTime: seconds(keepaliveTime) }),
    minimumHoldTime: seconds(settings["minimum-hold-time"]),
    connectRetry: seconds(settings["connect-retry"]),
    ...(delayOpen === undefined ? {} : { delayOpen: seconds(delayOpen) }),
    idleHoldTime: seconds(settings["idle-hold-time"]),
    maximumBackOff: seconds(settings["maximum-back-off"]),
    ...(sendHoldTime === undefined ? {} : { sendHoldTime: seconds(sendHoldTime) }),
    ...(interval === 0 ? {} : { advertisementInterval: seconds(interval) }),
    ...(localAddress === undefined ? {} : { localAddress: addressOf(localAddress) }),
    passive: settings.passive,
    nextHopSelf: settings["next-hop-self"],
    enforceFirstAs: settings["enforce-first-as"],
    allowOwnAs: settings["allow-own-as"],
    families: bindFamilies(settings.families?.family ?? [], false),
    routeServerClient: settings["route-server-client"],
    reflectorClient: settings["route-reflector-client"],
    ...(role === undefined
      ? {}
      : { role: { local: role.local, strict: role.strict, capabilityRoutes: role["capability-routes"] } }),
    extendedMessages: settings["extended-messages"],
    enhancedRouteRefresh: settings["enhanced-route-refresh"],
    softReconfiguration: settings["soft-reconfiguration"],
    md5Keys: (settings["md5-key"] ?? []).map(stores.symmetricKey),
    aoKeys: (settings["tcp-ao-key"] ?? []).map((key) => ({
      sendId: key["send-id"],
      receiveId: key["receive-id"],
      algorithm: key.algorithm,
      key: stores.symmetricKey(key["symmetric-key"]),
    })),
    ...(hops === undefined ? {} : { ttlSecurityHops: hops }),
    ...(multihop === undefined ? {} : { multihop }),
    importPolicy: settings["import-policy"] ?? [],
    exportPolicy: settings["export-policy"] ?? [],
    ...(settings.bfd.enabled ? { bfd: bindBfd(settings, bgp) } : {}),
  };
}

/** A neighbour with brownfield has IPv6 unicast as well. */
function bindFamilies(
  families: NonNullable<NonNullable<NeighborSettings["families"]>["family"]>,
  isBrownfield: boolean,
): NeighborConfiguration["families"] {
  if (isBrownfield && families.every(({ name }) => name !== "ipv6-unicast")) {
    return [...bindFamilies(families, false), { family: "ipv6-unicast" }];
  }
  if (families.length === 0) return [{ family: "capability" }];
  return families.map((family) => {
    const { name, "maximum-routes": maximumRoutes, "warn-at": warnAtPercent, "restart-after": restart } = family;
    const { send, receive } = family["add-path"];
    return {
      family: name,
      ...(maximumRoutes === undefined ? {} : { maximumRoutes }),
      ...(warnAtPercent === undefined ? {} : { warnAtPercent }),
      ...(restart === undefined ? {} : { restartAfter: seconds(restart) }),
      ...(send === undefined && !receive ? {} : { addPath: { ...bindSend(send), receive } }),
      ...bindInterval(family["minimum-advertisement-interval"]),
    };
  });
}

function bindSend(send: "all" | number | undefined): Pick<NonNullable<FamilyConfiguration["addPath"]>, "send"> {
  return send === undefined ? {} : { send: send === "all" ? "all" : { best: send } };
}

function bindInterval(interval: number | undefined): Pick<FamilyConfiguration, "advertisementInterval"> {
  return interval === undefined ? {} : { advertisementInterval: seconds(interval) };
}

function bindBfd(neighbor: EffectiveSettings, bgp: BgpInstance): BfdConfiguration {
  const { bfd } = neighbor;
  return {
    multihop: neighbor["remote-as"] === bgp["local-as"] || neighbor.multihop !== undefined,
    desiredMinTx: milliseconds(bfd["desired-min-tx-ms"]),
    requiredMinRx: milliseconds(bfd["required-min-rx-ms"]),
    detectMultiplier: bfd["detect-multiplier"],
  };
}

export function bindRegistration(
  registration: RegistrationInstance,
  folder: string,
  stores: Stores,
): RegistrationConfiguration {
  const { lease } = registration;
  const tls = stores.keyPair(registration.tls);
  return {
    listen: registration.listen ?? [],
    ...(tls === undefined ? {} : { tls }),
    issuers: (registration.issuer ?? []).map(({ name, issuer, audience, "jwks-file": jwksFile }) => ({
      name,
      issuer,
      audience,
      jwksFile: path.resolve(folder, jwksFile),
    })),
    lease: { default: seconds(lease.default), minimum: seconds(lease.minimum), maximum: seconds(lease.maximum) },
  };
}

/** Reads agents whose capabilities are in `taxonomy`. */
export function agentBinder(taxonomy: TaxonomyConfiguration): (agent: AgentInstance) => AgentConfiguration {
  const known = new Map(taxonomy.capabilities.map((entry) => [`${entry.name} ${entry.majorVersion}`, entry]));
  return ({ id, tenant, capability }) => ({
    id,
    tenant,
    instances: capability.map((instance) => bindInstance(instance, known)),
  });
}

function bindInstance(
  instance: CapabilityInstance,
  taxonomy: ReadonlyMap<string, TaxonomyCapability>,
): InstanceConfiguration {
  // A condition of the model that libyang has checked.
  const version = instance["major-version"];
  const known =
    taxonomy.get(`${instance.name} ${version}`) ?? taxonomy.get(`${capabilityNameOf(instance.name)} ${version}`)!;
  const check = bindCheck(instance["health-check"]);
  return {
    capability: known.name,
    version: { major: known.majorVersion, minor: instance["minor-version"] },
    endpoint: { address: addressOf(instance.address), port: instance.port, protocol: known.protocol },
    servicePort: known.servicePort,
    weight: instance.weight,
    labels: instance.label ?? [],
    ...(check === undefined ? {} : { check }),
  };
}

function bindCheck(check: CapabilityInstance["health-check"]): HealthCheckConfiguration | undefined {
  if (check === undefined) return undefined;
  const times = {
    interval: milliseconds(check["interval-ms"]),
    timeout: milliseconds(check["timeout-ms"]),
    fall: check.fall,
    rise: check.rise,
  };
  return check.type === "http" ? { type: "http", path: check.path!, ...times } : { type: "tcp", ...times };
}
