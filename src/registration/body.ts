import {
  type CapabilityName,
  embedIpv4,
  type Ipv6Address,
  type Ipv6Prefix,
  milliseconds,
  parseCapabilityName,
  parseIpv4,
  parseIpv6,
  prefixContains,
} from "../base/index.ts";
import type { Endpoint, HealthCheck, Offer, Taxonomy } from "../directory/index.ts";
import { AGENT_ID, AGENT_ID_OCTETS } from "./agent-id.ts";
import { JsonReader } from "./json-reader.ts";
import { refuse } from "./problems.ts";

/** What offers are judged by. */
export interface OfferRules {
  readonly taxonomy: Taxonomy;
  /** Where agents of this router may listen; empty: anywhere. */
  readonly endpoints: readonly Ipv6Prefix[];
  /** A /96 in which an agent that knows IPv4 only has its address; absent: there are none. */
  readonly ipv4Prefix?: Ipv6Prefix;
}

export interface RegisterBody {
  /** Absent: the token's subject. */
  readonly agent?: string;
  readonly leaseSeconds?: number;
  readonly offers: readonly Offer[];
}

export interface AmendBody {
  readonly offers: readonly Offer[];
  readonly remove: ReadonlySet<string>;
}

const MOST_OFFERS = 1_000;
const MOST_LABELS = 32;
const MOST_SECONDS = 31_536_000;
const DEFAULT_WEIGHT = 10;
const DEFAULT_CHECK = { interval: 1_000, timeout: 500, fall: 2, rise: 1 } as const;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const INSTANCE_ID = /^[0-9a-f]{16}$/;
const HTTP_PATH = /^\/[!-~]*$/;

/** @throws {RegistrationError} registration.body-invalid, registration.unknown-capability, registration.endpoint-not-allowed */
export function readRegisterBody(json: unknown, rules: OfferRules): RegisterBody {
  const body = JsonReader.object(json, ["agent", "lease", "capabilities"]);
  const agent = body
    .optional("agent")
    ?.text({ pattern: AGENT_ID, most: AGENT_ID_OCTETS, what: "an agent ID, which is a URI" });
  const leaseSeconds = body.optional("lease")?.integer(1, MOST_SECONDS);
  const offers = body
    .member("capabilities")
    .list(MOST_OFFERS)
    .map((each) => readOffer(each, rules));
  return {
    ...(agent === undefined ? {} : { agent }),
    ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
    offers,
  };
}

/** @throws as {@link readRegisterBody} */
export function readAmendBody(json: unknown, rules: OfferRules): AmendBody {
  const body = JsonReader.object(json, ["capabilities", "remove"]);
  const offers = body.optional("capabilities")?.list(MOST_OFFERS) ?? [];
  const remove = body.optional("remove")?.list(MOST_OFFERS) ?? [];
  return {
    offers: offers.map((each) => readOffer(each, rules)),
    remove: new Set(remove.map((each) => each.text({ pattern: INSTANCE_ID, most: 16, what: "an instance ID" }))),
  };
}

/** The one optional number of a renewal (`lease`) or a drain (`deadline`), in seconds. @throws {RegistrationError} registration.body-invalid */
export function readSeconds(json: unknown, name: "lease" | "deadline"): number | undefined {
  if (json === undefined) return undefined;
  return JsonReader.object(json, [name])
    .optional(name)
    ?.integer(name === "lease" ? 1 : 0, MOST_SECONDS);
}

function readOffer(value: JsonReader, rules: OfferRules): Offer {
  const offer = value.members(["name", "version", "endpoint", "service-port", "weight", "labels", "health-check"]);
  const capability = readName(offer.member("name"));
  const versions = rules.taxonomy.versions(capability);
  if (versions.length === 0) {
    throw refuse("registration.unknown-capability", `${capability} is not in the taxonomy of this domain`, {
      path: offer.member("name").path,
    });
  }
  const version = readVersion(offer, capability, rules.taxonomy);
  const known = rules.taxonomy.find(capability, version.major)!;
  const endpoint = readEndpoint(offer.member("endpoint"), known.protocol, rules);
  const check = offer.optional("health-check");
  if (check !== undefined && endpoint.protocol === "udp") throw check.wrong("a udp endpoint cannot be checked");
  return {
    capability,
    version,
    endpoint,
    servicePort: offer.optional("service-port")?.integer(1, 65_535) ?? known.servicePort,
    weight: offer.optional("weight")?.integer(1, 100) ?? DEFAULT_WEIGHT,
    labels: readLabels(offer.optional("labels")),
    ...(check === undefined ? {} : { check: readCheck(check) }),
  };
}

