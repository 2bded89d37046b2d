import { type Ipv6Address, isLinkLocal, octetsEqual } from "../../base/index.ts";
import { type AttributeSet, type RouteFamily, type SessionKind, type SetDigest, SetMark } from "../../rib/index.ts";
import { type BgpRole, firstAs, firstMemberAs, isMappedIpv4, NEXT_HOP_LENGTH, SetView } from "../wire/index.ts";
import { type Adjacency, hasNextHopOnLink, isOffLink } from "./adjacency.ts";
import { isLeak } from "./roles.ts";

/** Facts of this router and of the session that a received set is checked against. */
export interface ImportFacts {
  readonly family: RouteFamily;
  /** Of a confederation: the member AS. */
  readonly localAs: number;
  /** What others know the confederation by, that this router is in. @see RFC 5065 §3 */
  readonly confederationId?: number;
  readonly remoteAs: number;
  readonly kind: SessionKind;
  readonly bgpIdentifier: number;
  /** Of this router as a reflector. */
  readonly clusterId: number;
  /** Those of clients with clusters of their own. Default: none. @see RFC 4456 §7 */
  readonly moreClusterIds?: ReadonlySet<number>;
  /** Addresses that mean this router as a next hop. */
  readonly ownNextHop: Ipv6Address;
  /** The path of a route from another AS must begin with that AS. @see RFC 4271 §6.3 */
  readonly enforceFirstAs: boolean;
  /** So often may this router's AS be in a path. Default 0. */
  readonly allowOwnAs?: number;
  /** Of this router on the session, where it counts for the family. */
  readonly role?: BgpRole;
  /** Next hops have to be on this link. @see RFC 4271 §6.3 */
  readonly link?: Adjacency;
  /** The session shares a link with the neighbour: next hops may be addresses of it, but not this router's. @see RFC 2545 §3 */
  readonly linkLocal?: { readonly own?: Ipv6Address };
}

/** Why a set was not taken: constant words, fit for a counter's label. */
export type ImportReason =
  | "as-loop"
  | "confederation-loop"
  | "originator-loop"
  | "cluster-loop"
  | "first-as"
  | "route-leak"
  | "next-hop-self"
  | "next-hop-off-link"
  | "martian-next-hop";

interface Check {
  readonly reason: ImportReason;
  readonly see: string;
  readonly fails: (set: AttributeSet, facts: ImportFacts) => boolean;
}

const CHECKS: readonly Check[] = [
  {
    reason: "confederation-loop",
    see: "RFC 5065 §4",
    fails: ({ asPath }, { localAs, confederationId, allowOwnAs = 0 }) =>
      confederationId !== undefined && timesIn(asPath.filter(isOfMembers), localAs, confederationId) > allowOwnAs,
  },
  {
    reason: "as-loop",
    see: "RFC 4271 §9.1.2; RFC 5065 §4",
    fails: (set, { localAs, confederationId, allowOwnAs = 0 }) =>
      timesIn(set.asPath, localAs, confederationId) > allowOwnAs,
  },
  {
    reason: "originator-loop",
    see: "RFC 4456 §8",
    fails: (set, { bgpIdentifier }) => set.originatorId === bgpIdentifier,
  },
  {
    reason: "cluster-loop",
    see: "RFC 4456 §8",
    fails: ({ clusterList = [] }, { clusterId, moreClusterIds }) =>
      clusterList.some((id) => id === clusterId || moreClusterIds?.has(id) === true),
  },
  {
    reason: "first-as",
    see: "RFC 4271 §6.3",
    fails: (set, { kind, enforceFirstAs, remoteAs }) => {
      if (kind === "internal" || !enforceFirstAs) return false;
      return (kind === "external" ? firstAs(set.asPath) : firstMemberAs(set.asPath)) !== remoteAs;
    },
  },
  {
    reason: "route-leak",
    see: "RFC 9234 §5",
    fails: (set, { role, remoteAs }) => role !== undefined && isLeak(set, role, remoteAs),
  },
  {
    reason: "next-hop-self",
    see: "RFC 4271 §5.1.3",
    fails: ({ nextHop }, { ownNextHop, linkLocal: { own = ownNextHop } = {} }) =>
      octetsEqual(nextHop, ownNextHop) || octetsEqual(nextHop, own),
  },
  {
    reason: "next-hop-off-link",
    see: "RFC 4271 §6.3",
    fails: (set, { link }) =>
      link !== undefined && isOffLink(link, set.nextHop) && !octetsEqual(set.nextHop, link.neighbor),
  },
  {
    reason: "martian-next-hop",
    see: "RFC 4271 §6.3; RFC 2545 §3",
    fails: ({ nextHop }, { family, linkLocal }) =>
      isLinkLocal(nextHop) ? linkLocal === undefined : isMartian(nextHop, family),
  },
];

