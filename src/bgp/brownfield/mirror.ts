import { ANY_SITE, attestationDigest, capabilityAddress, type Ipv6Address, octetsEqual } from "../../base/index.ts";
import type { AttributeSet, OpaqueAttribute } from "../../rib/index.ts";
import type { CapabilitySiteNlri } from "../wire/index.ts";
import { encodeSiteWords, isSiteWord } from "./communities.ts";
import type { BrownfieldDomain } from "./domain.ts";
import { Attached, FORMAT_VERSION, RELAYED, withMark } from "./mark.ts";
import { payloadAttribute } from "./payload.ts";

/** Where the mirrored routes come from. */
export interface MirrorSite {
  /** 1 to 65534. */
  readonly selector: number;
  readonly localAs: number;
  /** It is another router's route. Default false. */
  readonly relayed?: boolean;
}

/** Why a route is not mirrored: constant words, fit for a counter's label. */
export type MirrorRefusal =
  | "unknown-tenant"
  | "unknown-capability"
  /** Communities cannot say "refuse me unless you understand this". */
  | "critical-label"
  | "no-semantic";

export type Mirrored =
  | {
      readonly ok: true;
      /** The /128s that it becomes: that of this site only, and that of any site. */
      readonly addresses: readonly [unique: Ipv6Address, anycast: Ipv6Address];
      readonly set: AttributeSet;
      /** Labels that have no bit, and are not said. */
      readonly labelsLost: readonly string[];
      /** It would have been too long. */
      readonly payloadLost: boolean;
    }
  | { readonly ok: false; readonly reason: MirrorRefusal };

/**
 * The IPv6 unicast routes that say the same as a capability-site route. Everything that decides about the
 * route is in communities, as nothing else crosses every router; what they have no room for is in the README.
 * @see DESIGN section 4.5
 */
export function mirrorRoute(
  nlri: CapabilitySiteNlri,
  set: AttributeSet,
  site: MirrorSite,
  domain: BrownfieldDomain,
): Mirrored {
  const { semantic, ...plain } = set;
  if (semantic === undefined) return { ok: false, reason: "no-semantic" };
  if (semantic.labels.some(({ critical }) => critical)) return { ok: false, reason: "critical-label" };
  const tenant = domain.tenants.find(({ routeDistinguisher }) =>
    octetsEqual(routeDistinguisher, nlri.routeDistinguisher),
  );
  if (tenant === undefined) return { ok: false, reason: "unknown-tenant" };
  const known = domain.capabilities.byId(nlri.capabilityId);
  if (known === undefined) return { ok: false, reason: "unknown-capability" };

  const payload = payloadOf(set, known.name, domain);
  const attestation = semantic.attestation === undefined ? undefined : attestationDigest(semantic.attestation);
  const facts = { ...known, semantic, weight: bandwidthOf(set), locator: set.nextHop, attestation };
  const words = encodeSiteWords(facts, site.localAs, domain.labels);
  const texts = semantic.labels.map(({ text }) => text);
  const flags =
    (payload === undefined ? 0 : Attached.Payload) |
    (semantic.latencyClass === undefined && semantic.costClass === undefined ? 0 : Attached.Classes) |
    (texts.some((text) => domain.labels.has(text)) ? Attached.Labels : 0) |
    (attestation === undefined ? 0 : Attached.Attestation) |
    (site.relayed === true ? RELAYED : 0);
  const mark = { version: FORMAT_VERSION, flags, originId: nlri.originId };
  const parts = { domain: domain.prefix, tenantIndex: tenant.index, ...known };
  return {
    ok: true,
    addresses: [
      capabilityAddress({ ...parts, selector: site.selector }),
      capabilityAddress({ ...parts, selector: ANY_SITE }),
    ],
    set: {
      ...plain,
      extendedCommunities: withMark(set.extendedCommunities, mark),
      largeCommunities: [...set.largeCommunities.filter((community) => !isSiteWord(community)), ...words],
      opaque: payload === undefined ? set.opaque : [...set.opaque, payload],
    },
    labelsLost: texts.filter((text) => !domain.labels.has(text)),
    payloadLost: domain.payloadCode !== undefined && payload === undefined,
  };
}

/** With the name, so that routers whose taxonomy does not have the capability know it by the payload. */
function payloadOf(
  { semantic }: AttributeSet,
  name: NonNullable<NonNullable<AttributeSet["semantic"]>["name"]>,
  { payloadCode }: BrownfieldDomain,
): OpaqueAttribute | undefined {
  return payloadCode === undefined ? undefined : payloadAttribute({ ...semantic!, name }, payloadCode);
}

/** The site's share as its link bandwidth says it. @see RFC 10005 */
function bandwidthOf({ extendedCommunities }: AttributeSet): number | undefined {
  const community = extendedCommunities.find(isLinkBandwidth);
  if (community === undefined) return undefined;
  const share = new DataView(community.buffer, community.byteOffset).getFloat32(4);
  return Number.isFinite(share) ? share : undefined;
}

/** Types 0x40 and 0x00, subtype 0x04. */
export function isLinkBandwidth(community: Uint8Array): boolean {
  return (community[0] === 0x40 || community[0] === 0x00) && community[1] === 0x04;
}
