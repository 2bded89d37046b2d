import { type Ipv6Address, Reader, ShortRead, type Writer } from "../../../base/index.ts";
import { type Family, IPV4_UNICAST, IPV6_UNICAST, isMappedIpv4, mappedIpv4, sameFamily } from "../../wire/index.ts";
import { beginRecord, endRecord, MrtType } from "./record.ts";

/** Of TABLE_DUMP_V2. @see RFC 6396 §4.3; RFC 8050 §4 */
export const TableDumpSubtype = {
  PeerIndexTable: 1,
  RibIpv4Unicast: 2,
  RibIpv4Multicast: 3,
  RibIpv6Unicast: 4,
  RibIpv6Multicast: 5,
  RibGeneric: 6,
  RibIpv4UnicastAddPath: 8,
  RibIpv4MulticastAddPath: 9,
  RibIpv6UnicastAddPath: 10,
  RibIpv6MulticastAddPath: 11,
  RibGenericAddPath: 12,
} as const;

/** A neighbour of the router that wrote the dump. */
export interface DumpPeer {
  readonly bgpIdentifier: number;
  /** IPv4 in mapped form. */
  readonly address: Ipv6Address;
  readonly autonomousSystem: number;
}

export interface PeerIndexTable {
  readonly collectorId: number;
  readonly viewName: string;
  readonly peers: readonly DumpPeer[];
}

/** One path of a route. */
export interface DumpPath {
  /** Place in the PEER_INDEX_TABLE. */
  readonly peer: number;
  /** Seconds since the Unix epoch. */
  readonly originated: number;
  /** @see RFC 8050 §4.1 */
  readonly pathId?: number;
  /** With MP_REACH_NLRI cut to length and next hop, and an AS_PATH of four-octet numbers. @see RFC 6396 §4.3.4 */
  readonly attributes: Uint8Array;
}

export interface DumpRoute {
  readonly family: Family;
  /** NLRI as in an UPDATE: length in bits and octets of a prefix, or what the family has instead. */
  readonly nlri: Uint8Array;
  readonly paths: readonly DumpPath[];
}

const PEER_IPV6 = 0x01;
const PEER_AS4 = 0x02;
const MAX_VIEW_NAME = 65535;

/**
 *     | collector ID u32 | name length u16 | name | count u16 | { type u8 | ID u32 | address 4 or 16 | AS u16 or u32 }* |
 *
 * Four-octet AS numbers throughout. @throws {RangeError} beyond 65535 peers @see RFC 6396 §4.3.1
 */
export function encodePeerIndexTable(out: Writer, seconds: number, table: PeerIndexTable): void {
  if (table.peers.length > 0xffff) throw new RangeError(`${table.peers.length} peers do not fit an index table`);
  const at = beginRecord(out, seconds, MrtType.TableDumpV2, TableDumpSubtype.PeerIndexTable);
  const name = new TextEncoder().encode(table.viewName).subarray(0, MAX_VIEW_NAME);
  out.u32(table.collectorId).u16(name.length).bytes(name).u16(table.peers.length);
  for (const { bgpIdentifier, address, autonomousSystem } of table.peers) {
    const v4 = isMappedIpv4(address);
    out.u8(PEER_AS4 | (v4 ? 0 : PEER_IPV6)).u32(bgpIdentifier);
    out.bytes(v4 ? address.subarray(12) : address).u32(autonomousSystem);
  }
  endRecord(out, at);
}

/**
 *     | sequence u32 | prefix or AFI u16, SAFI u8, NLRI | count u16 | { peer u16 | time u32 | [path ID u32] | length u16 | attributes }* |
 *
 * Of ADD-PATH form where a path has an identifier. @see RFC 6396 §4.3.2 to §4.3.4; RFC 8050 §4
 */
export function encodeDumpRoute(out: Writer, seconds: number, sequence: number, route: DumpRoute): void {
  const addPath = route.paths.some(({ pathId }) => pathId !== undefined);
  const { subtype, generic } = subtypeOf(route.family, addPath);
  const at = beginRecord(out, seconds, MrtType.TableDumpV2, subtype);
  out.u32(sequence);
  if (generic) out.u16(route.family.afi).u8(route.family.safi);
  out.bytes(route.nlri).u16(route.paths.length);
  for (const { peer, originated, pathId, attributes } of route.paths) {
    out.u16(peer).u32(originated);
    if (addPath) out.u32(pathId ?? 0);
    out.u16(attributes.length).bytes(attributes);
  }
  endRecord(out, at);
}

