import type { Sock } from "../../../native/api.ts";
import { sameValue } from "../../base/index.ts";

/** A key of TCP-AO; the neighbour has it with the identifiers the other way round. @see RFC 5925 §3.1 */
export interface AoKey {
  readonly sendId: number;
  readonly receiveId: number;
  /** @see RFC 5926 §3.2 */
  readonly algorithm: "hmac-sha-1-96" | "aes-128-cmac-96";
  /** One character an octet, as in `password`. */
  readonly secret: string;
}

/** How the segments of a connection are signed. */
export interface TcpProtection {
  /** Octets, each as the character of that number: a key need not be text. @see RFC 2385 */
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

const octetsOf = (key: string): Uint8Array => Uint8Array.from(key, (octet) => octet.charCodeAt(0));

/** A socket whose keys are brought from one state to another. */
export interface ProtectedSocket {
  readonly fd: number;
  readonly kind: "listener" | "connection";
  /** Who its TCP-AO keys are for, where that is not the peer alone: those of an accepted connection are the listener's. */
  readonly aoPeer?: ProtectedPeer;
}

/**
 * Brings the keys of a socket from `before` to `after`. On a connection that stands this takes effect with the next segment.
 *
 * Linux keeps one MD5 key for a peer: another one takes its place at once, segments that are signed with the old one are
 * dropped from then on and sent again by the peer, until it has the new key as well. TCP-AO keeps several, of which each end says
 * which one it wants to hear; one that is in use goes only with the name of the one in its place.
 * @throws {Error} of the addon, ENOPROTOOPT where the kernel has no TCP-AO
 */
export function protect(
  sock: Sock,
  socket: ProtectedSocket,
  peer: ProtectedPeer,
  before: TcpProtection,
  after: TcpProtection,
): void {
  const { fd, kind } = socket;
  if (before.password !== after.password) {
    sock.setMd5(fd, peer.address, peer.prefixLength, octetsOf(after.password ?? ""));
  }
  const { address, prefixLength } = socket.aoPeer ?? peer;
  const old = before.aoKeys ?? [];
  const keys = after.aoKeys ?? [];
  const [first] = keys;
  const isConnection = kind === "connection";
  for (const key of keys) {
    const isPreferred = isConnection && key === first;
    if (!old.some((other) => sameValue(other, key))) {
      const { sendId, receiveId, algorithm, secret } = key;
      sock.addAoKey(fd, address, prefixLength, { sendId, receiveId, algorithm, key: octetsOf(secret) }, isPreferred);
    } else if (isPreferred && !sameValue(old[0], key)) sock.useAoKey(fd, key);
  }
  for (const key of old) {
    if (!keys.some((other) => sameValue(other, key)))
      sock.deleteAoKey(fd, address, prefixLength, key, isConnection ? first : undefined);
  }
}
