import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { type Counter, type Log, messageOf } from "../base/index.ts";
import type { DnsListen } from "./dns-server.ts";
import { listenFailed } from "./faults.ts";

export interface UdpParts {
  /** The reply to a datagram; `undefined` for none. Keeps nothing of `octets`. */
  readonly answer: (octets: Uint8Array, source: string) => Uint8Array | undefined;
  readonly sendFailed: Counter;
  readonly log: Log;
}

/** @throws {DiscoveryError} discovery.listen-failed */
export async function listenUdp(at: DnsListen, { answer, sendFailed, log }: UdpParts): Promise<AsyncDisposable> {
  const socket: Socket = createSocket(isIPv6(at.address) ? { type: "udp6", ipv6Only: true } : { type: "udp4" });
  try {
    socket.bind({ address: at.address, port: at.port, exclusive: true });
    await once(socket, "listening");
  } catch (cause) {
    socket.close();
    throw listenFailed("udp", at, cause);
  }
  socket.on("message", (octets, remote) => {
    if (remote.port === 0) return; // cannot be answered
    const reply = answer(octets, remote.address);
    if (reply === undefined) return;
    socket.send(reply, remote.port, remote.address, (failure) => {
      if (failure !== null) sendFailed.add();
    });
  });
  // Asynchronous errors (ICMP unreachable from a client that left) concern one datagram, not the socket.
  socket.on("error", (cause) => log.debug("discovery.dns.socket-error", { reason: messageOf(cause) }));
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}
