import { ANY_SITE, type Ipv6Address, octetsEqual, prefixContains, seconds } from "../../base/index.ts";
import {
  type AttributeSet,
  HASH_MISMATCH,
  type RouteLabel,
  type SemanticAttribute,
  type Tenant,
} from "../../rib/index.ts";
import { encodeCapability, linkBandwidth } from "../wire/index.ts";
import type { KnownCapability } from "./capability-book.ts";
import { decodeSiteWords, type SiteWords } from "./communities.ts";
import { addressParts, type BrownfieldDomain } from "./domain.ts";
import { type Lost, lostOf } from "./lost.ts";
import { FORMAT_VERSION, markOf, withMark } from "./mark.ts";
import { isLinkBandwidth } from "./mirror.ts";
import { readPayload, withoutPayload } from "./payload.ts";

/** Why a unicast route in the domain's prefix is no capability route: constant words, fit for a counter's label. */
export type DeriveRefusal =
  | "no-mark"
  | "unknown-version"
  | "own-origin"
  | "unknown-tenant"
  | "route-target"
  | "no-check"
  | "ambiguous"
  | "unknown-capability"
  | "no-lease"
  | "no-locator"
  | "bad-locator";

export type Derived =
  | {
      readonly ok: true;
      /** Typed NLRI: key of the capability table. */
      readonly key: Uint8Array;
      readonly set: AttributeSet;
      readonly capability: KnownCapability;
      readonly originId: number;
      /** From the address of any site. */
      readonly anycast: boolean;
      /** The address stands for `capability` here and for another one at the origin: the route is not used. */
      readonly mismatch: boolean;
      readonly lost: readonly Lost[];
    }
  | { readonly ok: false; readonly reason: DeriveRefusal; readonly lost: readonly Lost[] };

/** Where the route is read. */
export interface DeriveFacts {
  readonly kind: "internal" | "external";
  readonly bgpIdentifier: number;
}

/**
 * The capability-site route that a unicast route stands for.
 * @param address 16 octets inside the domain's prefix
 * @see DESIGN section 4.5
 */
export function deriveRoute(
  address: Ipv6Address,
  set: AttributeSet,
  facts: DeriveFacts,
  domain: BrownfieldDomain,
): Derived {
  const lost = lostOf(set, domain);
  const no = (reason: DeriveRefusal): Derived => ({ ok: false, reason, lost });
  const mark = markOf(set);
  if (mark === undefined) return no("no-mark");
  if (mark.version !== FORMAT_VERSION) return no("unknown-version");
  if (mark.originId === facts.bgpIdentifier) return no("own-origin");
  const { tenantIndex, familyCode, idStart, selector } = addressParts(address);
  const tenant = domain.tenants.find(({ index }) => index === tenantIndex);
  if (tenant === undefined) return no("unknown-tenant");
  // The address says whose it is, and the route target who may have it: one without the other is nobody's.
  if (!imports(tenant, set)) return no("route-target");
  const said = decodeSiteWords(set.largeCommunities, domain.labels);
  if (typeof said === "string") return no(said);
  const { words, globalAdministrator } = said;
  const payload = readPayload(set, domain.payloadCode);
  const capability = domain.capabilities.byAddress(familyCode, idStart) ?? named(payload, words, domain, address);
  if (capability === undefined) return no("unknown-capability");
  const validUntil = payload?.lease.validUntil ?? words.validUntil;
  if (validUntil === undefined) return no("no-lease");
  // Inside the AS the next hop comes through as it was set, which is the locator; a border puts its own address there.
  const locator = words.locator ?? (facts.kind === "internal" ? set.nextHop : undefined);
  if (locator === undefined) return no("no-locator");
  if (!isLocator(locator, domain)) return no("bad-locator");

  const mismatch = !octetsEqual(words.check!, capability.capabilityId.subarray(4, 12));
  const semantic: SemanticAttribute = {
    ...(payload ?? fromWords(words, capability, validUntil)),
    name: capability.name,
  };
  const flags = mismatch ? mark.flags | HASH_MISMATCH : mark.flags & ~HASH_MISMATCH;
  const marked = withMark(set.extendedCommunities, { ...mark, flags });
  const { weight } = words.metric ?? {};
  const nlri = {
    type: "site",
    routeDistinguisher: distinguisherOf(facts.bgpIdentifier, tenantIndex),
    capabilityId: capability.capabilityId,
    originId: mark.originId,
  } as const;
  return {
    ok: true,
    key: encodeCapability(nlri),
    set: {
      ...set,
      nextHop: locator,
      // Others change link bandwidth on the way, or drop it at the border; the community says what the site said.
      extendedCommunities:
        weight === undefined
          ? marked
          : [...marked.filter((community) => !isLinkBandwidth(community)), linkBandwidth(globalAdministrator, weight)],
      semantic,
      opaque: withoutPayload(set, domain.payloadCode),
    },
    capability,
    originId: mark.originId,
    anycast: selector === ANY_SITE,
    mismatch,
    lost,
  };
}

