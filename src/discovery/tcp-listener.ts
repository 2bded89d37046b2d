import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type Clock, type Log, type Metrics, milliseconds, SourceQuota, type Timer } from "../base/index.ts";
import { PacedSocket } from "../pacing/index.ts";
import { ListeningSocket } from "../sockets/index.ts";
import type { DnsListen } from "./dns-server.ts";
import { listenFailed } from "./faults.ts";

export interface TcpParts {
  readonly answer: (octets: Uint8Array) => Uint8Array | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export interface TcpListener extends AsyncDisposable {
  readonly port: number;
}

const MOST_CONNECTIONS = 256;
const MOST_PER_SOURCE = 32;
/**
 * How long a connection may take for its next whole message, however many octets of it trickle in.
 * @see RFC 7766 §6.2.3
 */
const MESSAGE_TIMEOUT = milliseconds(10_000);

/** @throws {DiscoveryError} discovery.listen-failed */
export async function listenTcp(at: DnsListen, parts: TcpParts): Promise<TcpListener> {
  const open = new Set<Socket>();
  const quota = new SourceQuota(MOST_PER_SOURCE);
  const refused = parts.metrics.counter("semrd_dns_connections_refused_total", "DNS connections over the limit");
  const timedOut = parts.metrics.counter("semrd_dns_connections_timed_out_total", "DNS connections closed as idle");
  const server = createServer({ noDelay: true }, (socket) => {
    const giveBack = quota.take(socket.remoteAddress ?? "");
    if (giveBack === undefined) {
      refused.add();
      socket.destroy();
      return;
    }
    open.add(socket);
    socket.once("close", () => {
      open.delete(socket);
      giveBack();
    });
    converse(new PacedSocket(socket, parts.clock), parts, () => timedOut.add());
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.on("drop", () => refused.add());
  const { clock, log, metrics } = parts;
  const where = { host: at.address, port: at.port, ipv6Only: true, exclusive: true };
  const own = { name: "dns", isOpenToMany: true, clock, log, metrics };
  const { port } = await ListeningSocket.open(server, where, own).catch((cause) => {
    throw listenFailed("tcp", at, cause);
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

/** Answers the length-framed messages of one connection in their order, reading no faster than its replies are taken. */
function converse(socket: PacedSocket, { answer, clock }: TcpParts, onTimeout: () => void): void {
  const framer = new MessageFramer();
  let deadline: Timer | undefined;
  const rearm = (): void => {
    deadline?.cancel();
    deadline = clock.after(MESSAGE_TIMEOUT, () => {
      onTimeout();
      socket.destroy();
    });
  };
  rearm();
  socket.on("error", () => socket.destroy()); // reset by the client: nothing is left to answer
  socket.once("close", () => deadline?.cancel());
  socket.on("drain", () => socket.resume());
  socket.on("data", (chunk) => {
    const { messages, next } = framer.push(chunk);
    for (const octets of messages) {
      rearm();
      const reply = answer(octets);
      if (reply === undefined) {
        socket.destroy(); // not a DNS client
        return;
      }
      if (!socket.write(framed(reply))) socket.pause();
    }
    if (next === "too-long") socket.end();
  });
}

function framed(octets: Uint8Array): Uint8Array {
  const whole = new Uint8Array(2 + octets.length);
  new DataView(whole.buffer).setUint16(0, octets.length);
  whole.set(octets, 2);
  return whole;
}

/** No query is longer; a length that says so is taken for something that is not DNS. */
const MOST_QUERY_OCTETS = 4_096;

/** Cuts a stream into messages behind two-octet lengths. Holds less than one message. @see RFC 1035 §4.2.2 */
export class MessageFramer {
  #held: Buffer = Buffer.alloc(0);

  /** The messages that are whole now (views), and whether the next one announces itself as longer than any query. */
  push(chunk: Uint8Array): { readonly messages: readonly Uint8Array[]; readonly next: "awaited" | "too-long" } {
    this.#held = Buffer.concat([this.#held, chunk]);
    const messages: Uint8Array[] = [];
    let offset = 0;
    while (this.#held.length - offset >= 2) {
      const length = this.#held.readUInt16BE(offset);
      if (length > MOST_QUERY_OCTETS) return { messages, next: "too-long" };
      const end = offset + 2 + length;
      if (end > this.#held.length) break;
      messages.push(this.#held.subarray(offset + 2, end));
      offset = end;
    }
    this.#held = this.#held.subarray(offset);
    return { messages, next: "awaited" };
  }
}
