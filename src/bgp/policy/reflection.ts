import type { AttributeSet, PeerKind } from "../../rib/index.ts";

/** How a neighbour stands to this router where it is asked who may have whose routes. */
export interface Standing {
  readonly kind: PeerKind;
  /** This router reflects to it and for it. */
  readonly reflectorClient?: boolean;
}

/**
 * Whether a neighbour may have a route from this source at all: what came from inside the AS goes to another inside only
 * where one of the two is a client of this router.
 * @see RFC 4271 §9.2; RFC 4456 §6
 */
export function mayPass(from: Standing, to: Standing): boolean {
  if (!isReflection(from, to)) return true;
  return from.reflectorClient === true || to.reflectorClient === true;
}

/** A route that goes from inside the AS to inside the AS. */
export function isReflection(from: Standing, to: Standing): boolean {
  return from.kind === "internal" && to.kind === "internal";
}

/**
 * The set as a reflector passes it on: where it entered the AS, if nobody said so yet, and this cluster in front of those
 * that it has been through. Nothing else is touched, least of all the next hop (§10).
 * @param sourceIdentifier BGP identifier of the neighbour that it came from
 * @see RFC 4456 §8
 */
export function reflectedSet(set: AttributeSet, sourceIdentifier: number, clusterId: number): AttributeSet {
  return {
    ...set,
    originatorId: set.originatorId ?? sourceIdentifier,
    clusterList: [clusterId, ...(set.clusterList ?? [])],
  };
}
