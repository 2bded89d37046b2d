import type { Sock } from "../../../native/api.ts";
import type { HopLimits } from "./transport.ts";

/** Largest hop limit. @see RFC 5082 §3 */
const MAX_HOPS = 255;
/** What Linux begins with. */
const DEFAULT_HOP_LIMIT = 64;

/** The least hop limit that packets of a neighbour so far away still have. @see RFC 5082 §3 */
function leastOf(hops: number): number {
  return MAX_HOPS - hops + 1;
}

/**
 * Brings the hop limits of a socket from `before` to `after`, from the next packet on: of a listener, of a connection that is
 * to be made, and of one that stands, where packets that are dropped are sent again when both ends agree.
 */
export function limitHops(sock: Sock, fd: number, before: HopLimits, after: HopLimits): void {
  const { ttlSecurityHops, hopLimit } = after;
  if (ttlSecurityHops !== undefined) {
    sock.setTtlSecurity(fd, leastOf(ttlSecurityHops));
    return;
  }
  if (before.ttlSecurityHops !== undefined) sock.setTtlSecurity(fd, 1);
  if (hopLimit !== undefined) sock.setHopLimit(fd, hopLimit);
  else if (before.ttlSecurityHops !== undefined || before.hopLimit !== undefined)
    sock.setHopLimit(fd, DEFAULT_HOP_LIMIT);
}
