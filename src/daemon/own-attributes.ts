import { type Ipv6Address, seconds } from "../base/index.ts";
import { NO_EXPORT, NO_LLGR } from "../bgp/policy/index.ts";
import { linkBandwidth, siteOfOrigin } from "../bgp/wire/index.ts";
import type { LocalSite } from "../directory/index.ts";
import type { AttributeSet, RouteLease, SemanticAttribute, Tenant } from "../rib/index.ts";
import { type Circumstances, RENEW_AT, VALIDITY } from "./announcer.ts";

/** What every route of this router says about it. */
export interface OwnFacts {
  /** BGP identifier: the OriginID of every key. */
  readonly routerId: number;
  readonly localAs: number;
  readonly locator: Ipv6Address;
  /** Of this site. */
  readonly selector: number;
  /** Of now: others may come while the router runs. */
  readonly taxonomyRevision: number;
}

/** The tenants of now, by name, and everything else that routes are made of. */
export interface OwnState extends OwnFacts {
  readonly tenants: ReadonlyMap<string, Tenant>;
}

/** What the names below a prefix add up to. */
export interface Aggregate {
  readonly count: number;
  readonly minimum: number;
  readonly mean: number;
  readonly maximum: number;
}

function leaseOf({ validUntil }: Pick<Circumstances, "validUntil">, sequence = BigInt(validUntil)): RouteLease {
  return { sequence, validUntil, renew: seconds(Math.round(VALIDITY * (1 - RENEW_AT))) };
}

/** Values that differ per route would destroy UPDATE packing, so nothing here does without need. */
function attributes(
  facts: OwnFacts,
  extendedCommunities: readonly Uint8Array[],
  semantic: SemanticAttribute,
): AttributeSet {
  return {
    origin: "igp",
    asPath: [],
    nextHop: facts.locator,
    localPref: 100,
    communities: [],
    extendedCommunities,
    largeCommunities: [],
    semantic,
    opaque: [],
  };
}

/** What is said about one site. */
export function siteAttributes(
  site: LocalSite,
  tenant: Tenant,
  facts: OwnFacts,
  circumstances: Circumstances,
): AttributeSet {
  const { score, usable, majorVersion, minorVersion } = site;
  return attributes(facts, [...tenant.exportTargets, linkBandwidth(facts.localAs, site.weight)], {
    version: { major: majorVersion, minor: minorVersion, compatibleMajor: majorVersion },
    score,
    lease: leaseOf(circumstances),
    labels: site.labels.map((text) => ({ text, critical: false })),
    state: circumstances.draining ? "draining" : site.state,
    access: site.access,
    aggregate: { count: usable, minimum: score, mean: score, maximum: score },
    taxonomyRevision: facts.taxonomyRevision,
    opaque: [],
  });
}

/** What is said about one instance, to the other routers of the site alone. @see RFC 9494 §4.3 (NO_LLGR) */
export function instanceAttributes(
  instance: LocalSite,
  tenant: Tenant,
  facts: OwnFacts,
  circumstances: Circumstances,
): AttributeSet {
  const set = siteAttributes(instance, tenant, facts, circumstances);
  const { aggregate: _, ...semantic } = set.semantic!;
  const extendedCommunities = [...set.extendedCommunities, siteOfOrigin(facts.localAs, facts.selector)];
  return { ...set, communities: [NO_EXPORT, NO_LLGR], extendedCommunities, semantic };
}

/** What is said about where an agent is. @see RFC 7432 §15 (sequence number) */
export function agentAttributes(
  agent: { readonly state: "up" | "draining"; readonly sequence: bigint },
  tenant: Tenant,
  facts: OwnFacts,
  circumstances: Circumstances,
): AttributeSet {
  return attributes(facts, tenant.exportTargets, {
    score: agent.state === "up" ? 10 : 0,
    lease: leaseOf(circumstances, agent.sequence),
    labels: [],
    state: circumstances.draining ? "draining" : agent.state,
    opaque: [],
  });
}

/** What is said about the names below a prefix: it drains when all of them do. */
export function prefixAttributes(
  { state, ...aggregate }: Aggregate & { readonly state: "up" | "draining" },
  tenant: Tenant,
  facts: OwnFacts,
  circumstances: Circumstances,
): AttributeSet {
  return attributes(facts, tenant.exportTargets, {
    score: aggregate.mean,
    lease: leaseOf(circumstances),
    labels: [],
    state: circumstances.draining ? "draining" : state,
    aggregate,
    taxonomyRevision: facts.taxonomyRevision,
    opaque: [],
  });
}
