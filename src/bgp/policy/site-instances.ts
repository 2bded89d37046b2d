import { octetsEqual } from "../../base/index.ts";
import type { AttributeSet, KeyTypes, SessionKind } from "../../rib/index.ts";
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

/** Which keys do not cross the border of the AS. */
export interface BorderGuard {
  /** Types of keys that may have to stay; keys of other types pass without a question. */
  readonly types: KeyTypes;
  /** Why a key stays; the reasons are constant words. Allocates nothing. */
  reason(octets: Uint8Array, start: number): "instance" | "suppressed" | undefined;
}

/**
 * What capability routes have to pass besides policy where they cross the border of the AS: no instance does, whatever its
 * communities say, and no site of a capability that a prefix stands for.
 * @param isSuppressed asked of sites only
 */
export function atBorder(isSuppressed: ((octets: Uint8Array, start: number) => boolean) | undefined): BorderGuard {
  const instances = 1 << RouteType.CapabilityInstance;
  return {
    types: isSuppressed === undefined ? instances : instances | (1 << RouteType.CapabilitySite),
    reason(octets, start) {
      const type = octets[start];
      if (type === RouteType.CapabilityInstance) return "instance";
      return type === RouteType.CapabilitySite && isSuppressed?.(octets, start) === true ? "suppressed" : undefined;
    },
  };
}