function subtypeOf(family: Family, addPath: boolean): { readonly subtype: number; readonly generic: boolean } {
  const { RibIpv4Unicast, RibIpv6Unicast, RibGeneric } = TableDumpSubtype;
  const shift = addPath ? TableDumpSubtype.RibIpv4UnicastAddPath - RibIpv4Unicast : 0;
  if (sameFamily(family, IPV4_UNICAST)) return { subtype: RibIpv4Unicast + shift, generic: false };
  if (sameFamily(family, IPV6_UNICAST)) return { subtype: RibIpv6Unicast + shift, generic: false };
  return { subtype: RibGeneric + shift, generic: true };
}

export type TableDumpAnswer =
  | { readonly kind: "peers"; readonly table: PeerIndexTable }
  | { readonly kind: "route"; readonly route: DumpRoute }
  /** A subtype that this reader has no use for. */
  | { readonly kind: "other" }
  | { readonly kind: "malformed"; readonly reason: string };

const FAMILIES: ReadonlyMap<number, Family> = new Map([
  [TableDumpSubtype.RibIpv4Unicast, IPV4_UNICAST],
  [TableDumpSubtype.RibIpv4Multicast, { afi: 1, safi: 2 }],
  [TableDumpSubtype.RibIpv6Unicast, IPV6_UNICAST],
  [TableDumpSubtype.RibIpv6Multicast, { afi: 2, safi: 2 }],
]);

/** Reads the body of a TABLE_DUMP_V2 record. Attributes and NLRI are views of it. */
export function decodeTableDump(subtype: number, body: Uint8Array): TableDumpAnswer {
  const reader = new Reader(body);
  try {
    if (subtype === TableDumpSubtype.PeerIndexTable) return { kind: "peers", table: decodePeers(reader) };
    const addPath = subtype >= TableDumpSubtype.RibIpv4UnicastAddPath && subtype <= TableDumpSubtype.RibGenericAddPath;
    const plain = addPath ? subtype - 6 : subtype;
    if (plain < TableDumpSubtype.RibIpv4Unicast || plain > TableDumpSubtype.RibGeneric) return { kind: "other" };
    return decodeRoute(reader, FAMILIES.get(plain), addPath);
  } catch (cause) {
    if (!(cause instanceof ShortRead)) throw cause;
    return { kind: "malformed", reason: `subtype ${subtype}: ${cause.message}` };
  }
}

function decodePeers(reader: Reader): PeerIndexTable {
  const collectorId = reader.u32();
  const viewName = new TextDecoder().decode(reader.bytes(reader.u16()));
  const peers: DumpPeer[] = [];
  for (let left = reader.u16(); left > 0; left--) {
    const type = reader.u8();
    const bgpIdentifier = reader.u32();
    const address = (type & PEER_IPV6) !== 0 ? reader.bytes(16).slice() : mappedIpv4(reader.bytes(4));
    peers.push({ bgpIdentifier, address, autonomousSystem: (type & PEER_AS4) !== 0 ? reader.u32() : reader.u16() });
  }
  return { collectorId, viewName, peers };
}

/** NLRI with a length in bits. */
const isPrefix = ({ afi, safi }: Family): boolean => (afi === 1 || afi === 2) && (safi === 1 || safi === 2);
/** NLRI with a type and a length in octets: the capability family, in the range that it may be moved in. @see DESIGN section 4.1 */
const isTyped = ({ afi, safi }: Family): boolean => afi === 2 && safi >= 241 && safi <= 254;

function decodeRoute(reader: Reader, known: Family | undefined, addPath: boolean): TableDumpAnswer {
  reader.skip(4); // sequence number
  const family = known ?? { afi: reader.u16(), safi: reader.u8() };
  const from = reader.offset;
  if (!isPrefix(family) && !isTyped(family)) return { kind: "other" };
  if (isPrefix(family)) {
    const bits = reader.u8();
    if (bits > (family.afi === 1 ? 32 : 128)) return { kind: "malformed", reason: `a prefix of ${bits} bits` };
    reader.skip((bits + 7) >> 3);
  } else {
    reader.skip(1);
    reader.skip(reader.u8());
  }
  const nlri = reader.octets.subarray(from, reader.offset);
  const paths: DumpPath[] = [];
  for (let left = reader.u16(); left > 0; left--) {
    const peer = reader.u16();
    const originated = reader.u32();
    const pathId = addPath ? { pathId: reader.u32() } : {};
    paths.push({ peer, originated, ...pathId, attributes: reader.bytes(reader.u16()) });
  }
  if (reader.left > 0) return { kind: "malformed", reason: `${reader.left} octets behind the last path` };
  return { kind: "route", route: { family, nlri, paths } };
}
