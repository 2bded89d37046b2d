import path from "node:path";
import { milliseconds, seconds } from "../../base/index.ts";
import type { AgentConfiguration, HealthCheckConfiguration, InstanceConfiguration } from "../configuration/agents.ts";
import type {
  AdvertisementConfiguration,
  InterfaceConfiguration,
  RegistrationConfiguration,
  RouterConfiguration,
  TaxonomyCapability,
  TaxonomyConfiguration,
  TenantConfiguration,
} from "../configuration/types.ts";
import type { Agent, Capability, HealthCheck } from "../schema/instance/semrd-agent.ts";
import type { Interface } from "../schema/instance/semrd-interface.ts";
import type { Registration } from "../schema/instance/semrd-registration.ts";
import type { Advertisement, Router } from "../schema/instance/semrd-router.ts";
import type { Taxonomy } from "../schema/instance/semrd-taxonomy.ts";
import type { Tenant } from "../schema/instance/semrd-tenant.ts";
import { bindBgp } from "./bgp-binding.ts";
import { bindBmp } from "./bmp-binding.ts";
import { bindDataplane } from "./dataplane-binding.ts";
import { bindFlowRecords } from "./flow-records-binding.ts";
import { bindGrpc } from "./grpc-binding.ts";
import { bindIpv4 } from "./ipv4-binding.ts";
import { bindStores, type Stores } from "./keystore-binding.ts";
import { bindMrt } from "./mrt-binding.ts";
import { bindNetconf, bindUsers } from "./operators-binding.ts";
import { bindRoutingPolicy } from "./policy-binding.ts";
import { bindRpki } from "./rpki-binding.ts";
import { bindTenantPolicies } from "./tenant-policy-binding.ts";
import { addressOf, capabilityNameOf, prefixOf, routeDistinguisherOf, routerIdOf, routeTargetOf } from "./values.ts";

/**
 * The configuration in the words of the router's parts, but its agents, which may be very many: see {@link agentBinder}. Pure.
 *
 * @param router validated by libyang and printed with all defaults
 * @param folder where relative file names begin
 * @param nacm what stands beside the router
 */
export function bindRouter(
  router: Router,
  folder: string,
  { nacm, alarms }: Pick<RouterConfiguration, "nacm" | "alarms">,
): Omit<RouterConfiguration, "agents"> {
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

function bindAdvertisement(advertisement: Advertisement): AdvertisementConfiguration {
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

function bindTaxonomy(taxonomy: Taxonomy): TaxonomyConfiguration {
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

function bindTenant(tenant: Tenant): TenantConfiguration {
  return {
    name: tenant.name,
    index: tenant.index,
    routeDistinguisher: routeDistinguisherOf(tenant["route-distinguisher"]),
    importTargets: tenant["import-target"].map(routeTargetOf),
    exportTargets: tenant["export-target"].map(routeTargetOf),
  };
}

function bindInterface(port: Interface, tenants: readonly TenantConfiguration[]): InterfaceConfiguration {
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

function bindRegistration(registration: Registration, folder: string, stores: Stores): RegistrationConfiguration {
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
export function agentBinder(taxonomy: TaxonomyConfiguration): (agent: Agent) => AgentConfiguration {
  const known = new Map(taxonomy.capabilities.map((entry) => [`${entry.name} ${entry.majorVersion}`, entry]));
  return ({ id, tenant, capability }) => ({
    id,
    tenant,
    instances: capability.map((instance) => bindInstance(instance, known)),
  });
}

function bindInstance(instance: Capability, taxonomy: ReadonlyMap<string, TaxonomyCapability>): InstanceConfiguration {
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

function bindCheck(check: HealthCheck | undefined): HealthCheckConfiguration | undefined {
  if (check === undefined) return undefined;
  const times = {
    interval: milliseconds(check["interval-ms"]),
    timeout: milliseconds(check["timeout-ms"]),
    fall: check.fall,
    rise: check.rise,
  };
  return check.type === "http" ? { type: "http", path: check.path!, ...times } : { type: "tcp", ...times };
}
