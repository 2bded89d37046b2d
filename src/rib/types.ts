import type { Ipv6Address } from "../base/index.ts";
import type { AttributeSet, SetSource } from "./attributes.ts";

/** An isolated customer of the router. @see RFC 4364 §4 */
export interface Tenant {
  readonly name: string;
  /** 1 to 65535. */
  readonly index: number;
  /** Eight octets. */
  readonly routeDistinguisher: Uint8Array;
  /** Route targets, eight octets each; a route that carries one of them belongs to this tenant. */
  readonly importTargets: readonly Uint8Array[];
  readonly exportTargets: readonly Uint8Array[];
}

/** A small number that stands for a neighbour inside the RIB; 0 is this router itself. */
export type PeerIndex = number;
/** A small number that stands for an interned attribute set; 0 is "none". */
export type AttributeId = number;
/** A small number that stands for one route key (net) of a table; 0 is "none". */
export type NetId = number;

/** This router itself. */
export const LOCAL_PEER: PeerIndex = 0;

/** Families whose routes say where packets of an address go. @see RFC 4760 */
export type UnicastFamily = "ipv4-unicast" | "ipv6-unicast";
/** Families whose keys are prefixes; "route-target": who wants which routes of the capability family. @see RFC 4684 §4 */
export type PrefixFamily = UnicastFamily | "route-target";
/** The families that have a table each. @see DESIGN section 4.1; RFC 4760 */
export type RouteFamily = "capability" | PrefixFamily;

/** How a neighbour stands to this router: of its AS, of another member AS of its confederation, or of another AS. @see RFC 5065 */
export type SessionKind = "internal" | "confederation" | "external";
/** Who a route came from: this router, or a neighbour of this kind. */
export type PeerKind = "local" | SessionKind;

/** Whoever has routes in the RIB. IPv4 addresses are in mapped form. */
export interface RibPeer {
  readonly name: string;
  readonly kind: PeerKind;
  /** Unsigned 32 bits. Last tie-breaker but one. */
  readonly bgpIdentifier: number;
  readonly address: Ipv6Address;
  readonly autonomousSystem: number;
  /** This router reflects routes to it and from it. Only for internal ones. @see RFC 4456 §6 */
  readonly reflectorClient?: boolean;
}

/**
 * Interned attribute sets. Identity is the octets of the path attributes with MP_REACH_NLRI cut down to AFI, SAFI and
 * next hop, so the same set from two messages is one id. A set is octets and a few numbers here; an object is made of it
 * when somebody asks.
 *
 * An id is valid until the current turn ends, and beyond it while a route or a `retain` refers to it; then the number is
 * used again. What is derived from a set is kept by its id together with `serial`, which tells the sets of one id apart.
 */
export interface AttributeTable {
  /**
   * Copies the octets, which are different for each family. `source` is asked once per distinct set; what it throws leaves no
   * trace. A function hands over an object, which is kept. `family`: whose rules say whether the set is eligible at all.
   * Default: capability. @throws {RibError} `rib.attribute-limit`
   */
  intern(
    octets: Uint8Array,
    start: number,
    length: number,
    source: SetSource | (() => AttributeSet),
    family?: RouteFamily,
  ): AttributeId;
  /** Made of the octets, and kept for a while only; nobody changes it. */
  get(id: AttributeId): AttributeSet;
  /** The identity octets, borrowed until the id goes. Not to be changed. */
  octets(id: AttributeId): Uint8Array;
  /** The same without an object: they are `chunk(id)[start(id)..start(id)+length(id))`. */
  chunk(id: AttributeId): Uint8Array;
  start(id: AttributeId): number;
  length(id: AttributeId): number;
  /** Bits of `SetMark`. */
  marksOf(id: AttributeId): number;
  /** Differs for each set that the id has stood for, unsigned 32 bits, never 0. */
  serial(id: AttributeId): number;
  retain(id: AttributeId): void;
  release(id: AttributeId): void;
  /** Distinct sets. */
  readonly size: number;
}
