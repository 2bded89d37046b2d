import { type Ipv6Address, Writer } from "../../../base/index.ts";
import { isMappedIpv4 } from "../../wire/index.ts";

const VERSION = 3;

/** @see RFC 7854 §4.1 */
export const BmpType = {
  RouteMonitoring: 0,
  StatisticsReport: 1,
  PeerDown: 2,
  PeerUp: 3,
  Initiation: 4,
  Termination: 5,
  RouteMirroring: 6,
} as const;

/** @see RFC 7854 §4.2; RFC 9069 §4.1 */
const PeerType = { Global: 0, LocRib: 3 } as const;
/** V: IPv6; L: after policy; A: AS numbers of two octets; O: what the peer is told. @see RFC 7854 §4.2; RFC 8671 §4 */
const PeerFlag = { V: 0x80, L: 0x40, A: 0x20, O: 0x10 } as const;

/** Whose routes a message is about. */
export type PeerView =
  | {
      readonly kind: "adj-rib-in";
      /** IPv4 in mapped form. */
      readonly address: Ipv6Address;
      readonly autonomousSystem: number;
      readonly bgpIdentifier: number;
    }
  /** Of this router. @see RFC 9069 §4.1 */
  | { readonly kind: "loc-rib"; readonly autonomousSystem: number; readonly bgpIdentifier: number };

/** Which of a peer's tables an UPDATE is of, and how it is written. */
export interface RouteForm {
  readonly postPolicy: boolean;
  readonly asWidth: 2 | 4;
  /** Adj-RIB-Out instead of Adj-RIB-In. @see RFC 8671 §4 */
  readonly out?: boolean;
}

/** Milliseconds since the Unix epoch. */
type Wall = number;
/** When it was is not known. @see RFC 7854 §5 */
export const NO_TIME: Wall = 0;

/**
 * What stands in front of a message about a peer, 42 octets.
 *
 *     | type u8 | flags u8 | distinguisher 8 | address 16 | AS u32 | BGP identifier u32 | seconds u32 | microseconds u32 |
 *
 * @see RFC 7854 §4.2; RFC 9069 §4.2
 */
function writePeer(
  out: Writer,
  view: PeerView,
  at: Wall,
  { postPolicy = false, asWidth = 4, out: isOut = false }: Partial<RouteForm> = {},
): void {
  if (view.kind === "loc-rib") {
    out.u8(PeerType.LocRib).u8(0).u64(0n).bytes(new Uint8Array(16));
  } else {
    const v6 = !isMappedIpv4(view.address);
    const policy = (postPolicy ? PeerFlag.L : 0) | (isOut ? PeerFlag.O : 0);
    const flags = (v6 ? PeerFlag.V : 0) | policy | (asWidth === 2 ? PeerFlag.A : 0);
    out.u8(PeerType.Global).u8(flags).u64(0n);
    writeAddress(out, view.address);
  }
  out.u32(view.autonomousSystem).u32(view.bgpIdentifier);
  const wall = Math.max(0, at);
  out.u32(Math.floor(wall / 1000)).u32(Math.floor((wall % 1000) * 1000));
}

/** Sixteen octets; an IPv4 address is in the last four and the others are zero. @see RFC 7854 §4.2 */
function writeAddress(out: Writer, address: Ipv6Address): void {
  if (isMappedIpv4(address)) out.bytes(new Uint8Array(12)).bytes(address.subarray(12));
  else out.bytes(address);
}

function message(type: number, write: (out: Writer) => void, room = 128): Uint8Array {
  const out = new Writer(room).u8(VERSION).u32(0).u8(type);
  write(out);
  const { length } = out;
  out.put8(1, length >>> 24).put8(2, length >>> 16);
  out.put8(3, length >>> 8).put8(4, length);
  return out.finish();
}

const writeTlv = (out: Writer, type: number, value: Uint8Array): void => {
  out.u16(type).u16(value.length).bytes(value);
};

const MOST_TEXT = 4096;
const text = (value: string): Uint8Array => new TextEncoder().encode(value).subarray(0, MOST_TEXT);

/** @see RFC 7854 §4.3 */
export function encodeInitiation(facts: { readonly name: string; readonly description: string }): Uint8Array {
  return message(BmpType.Initiation, (out) => {
    writeTlv(out, 1, text(facts.description));
    writeTlv(out, 2, text(facts.name));
  });
}

/** @see RFC 7854 §4.5 */
export const TerminationReason = {
  AdministrativelyClosed: 0,
  NoReason: 1,
  OutOfResources: 2,
  RedundantConnection: 3,
} as const;

/** Says why the session ends, with a code of `TerminationReason`. @see RFC 7854 §4.5 */
export function encodeTermination(reason: number): Uint8Array {
  return message(BmpType.Termination, (out) => writeTlv(out, 1, Uint8Array.of(reason >>> 8, reason)));
}

export interface PeerUpFacts {
  /** Of this router; IPv4 in mapped form. */
  readonly localAddress: Ipv6Address;
  readonly localPort: number;
  readonly remotePort: number;
  /** Whole messages. */
  readonly openSent: Uint8Array;
  readonly openReceived: Uint8Array;
}

/** @see RFC 7854 §4.10; RFC 9069 §4.4: the name of the table is left out, as this router has one only */
export function encodePeerUp(view: PeerView, at: Wall, facts: PeerUpFacts): Uint8Array {
  return message(
    BmpType.PeerUp,
    (out) => {
      writePeer(out, view, at);
      writeAddress(out, facts.localAddress);
      out.u16(facts.localPort).u16(facts.remotePort).bytes(facts.openSent).bytes(facts.openReceived);
    },
    512,
  );
}

