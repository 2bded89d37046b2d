import {
  type CapabilityName,
  capabilityId,
  type Ipv6Address,
  parseIpv4,
  parseIpv6,
  parseIpv6Prefix,
  seconds,
} from "../../../src/base/index.ts";
import { type BrownfieldDomain, CapabilityBook, LabelBook, mirrorRoute } from "../../../src/bgp/brownfield/index.ts";
import { type CapabilitySiteNlri, linkBandwidth, routeTarget } from "../../../src/bgp/wire/index.ts";
import type { AttributeSet, SemanticAttribute, Tenant } from "../../../src/rib/index.ts";

export const address = (text: string): Ipv6Address => parseIpv6(text)!;
export const router = (text: string): number => parseIpv4(text)!;

export const OCR = "/vision/ocr" as CapabilityName;
export const SPEECH = "/audio/speech" as CapabilityName;
export const ACME: Tenant = tenant("acme", 1);
export const GLOBEX: Tenant = tenant("globex", 2);

function tenant(name: string, index: number): Tenant {
  const target = routeTarget(65000, index);
  const routeDistinguisher = Uint8Array.of(0, 0, 0xfd, 0xe8, 0, 0, 0, index);
  return { name, index, routeDistinguisher, importTargets: [target], exportTargets: [target] };
}

export const FAMILIES = new Map([
  ["vision", 1],
  ["audio", 2],
]);
export const CAPABILITIES = new CapabilityBook(
  [
    { name: OCR, majorVersion: 1 },
    { name: SPEECH, majorVersion: 2 },
  ],
  FAMILIES,
);
export const LABELS = new LabelBook([
  { text: "gdpr", namespace: 0, bit: 0 },
  { text: "eu", namespace: 0, bit: 31 },
  { text: "gpu", namespace: 9, bit: 7 },
]);

export function domain(changes: Partial<BrownfieldDomain> = {}): BrownfieldDomain {
  return {
    prefix: parseIpv6Prefix("fd5e:3d00:1::/48")!,
    tenants: [ACME, GLOBEX],
    capabilities: CAPABILITIES,
    labels: LABELS,
    ...changes,
  };
}

export const LOCATOR = address("fd00:ffff::2");
export const VALID_UNTIL = seconds(60 * 30_000_000);

export function semantic(changes: Partial<SemanticAttribute> = {}): SemanticAttribute {
  return {
    version: { major: 1, minor: 4, compatibleMajor: 1 },
    score: 7,
    lease: { sequence: BigInt(VALID_UNTIL), validUntil: VALID_UNTIL, renew: seconds(0) },
    labels: [],
    state: "up",
    opaque: [],
    ...changes,
  };
}

/** What a site says about `/vision/ocr`. */
export function siteSet(changes: Partial<AttributeSet> = {}, said: Partial<SemanticAttribute> = {}): AttributeSet {
  return {
    origin: "igp",
    asPath: [],
    nextHop: LOCATOR,
    localPref: 100,
    communities: [],
    extendedCommunities: [...ACME.exportTargets, linkBandwidth(65000, 30)],
    largeCommunities: [],
    semantic: semantic(said),
    opaque: [],
    ...changes,
  };
}

export function siteNlri(changes: Partial<CapabilitySiteNlri> = {}): CapabilitySiteNlri {
  return {
    type: "site",
    routeDistinguisher: ACME.routeDistinguisher,
    capabilityId: capabilityId(OCR, 1),
    originId: router("10.255.0.2"),
    ...changes,
  };
}

export const SITE = { selector: 2, localAs: 65000 };
/** Who takes the route. */
export const HERE = { kind: "internal", bgpIdentifier: router("10.255.0.1") } as const;

/** The mirrored route, which must be one. */
export function mirrored(set: AttributeSet, of: BrownfieldDomain = domain(), nlri = siteNlri()) {
  const route = mirrorRoute(nlri, set, SITE, of);
  if (!route.ok) throw new Error(`not mirrored: ${route.reason}`);
  return route;
}

export function capabilityIdOf(): Uint8Array {
  return capabilityId(OCR, 1);
}
