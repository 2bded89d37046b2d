import {
  ANY_SITE,
  type CapabilityName,
  capabilityAddress,
  capabilityFamily,
  capabilityId,
  formatIpv6,
  formatZoned,
  hashedFamilyCode,
  prefixContains,
} from "../../base/index.ts";
import { publicKeyFault } from "../access/index.ts";
import type { ConfigurationFault } from "./error.ts";
import { ipv4Disagreements } from "./ipv4-agreement.ts";
import { neighborDisagreements } from "./neighbor-agreement.ts";
import { policyDisagreements } from "./policy-agreement.ts";
import { tenantPolicyDisagreements } from "./tenant-policy-agreement.ts";
import type { RouterConfiguration } from "./types.ts";

const ROUTER = "/semrd-router:router";
/** Looked at one after the other before there may be a pause: tens of microseconds. */
const AGENTS_A_PIECE = 32;

/**
 * What a YANG model cannot say: conditions over hashes and address arithmetic. Pure. `undefined` is a piece of work without
 * a fault, so that who looks through a large configuration can pause.
 */
export function* disagreements(
  configuration: RouterConfiguration,
  options: { readonly collisions: boolean; readonly policies: boolean } = { collisions: true, policies: true },
): Iterable<ConfigurationFault | undefined> {
  if (options.collisions) yield* capabilityCollisions(configuration);
  yield* addressesInDomain(configuration);
  yield* healthChecks(configuration);
  yield* neighborDisagreements(configuration);
  yield* ipv4Disagreements(configuration);
  yield* policyDisagreements(configuration.routingPolicy);
  if (options.policies) yield* tenantPolicyDisagreements(configuration);
  yield* authorizedKeys(configuration);
  yield* originsOnExport(configuration);
}

/** When VRPs change, nothing is sent again for that: routes are judged when they come. */
function* originsOnExport({ routingPolicy, bgp }: RouterConfiguration): Iterable<ConfigurationFault> {
  const looking = new Set(
    routingPolicy.policies
      .filter(({ statements }) => statements.some(({ conditions }) => conditions.rpkiStates !== undefined))
      .map(({ name }) => name),
  );
  for (const neighbor of bgp?.neighbors ?? [])
    for (const name of neighbor.exportPolicy)
      if (looking.has(name))
        yield {
          path: `${ROUTER}/semrd-bgp:bgp/neighbors/neighbor[address='${formatZoned(neighbor)}']/export-policy[.='${name}']`,
          reason: "asks for the RPKI state of routes, which is known on import only: use it as an import policy",
          tag: "rpki-on-export",
        };
}

const familyCode = (configuration: RouterConfiguration, name: CapabilityName): number => {
  const label = capabilityFamily(name);
  return configuration.taxonomy.familyCodes.get(label) ?? hashedFamilyCode(label);
};

/** Two capabilities of one address could not be told apart by a packet. @see DESIGN section 3 */
function* capabilityCollisions(configuration: RouterConfiguration): Iterable<ConfigurationFault | undefined> {
  const owners = new Map<string, string>();
  for (const { name, majorVersion } of configuration.taxonomy.capabilities) {
    const address = capabilityAddress({
      domain: configuration.domain.prefix,
      tenantIndex: 1, // any: it is the same for both
      familyCode: familyCode(configuration, name),
      capabilityId: capabilityId(name, majorVersion),
      selector: ANY_SITE,
    });
    const text = formatIpv6(address);
    const owner = owners.get(text);
    if (owner === undefined) {
      owners.set(text, `${name} version ${majorVersion}`);
      yield undefined;
    } else
      yield {
        path: `${ROUTER}/semrd-taxonomy:taxonomy/capability[name='${name}'][major-version='${majorVersion}']`,
        reason: `has the same address as ${owner}: give one of them another family code, or another name`,
        tag: "capability-collision",
      };
  }
}

/** Neither unspecified nor multicast. */
const isUnicast = (address: Uint8Array): boolean => address[0] !== 0xff && address.some((octet) => octet !== 0);

/** Capability addresses stand for capabilities: a node that has one could not be reached. */
function* addressesInDomain(configuration: RouterConfiguration): Iterable<ConfigurationFault | undefined> {
  const { prefix } = configuration.domain;
  const fault = (path: string, address: Uint8Array, what: string): ConfigurationFault => ({
    path: `${ROUTER}${path}`,
    value: JSON.stringify(formatIpv6(address)),
    reason: `${what} cannot be inside the domain's prefix, which is for capability addresses`,
    tag: "address-in-domain",
  });
  const { locator } = configuration.site;
  if (prefixContains(prefix, locator)) yield fault("/site/locator", locator, "a locator");
  for (const node of configuration.nodes)
    if (prefixContains(prefix, node.locator))
      yield fault(`/nodes/node[locator='${formatIpv6(node.locator)}']`, node.locator, "a locator");
  for (const [i, agent] of configuration.agents.entries()) {
    if (i % AGENTS_A_PIECE === 0) yield undefined;
    for (const { endpoint, capability, version } of agent.instances) {
      const { address } = endpoint;
      const isInDomain = prefixContains(prefix, address);
      if (!isInDomain && isUnicast(address)) continue;
      const keys = `[name='${capability}'][major-version='${version.major}'][address='${formatIpv6(address)}'][port='${endpoint.port}']`;
      const path = `/semrd-agent:agents/agent[id='${agent.id}']/capability${keys}/address`;
      if (isInDomain) yield fault(path, address, "an agent's own address");
      // The model says so too; libyang 3 does not look at the patterns of these addresses.
      else
        yield {
          path: `${ROUTER}${path}`,
          value: JSON.stringify(formatIpv6(address)),
          reason: "an instance has a unicast address",
          tag: "not-unicast",
        };
    }
  }
  for (const { address } of configuration.bgp?.neighbors ?? [])
    if (prefixContains(prefix, address))
      yield fault(`/semrd-bgp:bgp/neighbors/neighbor[address='${formatIpv6(address)}']`, address, "a neighbour");
}

function* authorizedKeys({ management }: RouterConfiguration): Iterable<ConfigurationFault> {
  for (const { name, authorizedKeys } of management.users)
    for (const line of authorizedKeys) {
      const reason = publicKeyFault(line);
      const path = `${ROUTER}/management/semrd-access:users/user[name='${name}']/authorized-key`;
      if (reason !== undefined) yield { path, reason, tag: "bad-public-key" };
    }
}

/** A probe over TCP says nothing about a UDP service. */
function* healthChecks(configuration: RouterConfiguration): Iterable<ConfigurationFault | undefined> {
  for (const [i, agent] of configuration.agents.entries()) {
    if (i % AGENTS_A_PIECE === 0) yield undefined;
    for (const { endpoint, check, capability, version } of agent.instances)
      if (endpoint.protocol === "udp" && check !== undefined)
        yield {
          path: `${ROUTER}/semrd-agent:agents/agent[id='${agent.id}']/capability[name='${capability}'][major-version='${version.major}'][address='${formatIpv6(endpoint.address)}'][port='${endpoint.port}']/health-check`,
          reason: "a health check needs TCP, and this capability uses UDP",
          tag: "health-check-udp",
        };
  }
}
