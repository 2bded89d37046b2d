import type { Sock } from "../../../native/api.ts";
import { sameValue } from "../../base/index.ts";

/** A key of TCP-AO; the neighbour has it with the identifiers the other way round. @see RFC 5925 §3.1 */
export interface AoKey {
  readonly sendId: number;
  readonly receiveId: number;
  /** @see RFC 5926 §3.2 */
  readonly algorithm: "hmac-sha-1-96" | "aes-128-cmac-96";
  readonly secret: string;
}

/** How the segments of a connection are signed. */
export interface TcpProtection {
  /** @see RFC 2385 */
  readonly password?: string;
  /** The first one signs what is sent; what comes may be signed with any. @see RFC 5925 */
  readonly aoKeys?: readonly AoKey[];
}

/** Of a neighbour. @param password the one of its passwords that is in use */
export function protectionOf({ aoKeys }: TcpProtection, password: string | undefined): TcpProtection {
  if (aoKeys !== undefined && aoKeys.length > 0) return { aoKeys };
  return password === undefined ? {} : { password };
}

/** Who is at the other end. */
export interface ProtectedPeer {
  readonly address: string;
  readonly prefixLength: number;
}

const octetsOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/**
 * Brings the keys of a socket from `before` to `after`. On a connection that stands this takes effect with the next segment.
 *
 * Linux keeps one MD5 key for a peer: another one takes its place at once, segments that are signed with the old one are
 * dropped from then on and sent again by the peer, until it has the new key as well. TCP-AO keeps several.
 * @throws {Error} of the addon, ENOPROTOOPT where the kernel has no TCP-AO
 */
export function protect(
  sock: Sock,
  fd: number,
  { address, prefixLength }: ProtectedPeer,
  before: TcpProtection,
  after: TcpProtection,
  kind: "listener" | "connection",
): void {
  if (before.password !== after.password) {
    sock.setMd5(fd, address, prefixLength, octetsOf(after.password ?? ""));
  }
  const old = before.aoKeys ?? [];
  const keys = after.aoKeys ?? [];
  const isPreferred = (key: AoKey): boolean => kind === "connection" && key === keys[0];
  const add = (key: AoKey): void => {
    const { sendId, receiveId, algorithm, secret } = key;
    sock.addAoKey(fd, address, prefixLength, { sendId, receiveId, algorithm, key: octetsOf(secret) }, isPreferred(key));
  };
  const remove = (key: AoKey): void => sock.deleteAoKey(fd, address, prefixLength, key, kind === "listener");
  const [first] = keys;
  for (const key of keys) {
    const known = old.some((other) => sameValue(other, key));
    // The kernel is told what to use when a key is added: one that is not in use yet can be added again.
    const moves = known && key === first && kind === "connection" && !sameValue(old[0], first);
    if (moves) remove(key);
    if (!known || moves) add(key);
  }
  for (const key of old) if (!keys.some((other) => sameValue(other, key))) remove(key);
}
