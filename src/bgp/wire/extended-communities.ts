/** Extended communities of 8 octets. @see RFC 4360 §2 */

/** Octets of an extended community about an IPv6 address. @see RFC 5701 §2 */
export const IPV6_COMMUNITY_LENGTH = 20;
const NON_TRANSITIVE = 0x40;
const ROUTE_TARGET = 0x02;
const SITE_OF_ORIGIN = 0x03;
const LINK_BANDWIDTH = 0x04;
/** Opaque, not transitive. */
const ORIGIN_STATE_TYPE = 0x43;

/** @see RFC 4360 §4 (2-octet AS); RFC 5668 §2 (4-octet AS, then `value` has 16 bits) */
export function routeTarget(autonomousSystem: number, value: number): Uint8Array {
  const octets = new Uint8Array(8);
  const view = new DataView(octets.buffer);
  octets[1] = ROUTE_TARGET;
  if (autonomousSystem <= 0xffff) {
    view.setUint16(2, autonomousSystem);
    view.setUint32(4, value);
  } else {
    if (value > 0xffff) throw new RangeError(`${value} does not fit behind a 4-octet AS number`);
    octets[0] = 0x02;
    view.setUint32(2, autonomousSystem);
    view.setUint16(6, value);
  }
  return octets;
}

/** Where a route comes from, as the AS and the selector of a site. @see RFC 4360 §5 (route origin) */
export function siteOfOrigin(autonomousSystem: number, selector: number): Uint8Array {
  const octets = routeTarget(autonomousSystem, selector);
  octets[1] = SITE_OF_ORIGIN;
  return octets;
}

/** Route targets by the AS of two or four octets, or by an IPv4 address. */
export function isRouteTarget(community: Uint8Array): boolean {
  return community[0]! <= 0x02 && community[1] === ROUTE_TARGET;
}

/** Non-transitive link bandwidth: AS_TRANS stands for a 4-octet AS. `bandwidth` is a float of 32 bits on the wire. */
export function linkBandwidth(autonomousSystem: number, bandwidth: number): Uint8Array {
  const octets = new Uint8Array(8);
  const view = new DataView(octets.buffer);
  octets[0] = NON_TRANSITIVE;
  octets[1] = LINK_BANDWIDTH;
  view.setUint16(2, autonomousSystem > 0xffff ? 23456 : autonomousSystem);
  view.setFloat32(4, bandwidth);
  return octets;
}

/** What a router found out about the origin of a prefix, for others of its AS. @see RFC 8097 §2 */
export function isOriginState(octets: Uint8Array, at = 0): boolean {
  return octets[at] === ORIGIN_STATE_TYPE && octets[at + 1] === 0;
}

/** Whether the community may cross the border of an AS. @see RFC 4360 §2 (T bit); RFC 5701 §2 (20 octets, the same bit) */
export function isTransitive(octets: Uint8Array, at = 0): boolean {
  return (octets[at]! & NON_TRANSITIVE) === 0;
}