/** Why a session ended, or is not told of any more. @see RFC 7854 §4.9 */
export type PeerDownReason =
  /** This router ended it with a NOTIFICATION, whole. */
  | { readonly reason: 1; readonly notification: Uint8Array }
  /** Without one; the number of the event of RFC 4271 §8.1. */
  | { readonly reason: 2; readonly event: number }
  | { readonly reason: 3; readonly notification: Uint8Array }
  /** The peer, or its connection, was gone. */
  | { readonly reason: 4 }
  /** The session may be there: no more is said of it. */
  | { readonly reason: 5 };

/** @see RFC 7854 §4.9 */
export function encodePeerDown(view: PeerView, at: Wall, why: PeerDownReason): Uint8Array {
  return message(BmpType.PeerDown, (out) => {
    writePeer(out, view, at);
    out.u8(why.reason);
    if (why.reason === 1 || why.reason === 3) out.bytes(why.notification);
    if (why.reason === 2) out.u16(why.event);
  });
}

/** One message for the UPDATE at `octets[start..end)`, header included. @see RFC 7854 §4.6 */
export function encodeRouteMonitoring(
  view: PeerView,
  at: Wall,
  form: RouteForm,
  octets: Uint8Array,
  start = 0,
  end: number = octets.length,
): Uint8Array {
  return message(
    BmpType.RouteMonitoring,
    (out) => {
      writePeer(out, view, at, form);
      out.bytes(octets.subarray(start, end));
    },
    end - start + 64,
  );
}

/** TLVs of a Route Mirroring message, and what an Information TLV says. @see RFC 7854 §4.7 */
const Mirrored = { Message: 0, Information: 1 } as const;
const MirroringCode = { errored: 0, lost: 1 } as const;

/**
 * The message `octets[start..end)` as it came, header included; `errored`: it was treated as a withdrawal. A message of more than
 * 65535 octets cannot be. @see RFC 7854 §4.7: the message is the last TLV
 */
export function encodeRouteMirroring(
  view: PeerView,
  at: Wall,
  { asWidth, errored }: { readonly asWidth: 2 | 4; readonly errored: boolean },
  octets: Uint8Array,
  start = 0,
  end: number = octets.length,
): Uint8Array {
  return message(
    BmpType.RouteMirroring,
    (out) => {
      writePeer(out, view, at, { asWidth });
      if (errored) writeTlv(out, Mirrored.Information, Uint8Array.of(0, MirroringCode.errored));
      writeTlv(out, Mirrored.Message, octets.subarray(start, end));
    },
    end - start + 64,
  );
}

/** Messages of the peer may have been lost on the way to the station. @see RFC 7854 §4.7 */
export function encodeMirroringLost(view: PeerView, at: Wall): Uint8Array {
  return message(BmpType.RouteMirroring, (out) => {
    writePeer(out, view, at);
    writeTlv(out, Mirrored.Information, Uint8Array.of(0, MirroringCode.lost));
  });
}

/** @see RFC 7854 §4.8; RFC 8671 §6.2; RFC 9069 §4.6 */
export const StatisticType = {
  /** Counters of 32 bits: prefixes refused by policy; UPDATEs that have gone round. */
  RejectedPrefixes: 0,
  /** Prefixes that were announced or withdrawn once more, and UPDATEs of nothing else. */
  DuplicateAnnouncements: 1,
  DuplicateWithdrawals: 2,
  ClusterListLoops: 3,
  AsPathLoops: 4,
  OriginatorLoops: 5,
  ConfederationLoops: 6,
  /** Gauges. */
  AdjRibInRoutes: 7,
  LocRibRoutes: 8,
  AdjRibInRoutesOfFamily: 9,
  LocRibRoutesOfFamily: 10,
  /** Counters of 32 bits: UPDATEs that were treated as withdrawals, and their prefixes. @see RFC 7606 §2 */
  UpdatesTreatedAsWithdraw: 11,
  PrefixesTreatedAsWithdraw: 12,
  DuplicateUpdates: 13,
  AdjRibOutPreRoutes: 14,
  AdjRibOutPostRoutes: 15,
  AdjRibOutPreRoutesOfFamily: 16,
  AdjRibOutPostRoutesOfFamily: 17,
} as const;

export interface Statistic {
  readonly type: number;
  readonly value: number;
  /** Of a family: in front of the value. */
  readonly family?: { readonly afi: number; readonly safi: number };
}

const COUNTERS_32: ReadonlySet<number> = new Set([
  StatisticType.RejectedPrefixes,
  StatisticType.DuplicateAnnouncements,
  StatisticType.DuplicateWithdrawals,
  StatisticType.ConfederationLoops,
  StatisticType.DuplicateUpdates,
  StatisticType.ClusterListLoops,
  StatisticType.AsPathLoops,
  StatisticType.OriginatorLoops,
  StatisticType.UpdatesTreatedAsWithdraw,
  StatisticType.PrefixesTreatedAsWithdraw,
]);

/** @see RFC 7854 §4.8 */
export function encodeStatistics(view: PeerView, at: Wall, statistics: readonly Statistic[]): Uint8Array {
  return message(BmpType.StatisticsReport, (out) => {
    writePeer(out, view, at);
    out.u32(statistics.length);
    for (const { type, value, family } of statistics) {
      const isCounter = COUNTERS_32.has(type);
      out.u16(type).u16((isCounter ? 4 : 8) + (family === undefined ? 0 : 3));
      if (family !== undefined) out.u16(family.afi).u8(family.safi);
      if (isCounter) out.u32(value % 2 ** 32);
      else out.u64(BigInt(value));
    }
  });
}