function readName(value: JsonReader): CapabilityName {
  const name = parseCapabilityName(value.text({ most: 1_024, what: "a capability name" }));
  if (name === undefined) throw value.wrong('a capability name is like "/vision/ocr": labels of a-z, 0-9 and hyphens');
  return name;
}

/** `"1"` or `"1.4"`; the taxonomy's only version, or its lowest, when absent. */
function readVersion(offer: JsonReader, name: CapabilityName, taxonomy: Taxonomy): Offer["version"] {
  const value = offer.optional("version");
  if (value === undefined) return { major: taxonomy.plain(name)!.majorVersion, minor: 0 };
  const match = /^(\d{1,5})(?:\.(\d{1,5}))?$/.exec(value.text({ most: 11, what: 'a version such as "1.0"' }));
  const [major, minor] = [Number(match?.[1]), Number(match?.[2] ?? 0)];
  if (match === null || major > 0xffff || minor > 0xffff) throw value.wrong('a version is like "1" or "1.4"');
  if (taxonomy.find(name, major) === undefined) {
    const majors = taxonomy.versions(name).map(({ majorVersion }) => majorVersion);
    throw refuse(
      "registration.unknown-capability",
      `${name} has the major versions ${majors.join(", ")}, not ${major}`,
      {
        path: value.path,
      },
    );
  }
  return { major, minor };
}

function readEndpoint(value: JsonReader, protocol: Endpoint["protocol"], rules: OfferRules): Endpoint {
  const endpoint = value.members(["address", "port", "protocol"]);
  const text = endpoint.member("address").text({ most: 45, what: "an IPv6 address" });
  const { endpoints: allowed, ipv4Prefix } = rules;
  const ipv4 = parseIpv4(text);
  if (ipv4 !== undefined && ipv4Prefix === undefined)
    throw endpoint.member("address").wrong("an endpoint has an IPv6 address: this router serves no IPv4-only agents");
  const address = ipv4 === undefined ? parseIpv6(text) : embedIpv4(ipv4Prefix!, ipv4);
  if (address === undefined) throw endpoint.member("address").wrong("an endpoint has an IPv6 address, or an IPv4 one");
  if (!isUnicast(address)) throw endpoint.member("address").wrong("an endpoint has a routable unicast address");
  if (allowed.length > 0 && !allowed.some((prefix) => prefixContains(prefix, address))) {
    throw refuse("registration.endpoint-not-allowed", `${text} is not on a link of this router's agents`, {
      path: endpoint.member("address").path,
    });
  }
  const given = endpoint.optional("protocol")?.oneOf(["tcp", "udp"]) ?? protocol;
  if (given !== protocol) throw endpoint.member("protocol").wrong(`the taxonomy says ${protocol} for this capability`);
  return { address, port: endpoint.member("port").integer(1, 65_535), protocol };
}

/** Neither unspecified, loopback, link-local, multicast nor IPv4-mapped: none of these names a host to others. */
function isUnicast(address: Ipv6Address): boolean {
  if (address[0] === 0xff || (address[0] === 0xfe && (address[1]! & 0xc0) === 0x80)) return false;
  return address.subarray(0, 10).some((octet) => octet !== 0);
}

function readLabels(value: JsonReader | undefined): readonly string[] {
  const labels = value?.list(MOST_LABELS).map((each) => each.text({ pattern: LABEL, most: 63, what: "a label" })) ?? [];
  return [...new Set(labels)];
}

function readCheck(value: JsonReader): HealthCheck {
  const check = value.members(["type", "path", "interval-ms", "timeout-ms", "fall", "rise"]);
  const type = check.optional("type")?.oneOf(["tcp", "http"]) ?? "tcp";
  const common = {
    interval: milliseconds(check.optional("interval-ms")?.integer(20, 3_600_000) ?? DEFAULT_CHECK.interval),
    timeout: milliseconds(check.optional("timeout-ms")?.integer(10, 60_000) ?? DEFAULT_CHECK.timeout),
    fall: check.optional("fall")?.integer(1, 10) ?? DEFAULT_CHECK.fall,
    rise: check.optional("rise")?.integer(1, 10) ?? DEFAULT_CHECK.rise,
  };
  const path = check.optional("path");
  if (type === "http") {
    return { type, path: path?.text({ pattern: HTTP_PATH, most: 1_024, what: "an HTTP path" }) ?? "/", ...common };
  }
  if (path !== undefined) throw path.wrong('a path goes with "type": "http"');
  return { type, ...common };
}
