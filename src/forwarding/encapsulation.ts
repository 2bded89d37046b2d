import type { Encapsulation } from "./plan.ts";

const IPV6 = 40;
/** Without its segments. @see RFC 8754 §2 */
const ROUTING = 8;
const SEGMENT = 16;
/** UDP, VXLAN and Ethernet. @see RFC 7348 §5 */
const VXLAN = 30;

/** Octets that a tunnel puts in front of a packet; the first waypoint stands in the outer header. @see RFC 8986 §5.2 */
export function addedOctets(encapsulation: Encapsulation | undefined): number {
  switch (encapsulation?.kind) {
    case undefined:
      return IPV6;
    case "segments":
      return IPV6 + ROUTING + SEGMENT * encapsulation.waypoints.length;
    case "vxlan":
      return IPV6 + VXLAN;
  }
}
