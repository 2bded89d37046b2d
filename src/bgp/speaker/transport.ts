import { FaultError, type Ipv6Address, type Ipv6Prefix } from "../../base/index.ts";
import type { DiscoveryMessage } from "./router-advertisement.ts";
import type { TcpProtection } from "./tcp-protection.ts";

/** One end of a TCP connection: IPv6 or IPv4 text, and a port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What `closed` says when the peer ended the connection: its host was alive then. */
export const CLOSED_BY_PEER: ReadonlySet<string> = new Set(["closed by the peer", "ECONNRESET"]);

/** What a connection tells its owner. */
export interface ConnectionHandlers {
  /** Octets that came in, borrowed until the call returns, or until `resume` when the connection was paused meanwhile. */
  data(octets: Uint8Array): void;
  /** The connection is gone, for a reason fit for a log, and what came before has been delivered; once, and never after `close`. */
  closed(reason: string): void;
  /** Everything that was written has been handed to the kernel. */
  drained(): void;
}

/** A TCP connection, or what a test takes for one. */
export interface Connection {
  /** Signs and checks in another way from the next segment on. @throws {Error} of the system, then nothing is changed */
  protect(protection: TcpProtection): void;
  /** Sends and takes packets by other hop limits from the next one on. @throws {Error} of the system */
  limitHops(limits: HopLimits): void;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Begins to deliver, on a later turn; called once, on the turn on which the connection was handed over. */
  start(handlers: ConnectionHandlers): void;
  /** The octets belong to the connection until `queued` is 0. */
  write(octets: Uint8Array): void;
  /** Octets that were written and not handed to the kernel yet. */
  readonly queued: number;
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. Resolves when the connection is gone; that is bounded. */
  close(): Promise<void>;
}

/** How far packets of a connection may go. TTL security and a hop limit exclude each other; without both it is as ever. */
export interface HopLimits {
  readonly ttlSecurityHops?: number;
  readonly hopLimit?: number;
}

/** A connection to be made; addresses are IPv6 or IPv4 text. */
export interface ConnectOptions extends HopLimits {
  readonly remote: Endpoint;
  readonly source?: string;
  readonly protection?: TcpProtection;
}

/** How connections of one neighbour are protected. */
export interface Guard {
  readonly address: string;
  /** Of the addresses that it is for. Default: all bits, one neighbour. */
  readonly prefixLength?: number;
  readonly protection?: TcpProtection;
  readonly ttlSecurityHops?: number;
}

/** A socket that takes connections until it is disposed; those that it took stay. */
export interface Listener extends AsyncDisposable {
  readonly local: Endpoint;
  /**
   * Protects the listener for these neighbours from now on. Those whose TTL security cannot be had are not accepted.
   * @throws {TransportError} `bgp.needs-addon`, `bgp.needs-tcp-ao`
   */
  guard(guards: readonly Guard[]): void;
  /** Whether a connection from this address has the protection that was asked for. */
  protects(address: string): boolean;
}

/** Neighbour discovery on one interface. What it calls may throw what the system says, when the interface is gone. */
export interface DiscoverySocket {
  /** One message that has come; `undefined`: there is none. */
  receive(): DiscoveryMessage | undefined;
  /** To a group, with its zone. */
  send(octets: Uint8Array, to: string): void;
  close(): void;
}

/** What an interface is known by, where it has such an address. @see RFC 4291 §2.5 */
export interface LinkAddresses {
  readonly global?: Ipv6Address;
  readonly linkLocal?: Ipv6Address;
  /** Its number, where that is known: one that is removed and made anew has another, with the same name and addresses. */
  readonly index?: number;
}

/** Where connections come from: real TCP (`createNetTransport`), or a port of your own. */
export interface Transport {
  /** Calls `done` once, on a later turn, with a connection or an error, unless it was cancelled. */
  connect(options: ConnectOptions, done: (result: Connection | Error) => void): { cancel(): void };
  /** @throws {TransportError} `bgp.listen-failed`, `bgp.needs-addon`, `bgp.needs-tcp-ao` */
  listen(local: Endpoint, guards: readonly Guard[], accept: (connection: Connection) => void): Promise<Listener>;
  /**
   * What is on the link of the interface with this address, IPv4 in mapped form, without link-local addresses; nothing where there is
   * no such interface. Absent: nobody knows.
   */
  subnets?(local: string): readonly Ipv6Prefix[];
  /** The IPv6 addresses of that interface: one that can be told elsewhere, and the one of its link. Absent: nobody knows. */
  addresses?(local: string): LinkAddresses;
  /** Hears routers of the link and says that this one is there. Absent: it cannot be had. @throws {Error} of the system */
  discover?(zone: string): DiscoverySocket | undefined;
}

/** What the machine does not give: a listening socket, the addon, TCP-AO. */
export type TransportFault =
  /** The kernel has no TCP-AO. */
  | { readonly code: "bgp.needs-tcp-ao" }
  /** TCP MD5 or TTL security was asked for, and only the addon can set them. */
  | { readonly code: "bgp.needs-addon"; readonly option: "password" | "ttl-security" }
  | { readonly code: "bgp.listen-failed"; readonly address: string; readonly port: number };

/** What listening and protecting connections throws. */
export class TransportError extends FaultError<TransportFault> {}
