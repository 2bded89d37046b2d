import type { Ipv6Address } from "../../base/index.ts";
import type { Encapsulation } from "../../forwarding/index.ts";
import { ENCAPSULATION, VXLAN_HEADERS, VXLAN_PORT } from "../abi.ts";
import { Grace } from "./grace.ts";

const PROTOCOL = { ipv6: 41, routing: 43, udp: 17 } as const;
/** Segment routing header without its segments. @see RFC 8754 §2 */
const ROUTING_LENGTH = 8;
const ROUTING_TYPE = 4;
/** The I flag: there is a network identifier. @see RFC 7348 §5 */
const VXLAN_VALID = 0x08;
const ETHERTYPE_IPV6 = 0x86dd;
/** Of the VXLAN header and of the inner Ethernet header, behind the UDP header. */
const VXLAN_AT = 8;
const ETHERNET_AT = 16;

/** Entries for `tunnels` of them: each may be replaced before the old one is free. Index 0 is none. */
export function encapsulationEntries(tunnels: number): number {
  return 1 + 2 * tunnels;
}

/** The mmapped `encapsulations`: headers as they go out. An entry belongs to one next hop. */
export class EncapsulationTable {
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  readonly #entries: number;
  readonly #used = new Set<number>();
  readonly #grace = new Grace();
  #last = 0;

  /** Borrows `octets`; what is in it has to be claimed. */
  constructor(octets: Uint8Array) {
    this.#octets = octets;
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    this.#entries = octets.length / ENCAPSULATION.size;
  }

  get used(): number {
    return this.#used.size;
  }

  /** A next hop of an earlier process names it. */
  claim(index: number): void {
    if (index !== 0) this.#used.add(index);
  }

  get(index: number): Encapsulation | undefined {
    if (index <= 0 || index >= this.#entries) return undefined;
    const at = index * ENCAPSULATION.size + ENCAPSULATION.offsets.headers;
    const octets = (from: number, length: number): Uint8Array => this.#octets.slice(from, from + length);
    if (this.#octets[index * ENCAPSULATION.size + ENCAPSULATION.offsets.protocol] === PROTOCOL.udp) {
      return {
        kind: "vxlan",
        vni: this.#view.getUint32(at + VXLAN_AT + 4) >>> 8,
        destination: octets(at + ETHERNET_AT, 6),
        source: octets(at + ETHERNET_AT + 6, 6),
      };
    }
    const count = this.#octets[at + 3]!;
    const first = octets(index * ENCAPSULATION.size + ENCAPSULATION.offsets.to, 16);
    const further = Array.from({ length: count - 1 }, (_, i) => octets(at + ROUTING_LENGTH + (count - 1 - i) * 16, 16));
    return { kind: "segments", waypoints: [first, ...further] };
  }

  /** Writes it where nothing is; the caller has seen to it that there is room. */
  add(encapsulation: Encapsulation, locator: Ipv6Address): number {
    const index = this.#free();
    this.#used.add(index);
    this.#grace.settle(index);
    const at = index * ENCAPSULATION.size;
    this.#octets.fill(0, at, at + ENCAPSULATION.size);
    const headers = this.#octets.subarray(at + ENCAPSULATION.offsets.headers, at + ENCAPSULATION.size);
    const isVxlan = encapsulation.kind === "vxlan";
    const length = isVxlan ? writeVxlan(headers, encapsulation) : writeSegments(headers, encapsulation, locator);
    this.#octets.set(isVxlan ? locator : encapsulation.waypoints[0]!, at + ENCAPSULATION.offsets.to);
    this.#octets[at + ENCAPSULATION.offsets.protocol] = isVxlan ? PROTOCOL.udp : PROTOCOL.routing;
    this.#octets[at + ENCAPSULATION.offsets.length] = length;
    return index;
  }

  /** Nothing names it any more; 0 is none. */
  release(index: number): void {
    if (!this.#used.delete(index)) return;
    this.#grace.retire(index);
  }

  #free(): number {
    for (let tried = 1; tried < this.#entries; tried++) {
      this.#last = (this.#last % (this.#entries - 1)) + 1;
      if (!this.#used.has(this.#last)) return this.#last;
    }
    throw new RangeError(`all ${this.#entries - 1} encapsulations are in use`);
  }
}

/**
 * Reduced: the first waypoint is the destination of the outer header and stands nowhere else.
 *
 *     | next = 41 | length | type = 4 | segments left | last entry | flags, tag u24 = 0 | router, last waypoint … second |
 *
 * @see RFC 8754 §2; RFC 8986 §5.2 (H.Encaps.Red)
 */
function writeSegments(
  headers: Uint8Array,
  { waypoints }: Extract<Encapsulation, { kind: "segments" }>,
  locator: Ipv6Address,
): number {
  const list = [locator, ...waypoints.slice(1).toReversed()];
  headers.set([PROTOCOL.ipv6, 2 * list.length, ROUTING_TYPE, waypoints.length, list.length - 1]);
  for (const [i, segment] of list.entries()) headers.set(segment, ROUTING_LENGTH + i * 16);
  return ROUTING_LENGTH + list.length * 16;
}

/** Source port and length of UDP are the pass's; there is no checksum. @see RFC 7348 §5; RFC 6935 §5 */
function writeVxlan(
  headers: Uint8Array,
  { vni, destination, source }: Extract<Encapsulation, { kind: "vxlan" }>,
): number {
  const view = new DataView(headers.buffer, headers.byteOffset, headers.length);
  view.setUint16(2, VXLAN_PORT);
  headers[VXLAN_AT] = VXLAN_VALID;
  view.setUint32(VXLAN_AT + 4, (vni << 8) >>> 0);
  headers.set(destination, ETHERNET_AT);
  headers.set(source, ETHERNET_AT + 6);
  view.setUint16(ETHERNET_AT + 12, ETHERTYPE_IPV6);
  return VXLAN_HEADERS;
}
