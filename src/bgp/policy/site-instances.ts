import { octetsEqual } from "../../base/index.ts";
import type { AttributeSet, SessionKind } from "../../rib/index.ts";
import { RouteType } from "../wire/index.ts";
import { type Judgement, type RoutePolicy, reject } from "./policy.ts";

/** What decides whether instances (CI) are taken from a neighbour. */
export interface SiteFacts {
  readonly kind: SessionKind;
  /** Extended community of this router's site; `undefined`: it has none in common with other routers. */
  readonly siteOfOrigin?: Uint8Array | undefined;
  /** This router passes routes on between the routers of a site. */
  readonly isReflector: () => boolean;
}

/**
 * Why the instances with this set are not taken: an instance stays inside its site. A reflector keeps those of other sites
 * for its clients and uses none of them. @see DESIGN section 4.1
 */
export function instanceRefusal(
  set: AttributeSet,
  { kind, siteOfOrigin, isReflector }: SiteFacts,
): "instance-from-outside" | "other-site" | undefined {
  if (kind === "external") return "instance-from-outside";
  if (isReflector() || set.extendedCommunities.some((carried) => siteOfOrigin && octetsEqual(carried, siteOfOrigin))) {
    return undefined;
  }
  return "other-site";
}

const STAYS = reject("instance");
const SUPPRESSED = reject("suppressed");

/**
 * The policy of capability routes that cross the border of the AS: no instance does, whatever its communities say, and no
 * site of a capability that a prefix stands for.
 * @param isSuppressed asked of sites only
 */
export function atBorder(
  policy: RoutePolicy,
  isSuppressed: (octets: Uint8Array, start: number) => boolean,
): RoutePolicy {
  const guarded = (...[set, peer]: Parameters<RoutePolicy>): Judgement => {
    const judgement = policy(set, peer);
    if (judgement.verdict === "reject") return judgement;
    return {
      verdict: "by-key",
      of(octets, start) {
        if (octets[start] === RouteType.CapabilityInstance) return STAYS;
        if (octets[start] === RouteType.CapabilitySite && isSuppressed(octets, start)) return SUPPRESSED;
        return judgement.verdict === "by-key" ? judgement.of(octets, start) : judgement;
      },
    };
  };
  const { looksAtPeer, readsInPlace = false } = policy;
  return Object.assign(guarded, { readsInPlace, ...(looksAtPeer === undefined ? {} : { looksAtPeer }) });
}
