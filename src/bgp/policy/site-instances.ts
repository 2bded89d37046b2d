import { octetsEqual } from "../../base/index.ts";
import type { AttributeSet, SessionKind } from "../../rib/index.ts";
import { RouteType } from "../wire/index.ts";

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

/** Why a key does not cross the border of the AS; the reasons are constant words. Allocates nothing. */
export type BorderGuard = (octets: Uint8Array, start: number) => "instance" | "suppressed" | undefined;

/**
 * What capability routes have to pass besides policy where they cross the border of the AS: no instance does, whatever its
 * communities say, and no site of a capability that a prefix stands for.
 * @param isSuppressed asked of sites only
 */
export function atBorder(isSuppressed: ((octets: Uint8Array, start: number) => boolean) | undefined): BorderGuard {
  return (octets, start) => {
    const type = octets[start];
    if (type === RouteType.CapabilityInstance) return "instance";
    return type === RouteType.CapabilitySite && isSuppressed?.(octets, start) === true ? "suppressed" : undefined;
  };
}
