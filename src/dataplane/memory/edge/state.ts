import { type Ipv6Address, type Ipv6Prefix, octetsEqual, prefixContains, toHex } from "../../../base/index.ts";
import { type EdgeVerdict, IDLE } from "../../abi.ts";
import type { PortOptions } from "../../driver.ts";
import type { WayBack } from "../outcome.ts";
import { concatenate, putU16, u32 } from "../packet.ts";
import { ipv4Octets } from "./ipv4.ts";

/** A pool of IPv4 addresses that are ours to translate, and what they stand for. */
export interface Pool {
  readonly kind: "capabilities" | "guests";
  readonly first: number;
  readonly length: number;
  readonly tenantIndex: number;
}

export interface Guest {
  readonly client: Ipv6Address;
  /** In the units of IDLE. */
  readonly seen: number;
}

/** The tables and constants that the programs at the edge read. They change none: they say what is to change. */
export interface EdgeState {
  readonly domain: Ipv6Prefix;
  readonly locator: Ipv6Address;
  /** An IPv4 address of this side is written in this /96; absent: nothing is translated. @see RFC 6052 §2.2 */
  readonly prefix: Uint8Array | undefined;
  readonly firstGuest: number;
  readonly guestCount: number;
  readonly pools: readonly Pool[];
  /** The capability that has an IPv4 address, and the other way round by its hex. */
  readonly capabilityOf: { get(address: number): Ipv6Address | undefined };
  readonly addressOf: { get(capability: string): number | undefined };
  readonly guests: { get(address: number): Guest | undefined };
  readonly fragments: { has(key: string): boolean };
  readonly returns: { get(key: string): WayBack | undefined };
  readonly now: number;
}

export type EdgeEffect =
  | { readonly type: "set-guest"; readonly address: number; readonly value: Guest }
  | { readonly type: "set-fragment"; readonly key: string };

export interface EdgeInput {
  /** An Ethernet frame. */
  readonly frame: Uint8Array;
  /** Before the pass, or behind everything. */
  readonly place: "in" | "out";
  readonly role: PortOptions["role"];
  /** What a small IPv4 packet is called: chance. */
  readonly identification: number;
}

export interface EdgeOutcome {
  readonly verdict: EdgeVerdict;
  /** As it came when the verdict is to leave it alone, or a drop. */
  readonly frame: Uint8Array;
  readonly effects: readonly EdgeEffect[];
}

/** What stops a packet. */
export type EdgeDrop = Extract<EdgeVerdict, `edge-drop-${string}`>;

export function poolOf({ pools }: EdgeState, address: number): Pool | undefined {
  return pools.find(({ first, length }) => address >= first && address < first + 2 ** (32 - length));
}

export function inPrefix({ prefix }: EdgeState, address: Ipv6Address): boolean {
  return prefix !== undefined && octetsEqual(prefix, address.subarray(0, 12));
}

/** An IPv4 address in our prefix. @see RFC 6052 §2.2 */
export function embedded({ prefix }: EdgeState, address: number): Ipv6Address {
  return concatenate(prefix!, ipv4Octets(address));
}

/**
 * Which capability has an address of a pool. Nobody's becomes one in family 0, which no capability is in, so that the pass says
 * what it says of any that does not exist.
 */
export function capabilityAt(state: EdgeState, pool: Pool, address: number): Ipv6Address {
  const known = state.capabilityOf.get(address);
  if (known !== undefined) return known;
  const nobody = new Uint8Array(16);
  nobody.set(state.domain.address.subarray(0, 6));
  putU16(nobody, 6, pool.tenantIndex);
  nobody.set(ipv4Octets(address), 10);
  return nobody;
}

/** The IPv4 address of a capability; 0 when it has none. */
export function addressOfCapability({ addressOf }: EdgeState, capability: Ipv6Address): number {
  const known = addressOf.get(toHex(capability));
  if (known !== undefined) return known;
  return capability[8] === 0 && capability[9] === 0 ? u32(capability, 10) : 0;
}

export function isCapability({ domain }: EdgeState, address: Ipv6Address): boolean {
  return prefixContains(domain, address);
}

const GUEST_PROBES = 8;

/** The IPv4 address by which agents know an IPv6 client: its own, else a free one, else one long out of use. */
export function guestFor(
  state: EdgeState,
  client: Ipv6Address,
): { readonly address: number; readonly effect: EdgeEffect } | undefined {
  const { guestCount, firstGuest, guests, now } = state;
  if (guestCount === 0) return undefined;
  const hash = guestHash(client);
  let free: number | undefined;
  let stale: number | undefined;
  for (let n = 0; n < GUEST_PROBES; n++) {
    const address = firstGuest + (((hash + n) >>> 0) % guestCount);
    const guest = guests.get(address);
    if (guest === undefined) free ??= address;
    else if (octetsEqual(guest.client, client)) return { address, effect: taken(address) };
    else if (now - guest.seen > IDLE.tcp) stale ??= address;
  }
  const address = free ?? stale;
  return address === undefined ? undefined : { address, effect: taken(address) };

  function taken(at: number): EdgeEffect {
    return { type: "set-guest", address: at, value: { client: client.slice(), seen: now } };
  }
}

/** As in `dataplane/cross.h`, on a little-endian machine. */
function guestHash(client: Ipv6Address): number {
  const view = new DataView(client.buffer, client.byteOffset, 16);
  const mixed = view.getBigUint64(0, true) ^ BigInt.asUintN(64, view.getBigUint64(8, true) * 0x9e3779b97f4a7c15n);
  return Number(BigInt.asUintN(64, mixed * 0xbf58476d1ce4e5b9n) >> 32n);
}
