/** Extended communities of 8 octets. @see RFC 4360 §2 */

const NON_TRANSITIVE = 0x40;
const ROUTE_TARGET = 0x02;
const SITE_OF_ORIGIN = 0x03;
const LINK_BANDWIDTH = 0x04;

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

/** Whether the community may cross the border of an AS. @see RFC 4360 §2 (T bit) */
export function isTransitive(community: Uint8Array): boolean {
  return (community[0]! & NON_TRANSITIVE) === 0;
}
