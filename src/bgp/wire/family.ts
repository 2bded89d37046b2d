import type { RouteFamily } from "../../rib/index.ts";

/** An address family as multiprotocol BGP names it. @see RFC 4760 §3 */
export interface Family {
  readonly afi: number;
  readonly safi: number;
}

/** @see RFC 4760 §6 */
export const IPV4_UNICAST: Family = { afi: 1, safi: 1 };
/** @see RFC 4760 §6 */
export const IPV6_UNICAST: Family = { afi: 2, safi: 1 };
/** @see RFC 4684 §4 */
export const ROUTE_TARGET_MEMBERSHIP: Family = { afi: 1, safi: 132 };

/** The two code points of ours that an operator may move. @see DESIGN sections 4.1 and 4.2 */
export interface Dialect {
  /** SAFI in 241 to 254 (private use, RFC 4760 §6). */
  readonly family: Family;
  readonly semanticCode: number;
}

/** SAFI 251 and attribute 255. @see DESIGN sections 4.1 and 4.2 */
export const DEFAULT_DIALECT: Dialect = { family: { afi: 2, safi: 251 }, semanticCode: 255 };

/** Whether AFI and SAFI are the same. */
export function sameFamily(a: Family, b: Family): boolean {
  return a.afi === b.afi && a.safi === b.safi;
}

/** The code points of a family that has a table in the RIB. */
export function wireFamily(family: RouteFamily, dialect: Dialect): Family {
  if (family === "capability") return dialect.family;
  if (family === "route-target") return ROUTE_TARGET_MEMBERSHIP;
  return family === "ipv4-unicast" ? IPV4_UNICAST : IPV6_UNICAST;
}

/** Which table the routes of these code points belong into; `undefined`: none. */
export function routeFamily({ afi, safi }: Family, dialect: Dialect): RouteFamily | undefined {
  if (afi === dialect.family.afi && safi === dialect.family.safi) return "capability";
  if (afi === ROUTE_TARGET_MEMBERSHIP.afi && safi === ROUTE_TARGET_MEMBERSHIP.safi) return "route-target";
  if (safi !== 1) return undefined;
  return afi === 1 ? "ipv4-unicast" : afi === 2 ? "ipv6-unicast" : undefined;
}

/** For people and logs: `ipv6/251`. */
export function familyName(family: Family): string {
  const afi = family.afi === 1 ? "ipv4" : family.afi === 2 ? "ipv6" : `afi-${family.afi}`;
  return `${afi}/${family.safi === 1 ? "unicast" : family.safi === 132 ? "route-target" : family.safi}`;
}
