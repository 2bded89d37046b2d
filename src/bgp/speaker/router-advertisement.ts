import { isLinkLocal, parseZoned } from "../../base/index.ts";

/** Types of ICMPv6 messages. @see RFC 4861 §4 */
export const ROUTER_SOLICITATION = 133;
export const ROUTER_ADVERTISEMENT = 134;

const ADVERTISEMENT_LENGTH = 16;
const SOLICITATION_LENGTH = 8;
/** What has come from the link and from nowhere else. */
const ON_LINK_HOPS = 255;
/** How long a router is there that is no default router, in seconds. */
const SHORTEST_LIFETIME = 30;
/** No router is there for longer unless it says so again. @see RFC 4861 §6.2.1 */
const LONGEST_LIFETIME = 9000;

/**
 * This router on a link, and nothing else: it is no default router of anybody, and says neither prefixes nor timers. The kernel
 * writes the checksum.
 *
 *     | type = 134 | code | checksum u16 | hop limit | flags | lifetime u16 | reachable time u32 | retransmission u32 |
 *
 * @see RFC 4861 §4.2
 */
export function encodeRouterAdvertisement(): Uint8Array {
  const octets = new Uint8Array(ADVERTISEMENT_LENGTH);
  octets[0] = ROUTER_ADVERTISEMENT;
  return octets;
}

/** Routers of the link are asked to say that they are there. @see RFC 4861 §4.1 */
export function encodeRouterSolicitation(): Uint8Array {
  const octets = new Uint8Array(SOLICITATION_LENGTH);
  octets[0] = ROUTER_SOLICITATION;
  return octets;
}

/** A message of neighbour discovery as a socket of one interface hears it. */
export interface DiscoveryMessage {
  readonly octets: Uint8Array;
  /** With its zone. */
  readonly source: string;
  readonly hopLimit?: number;
  /** It came in fragments. */
  readonly fragmented?: true;
}

/** What a message says; `undefined` where it is not to be believed. */
export type Discovered =
  | { readonly kind: "solicitation" }
  /** A router is at `source`, for so many seconds. */
  | { readonly kind: "router"; readonly source: string; readonly lifetime: number };

/**
 * @see RFC 4861 §6.1.1 and §6.1.2: hop limit, code, length, options without length; an advertisement's source is on the link
 * @see RFC 6980 §5: fragments are ignored, in which what guards a link cannot look
 */
export function readDiscovery({ octets, source, hopLimit, fragmented }: DiscoveryMessage): Discovered | undefined {
  if (fragmented === true || hopLimit !== ON_LINK_HOPS || octets[1] !== 0) return undefined;
  if (octets[0] === ROUTER_SOLICITATION) {
    return hasOptions(octets, SOLICITATION_LENGTH) ? { kind: "solicitation" } : undefined;
  }
  const from = parseZoned(source);
  if (octets[0] !== ROUTER_ADVERTISEMENT || from === undefined || !isLinkLocal(from.address)) return undefined;
  if (!hasOptions(octets, ADVERTISEMENT_LENGTH)) return undefined;
  const said = (octets[6]! << 8) | octets[7]!;
  return { kind: "router", source, lifetime: Math.min(Math.max(said, SHORTEST_LIFETIME), LONGEST_LIFETIME) };
}

/** Whether options, each of a length in units of 8 octets, fill the rest of the message. @see RFC 4861 §4.6 */
function hasOptions(octets: Uint8Array, start: number): boolean {
  let at = start;
  while (at + 1 < octets.length) {
    if (octets[at + 1] === 0) return false;
    at += 8 * octets[at + 1]!;
  }
  return at === octets.length;
}
