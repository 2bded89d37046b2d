import type net from "node:net";
import type { Sock } from "../../../native/api.ts";
import { type Clock, milliseconds } from "../../base/index.ts";
import { limitHops } from "./hop-limits.ts";
import { isIpv6Text } from "./peer-address.ts";
import { type ProtectedPeer, protect, type TcpProtection } from "./tcp-protection.ts";
import type { Connection, ConnectionHandlers, Endpoint, HopLimits } from "./transport.ts";

/** How long a closing connection may take to send what is queued. */
const LINGER = milliseconds(1000);

/** What a socket has. */
export interface SocketOptions {
  readonly protection: TcpProtection;
  readonly hops: HopLimits;
}

/** A connected socket of `node:net`. Owns it. */
export class TcpConnection implements Connection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #socket: net.Socket;
  readonly #clock: Clock;
  #handlers: ConnectionHandlers | undefined;
  #closing: Promise<void> | undefined;

  readonly #sock: Sock | undefined;
  readonly #aoPeer: ProtectedPeer | undefined;
  #protection: TcpProtection;
  #hops: HopLimits;

  /**
   * @param has how the socket is protected, and how far its packets go
   * @param aoPeer whom its TCP-AO keys are for, where it has those of a listener
   */
  constructor(
    socket: net.Socket,
    clock: Clock,
    sock: Sock | undefined,
    { protection, hops }: SocketOptions,
    aoPeer?: ProtectedPeer,
  ) {
    this.#aoPeer = aoPeer;
    this.#socket = socket;
    this.#clock = clock;
    this.#sock = sock;
    this.#protection = protection;
    this.#hops = hops;
    this.local = endpoint(socket.localAddress, socket.localPort);
    this.remote = endpoint(socket.remoteAddress, socket.remotePort);
    let reason = "closed by the peer";
    socket.on("error", (cause) => {
      reason = (cause as NodeJS.ErrnoException).code ?? cause.message;
    });
    socket.on("close", () => {
      const handlers = this.#handlers;
      this.#handlers = undefined;
      if (this.#closing === undefined) handlers?.closed(reason);
    });
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    // What is made of octets elsewhere are plain arrays: code that meets Buffers as well is compiled for both.
    const deliver = ({ buffer, byteOffset, length }: Buffer): void =>
      this.#handlers?.data(new Uint8Array(buffer, byteOffset, length));
    // It reads into one fixed buffer and says so with an event of its own.
    this.#socket.on("octets", deliver);
    this.#socket.on("drain", () => this.#handlers?.drained());
    this.#socket.resume();
  }

  protect(protection: TcpProtection): void {
    const fd = this.#descriptor;
    if (this.#sock === undefined || fd === undefined) return;
    const { address } = this.remote;
    const prefixLength = isIpv6Text(address) ? 128 : 32;
    const socket = { fd, kind: "connection", ...(this.#aoPeer === undefined ? {} : { aoPeer: this.#aoPeer }) } as const;
    protect(this.#sock, socket, { address, prefixLength }, this.#protection, protection);
    this.#protection = protection;
  }

  limitHops(limits: HopLimits): void {
    const fd = this.#descriptor;
    if (this.#sock === undefined || fd === undefined) return;
    limitHops(this.#sock, fd, this.#hops, limits);
    this.#hops = limits;
  }

  /** Absent: it is closed. */
  get #descriptor(): number | undefined {
    const fd = (this.#socket as { _handle?: { fd?: number } })._handle?.fd;
    return fd === undefined || fd < 0 ? undefined : fd;
  }

  write(octets: Uint8Array): void {
    if (!this.#socket.destroyed && this.#closing === undefined) this.#socket.write(octets);
  }

  get queued(): number {
    return this.#socket.writableLength;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      const socket = this.#socket;
      this.#handlers = undefined;
      if (socket.closed) return resolve();
      const linger = this.#clock.after(LINGER, () => socket.destroy());
      socket.once("close", () => {
        linger.cancel();
        resolve();
      });
      // What the peer still sends is read and dropped: unread octets would turn the FIN into a reset.
      socket.resume();
      socket.end();
    });
    return this.#closing;
  }
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint {
  return { address: plainAddress(address ?? ""), port: port ?? 0 };
}

/** IPv4 as such. */
export function plainAddress(text: string): string {
  return text.replace(/^::ffff:(?=\d+\.)/, "");
}