/**
 * Of routes that this router makes of unicast ones: its router ID and the index of the tenant. Not the tenant's own, so that
 * they are beside the routes of the capability family and never in their place. @see RFC 4364 §4.2 (type 1)
 */
function distinguisherOf(bgpIdentifier: number, tenantIndex: number): Uint8Array {
  const octets = new Uint8Array(8);
  const view = new DataView(octets.buffer);
  view.setUint16(0, 1);
  view.setUint32(2, bgpIdentifier);
  view.setUint16(6, tenantIndex);
  return octets;
}

function imports({ importTargets }: Tenant, set: AttributeSet): boolean {
  return importTargets.some((target) => set.extendedCommunities.some((community) => octetsEqual(community, target)));
}

/** A capability that the taxonomy does not have here, by the name in the payload: if the numbers say the same. */
function named(
  payload: SemanticAttribute | undefined,
  { check, version }: SiteWords,
  { capabilities }: BrownfieldDomain,
  address: Ipv6Address,
): KnownCapability | undefined {
  const major = payload?.version?.major ?? version?.major;
  if (payload?.name === undefined || major === undefined) return undefined;
  const known = capabilities.identify(payload.name, major);
  const { familyCode, idStart } = addressParts(address);
  const isSame =
    known.familyCode === familyCode &&
    octetsEqual(known.capabilityId.subarray(0, 4), idStart) &&
    octetsEqual(known.capabilityId.subarray(4, 12), check!);
  return isSame ? known : undefined;
}

function fromWords(
  words: SiteWords,
  capability: KnownCapability,
  validUntil: NonNullable<SiteWords["validUntil"]>,
): SemanticAttribute {
  // Without its metric a site is the worst of all, and not down.
  const { score, state, count } = words.metric ?? { score: 0, state: "up", count: 0 };
  const { major, minor } = words.version ?? { major: capability.majorVersion, minor: 0 };
  return {
    version: { major, minor, compatibleMajor: major },
    score,
    ...words.classes,
    lease: { sequence: BigInt(validUntil), validUntil, renew: seconds(0) },
    labels: (words.labels ?? []).map((text): RouteLabel => ({ text, critical: false })),
    state,
    ...(count === 0 ? {} : { aggregate: { count, minimum: score, mean: score, maximum: score } }),
    opaque: [],
  };
}

/** Packets can be sent to it: global or unique local unicast, and no capability. @see RFC 6890 §2.2 */
function isLocator(address: Ipv6Address, { prefix }: BrownfieldDomain): boolean {
  const first = address[0]!;
  if (first === 0xff || (first === 0xfe && (address[1]! & 0xc0) === 0x80)) return false;
  if (first === 0 && address.subarray(1, 12).every((octet) => octet === 0)) return false;
  return !(first === 0 && address[10] === 0xff && address[11] === 0xff) && !prefixContains(prefix, address);
}