/** Unspecified, loopback, multicast, and IPv4 where it has no place: nothing that can be sent to. @see RFC 6890 §2.2 */
function isMartian(address: Ipv6Address, family: RouteFamily): boolean {
  // Of memberships the next hop is IPv4 or IPv6, by its length. @see RFC 4684 §5
  const mayBeIpv4 = family === "ipv4-unicast" || family === "route-target";
  if (mayBeIpv4 && isMappedIpv4(address)) return isMartianIpv4(address[12]!);
  if (address[0] === 0xff) return true;
  for (let i = 0; i < 10; i++) if (address[i] !== 0) return false;
  return (address[10] === 0xff && address[11] === 0xff) || isLow(address);
}

/** This network, loopback, multicast and reserved, by the first octet. */
function isMartianIpv4(first: number): boolean {
  return first === 0 || first === 127 || first >= 224;
}

function isLow(address: Ipv6Address): boolean {
  for (let i = 10; i < 15; i++) if (address[i] !== 0) return false;
  return address[15]! <= 1;
}

const isOfMembers = ({ type }: AttributeSet["asPath"][number]): boolean => type.startsWith("confed");

/** How often this router's AS is there: in a confederation its own among the members, and what others know it by outside. */
function timesIn(path: AttributeSet["asPath"], localAs: number, confederationId: number | undefined): number {
  let times = 0;
  for (const { type, numbers } of path) {
    const own = confederationId === undefined || type.startsWith("confed") ? localAs : confederationId;
    for (const number of numbers) if (number === own) times++;
  }
  return times;
}

/**
 * The next hop of the set that passed all checks last, under facts that have not changed since: nearly all sets of a neighbour have
 * one or two, and where a look at the octets does not tell that one is fine it is not found out again for each set.
 */
export class PassedNextHop {
  readonly #octets = new Uint8Array(NEXT_HOP_LENGTH);
  #isKnown = false;

  is(view: SetView): boolean {
    return this.#isKnown && !differs(view, this.#octets);
  }

  keep(view: SetView): void {
    for (let i = 0; i < NEXT_HOP_LENGTH; i++) this.#octets[i] = view.nextHopOctet(i);
    this.#isKnown = true;
  }
}

/**
 * The first reason why routes with this set are of no use here; `undefined` when there is none.
 * @param digest of the set
 * @param passed kept from set to set, as long as the facts are the same
 */
export function importRefusal(
  set: AttributeSet,
  facts: ImportFacts,
  digest?: SetDigest,
  passed?: PassedNextHop,
): ImportReason | undefined {
  const view = digest !== undefined && set instanceof SetView ? set : undefined;
  if (view !== undefined && isFine(view, facts, digest!, passed)) return undefined;
  const failed = CHECKS.find(({ fails }) => fails(set, facts));
  if (failed === undefined && view !== undefined) passed?.keep(view);
  return failed?.reason;
}

/** Whether a look at the octets shows that no check fails, as it does for nearly every set. False says nothing. */
function isFine(view: SetView, facts: ImportFacts, digest: SetDigest, passed: PassedNextHop | undefined): boolean {
  const { kind, localAs, confederationId, role, remoteAs, enforceFirstAs } = facts;
  const { marks, clusterListLength, neighbourAs } = digest;
  if (kind === "confederation" || confederationId !== undefined || role !== undefined) return false;
  if ((marks & (SetMark.originatorId | SetMark.confederation)) !== 0 || clusterListLength > 0) return false;
  if (view.hasInPath(localAs)) return false;
  if (kind === "external" && enforceFirstAs && neighbourAs !== remoteAs) return false;
  return isFineNextHop(view, facts) || passed?.is(view) === true;
}

function isFineNextHop(view: SetView, facts: ImportFacts): boolean {
  const { family, ownNextHop, link } = facts;
  if (view.hasLinkLocalNextHop) return isLinkLocalFine(view, facts);
  if (!isUsualNextHop(view, family)) return false;
  if (link !== undefined && !hasNextHopOnLink(link, view)) return false;
  return differs(view, ownNextHop);
}

/** An address of the session's link that is not this router's. */
function isLinkLocalFine(view: SetView, { linkLocal, ownNextHop }: ImportFacts): boolean {
  if (linkLocal === undefined) return false;
  return differs(view, ownNextHop) && (linkLocal.own === undefined || differs(view, linkLocal.own));
}

/** Whether the next hop is another one. From its end: neighbours and this router share a prefix. */
function differs(view: SetView, address: Ipv6Address): boolean {
  for (let i = 15; i >= 0; i--) if (view.nextHopOctet(i) !== address[i]) return true;
  return false;
}

/** A global or unique local address, or one of IPv4 where it has a place. */
function isUsualNextHop(view: SetView, family: RouteFamily): boolean {
  const first = view.nextHopOctet(0);
  if ((first & 0xe0) === 0x20 || (first & 0xfe) === 0xfc) return true;
  return family === "ipv4-unicast" && view.hasMappedNextHop && !isMartianIpv4(view.nextHopOctet(12));
}
