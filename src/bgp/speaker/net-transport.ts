import net from "node:net";
import { networkInterfaces } from "node:os";
import type { Sock } from "../../../native/api.ts";
import {
  type Clock,
  type Ipv6Prefix,
  type Log,
  type Metrics,
  messageOf,
  milliseconds,
  prefixContains,
} from "../../base/index.ts";
import { ListeningSocket } from "../../sockets/index.ts";
import { limitHops } from "./hop-limits.ts";
import { interfaceSubnets, linkAddresses } from "./interface-subnets.ts";
import { isIpv6Text as isIpv6, peerAddress } from "./peer-address.ts";
import { readingSocket, rereading } from "./reading-socket.ts";
import { ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION } from "./router-advertisement.ts";
import { plainAddress, type SocketOptions, TcpConnection } from "./tcp-connection.ts";
import { type ProtectedPeer, protect, type TcpProtection } from "./tcp-protection.ts";
import {
  type Connection,
  type ConnectOptions,
  type DiscoverySocket,
  type Endpoint,
  type Guard,
  type HopLimits,
  type LinkAddresses,
  type Listener,
  type Transport,
  TransportError,
} from "./transport.ts";

/** What real TCP needs. */
export interface NetTransportParts {
  readonly clock: Clock;
  /** Told of connections that could not be accepted; they count. Absent: nobody is, and nothing does. */
  readonly log?: Log;
  readonly metrics?: Metrics;
  /** The addon's sockets; without them MD5, TTL security, hop limits and namespaces cannot be had. */
  readonly sock?: Sock;
  /** Network namespace of all sockets, by path. */
  readonly namespace?: string;
  /** See `Transport`. Default: of the interfaces of this process, unless a namespace is given. */
  readonly subnets?: (local: string) => readonly Ipv6Prefix[];
  /** The same. */
  readonly addresses?: (local: string) => LinkAddresses;
}

const IPPROTO_ICMPV6 = 58;
const BACKLOG = 128;
/** How old what is known of interfaces may be, in milliseconds. */
const INTERFACES_AGE = 200;
const CONNECT_TIMEOUT = milliseconds(30_000);

/** Real TCP. With the addon it makes, protects and binds descriptors and hands them to `node:net`. */
export function createNetTransport(parts: NetTransportParts): Transport {
  return new NetTransport(parts);
}

function needsAddon(option: "password" | "ttl-security"): TransportError {
  const what = option === "password" ? "a TCP MD5 password" : "TTL security";
  return new TransportError(
    { code: "bgp.needs-addon", option },
    `${what} is configured for a BGP peer, but the native addon is not loaded: run npm run setup, or remove it`,
  );
}

class NetTransport implements Transport {
  readonly #parts: NetTransportParts;
  #asked: ReturnType<typeof networkInterfaces> = {};
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: NetTransportParts) {
    this.#parts = parts;
  }

  subnets(local: string): readonly Ipv6Prefix[] {
    const { subnets, namespace } = this.#parts;
    if (subnets !== undefined) return subnets(local);
    return namespace === undefined ? interfaceSubnets(this.#interfaces(), local) : [];
  }

  addresses(local: string): LinkAddresses {
    const { addresses, namespace } = this.#parts;
    if (addresses !== undefined) return addresses(local);
    return namespace === undefined ? linkAddresses(this.#interfaces(), local) : {};
  }

  discover(zone: string): DiscoverySocket | undefined {
    const { sock, namespace } = this.#parts;
    if (sock === undefined) return undefined;
    const place = namespace === undefined ? {} : { namespace };
    const fd = sock.socket({ family: "ipv6", type: "raw", protocol: IPPROTO_ICMPV6, ...place });
    try {
      sock.prepareDiscovery(fd, zone, Uint8Array.of(ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT));
    } catch (cause) {
      sock.close(fd);
      throw cause;
    }
    return {
      receive: () => sock.receive(fd),
      send: (octets, to) => sock.send(fd, octets, to),
      close: () => sock.close(fd),
    };
  }

  /** Asking the kernel takes some microseconds for each interface: sessions that come at the same time ask once. */
  #interfaces(): ReturnType<typeof networkInterfaces> {
    const now = this.#parts.clock.monotonic();
    if (now - this.#askedAt > INTERFACES_AGE) {
      this.#asked = networkInterfaces();
      this.#askedAt = now;
    }
    return this.#asked;
  }

  connect(options: ConnectOptions, done: (result: Connection | Error) => void): { cancel(): void } {
    let settled = false;
    let socket: net.Socket | undefined;
    const finish = (result: Connection | Error): void => {
      if (settled) return;
      settled = true;
      timeout.cancel();
      if (result instanceof Error) socket?.destroy();
      done(result);
    };
    const timeout = this.#parts.clock.after(CONNECT_TIMEOUT, () => finish(new Error("connection timed out")));
    try {
      const protection = options.protection ?? {};
      socket = this.#open(options, () => finish(connection(socket!, this.#parts, { protection, hops: options })));
      // Also after it was settled or cancelled: an error that nobody hears would end the process.
      socket.on("error", (cause) => finish(cause));
    } catch (cause) {
      this.#parts.clock.soon(() => finish(cause instanceof Error ? cause : new Error(messageOf(cause))));
    }
    return {
      cancel: () => {
        settled = true;
        timeout.cancel();
        socket?.destroy();
      },
    };
  }

  #open(options: ConnectOptions, connected: () => void): net.Socket {
    const { remote, source } = options;
    const { sock } = this.#parts;
    if (sock === undefined) {
      if (isSigned(options.protection)) throw needsAddon("password");
      if (options.ttlSecurityHops !== undefined) throw needsAddon("ttl-security");
      const local = source === undefined ? {} : { localAddress: source };
      return readingSocket({}).connect({ host: remote.address, port: remote.port, ...local }, connected);
    }
    const fd = this.#socket(sock, remote.address);
    try {
      const { address } = remote;
      const peer = { address, prefixLength: isIpv6(address) ? 128 : 32 };
      protect(sock, { fd, kind: "connection" }, peer, {}, signable(sock, options.protection));
      limitHops(sock, fd, {}, options);
      if (source !== undefined) sock.bind(fd, source, 0);
      const socket = readingSocket({ fd, readable: true, writable: true, manualStart: true });
      return socket.connect({ host: remote.address, port: remote.port }, connected);
    } catch (cause) {
      sock.close(fd);
      throw cause;
    }
  }

  #socket(sock: Sock, address: string): number {
    const { namespace } = this.#parts;
    const family = isIpv6(address) ? "ipv6" : "ipv4";
    return sock.socket({ family, type: "stream", ...(namespace === undefined ? {} : { namespace }) });
  }

  async listen(local: Endpoint, guards: readonly Guard[], accept: (connection: Connection) => void): Promise<Listener> {
    const { sock } = this.#parts;
    const server = net.createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
      const socket = rereading(accepted);
      const { remoteAddress = "" } = socket;
      const inherited = listener.inheritedBy(plainAddress(remoteAddress));
      const protection = inherited?.protection ?? {};
      accept(connection(socket, this.#parts, { protection, hops: listener.hops }, inherited));
    });
    let fd: number | undefined;
    try {
      if (sock === undefined) {
        const guarded = new NetListener(server, local, undefined, undefined);
        guarded.guard(guards);
        await listening(server, { host: local.address, port: local.port, ipv6Only: true }, this.#parts);
      } else {
        fd = this.#socket(sock, local.address);
        const options = { reuseAddress: true, ...(isIpv6(local.address) ? { v6Only: true } : {}) };
        sock.bind(fd, local.address, local.port, options);
        await listening(server, { fd }, this.#parts);
      }
    } catch (cause) {
      if (fd !== undefined && !server.listening) sock?.close(fd);
      if (cause instanceof TransportError) throw cause;
      throw listenFailed(local, cause);
    }
    const bound = server.address();
    const port = typeof bound === "object" && bound !== null ? bound.port : local.port;
    const listener = new NetListener(server, { address: local.address, port }, sock, fd);
    try {
      listener.guard(guards);
    } catch (cause) {
      await listener[Symbol.asyncDispose]();
      throw cause;
    }
    return listener;
  }
}

function connection(
  socket: net.Socket,
  { clock, sock }: NetTransportParts,
  has: SocketOptions,
  aoPeer?: ProtectedPeer,
): Connection {
  socket.setNoDelay(true);
  return new TcpConnection(socket, clock, sock, has, aoPeer);
}

const isSigned = (protection: TcpProtection | undefined): boolean =>
  protection?.password !== undefined || (protection?.aoKeys ?? []).length > 0;

/** @throws {TransportError} `bgp.needs-tcp-ao` */
function signable(sock: Sock, protection: TcpProtection = {}): TcpProtection {
  if ((protection.aoKeys ?? []).length === 0 || sock.hasTcpAo()) return protection;
  throw new TransportError(
    { code: "bgp.needs-tcp-ao" },
    "TCP-AO keys are configured for a BGP peer, but this kernel has no TCP-AO: it takes Linux 6.7 or later with " +
      "CONFIG_TCP_AO; use a password (TCP MD5) instead, or another kernel",
  );
}

async function listening(
  server: net.Server,
  options: net.ListenOptions | { fd: number },
  { clock, log, metrics }: NetTransportParts,
): Promise<void> {
  await ListeningSocket.open(server, { ...options, backlog: BACKLOG }, { name: "bgp", clock, log, metrics });
}

function listenFailed(local: Endpoint, cause: unknown): TransportError {
  const code = (cause as NodeJS.ErrnoException).code;
  const advice =
    code === "EADDRINUSE"
      ? "another BGP daemon has the port: stop it, or configure another port"
      : code === "EACCES" || code === "EPERM"
        ? "ports below 1024 need root or CAP_NET_BIND_SERVICE"
        : code === "EADDRNOTAVAIL"
          ? "no interface has this address"
          : messageOf(cause);
  return new TransportError(
    { code: "bgp.listen-failed", address: local.address, port: local.port },
    `cannot listen for BGP on ${local.address} port ${local.port}: ${advice}`,
    { cause },
  );
}

interface SignedPeer extends ProtectedPeer {
  readonly protection: TcpProtection;
}

/** IPv4 in mapped form. */
function mappedPrefix({ address, prefixLength }: ProtectedPeer): Ipv6Prefix {
  return { address: peerAddress(address)!, length: isIpv6(address) ? prefixLength : 96 + prefixLength };
}

class NetListener implements Listener {
  readonly local: Endpoint;
  readonly #server: net.Server;
  readonly #sock: Sock | undefined;
  readonly #fd: number | undefined;
  #signed: ReadonlyMap<string, SignedPeer> = new Map();
  #unprotected: readonly Ipv6Prefix[] = [];
  /** The TTL security of the socket, where it asks for it. */
  #hops: HopLimits = {};

  constructor(server: net.Server, local: Endpoint, sock: Sock | undefined, fd: number | undefined) {
    this.local = local;
    this.#server = server;
    this.#sock = sock;
    this.#fd = fd;
  }

  guard(guards: readonly Guard[]): void {
    const family = isIpv6(this.local.address);
    const bits = family ? 128 : 32;
    const mine = guards.filter(({ address }) => isIpv6(address) === family);
    const wanted = new Map<string, SignedPeer>();
    for (const { address, prefixLength = bits, protection } of mine) {
      if (!isSigned(protection)) continue;
      if (this.#sock !== undefined) signable(this.#sock, protection);
      wanted.set(`${address}/${prefixLength}`, { address, prefixLength, protection: protection! });
    }
    const hops = mine.map(({ ttlSecurityHops }) => ttlSecurityHops);
    const secured = hops.filter((hop) => hop !== undefined);
    if (this.#sock === undefined || this.#fd === undefined) {
      if (wanted.size > 0) throw needsAddon("password");
      if (secured.length > 0) throw needsAddon("ttl-security");
      return;
    }
    const socket = { fd: this.#fd, kind: "listener" } as const;
    for (const [name, peer] of this.#signed) {
      if (!wanted.has(name)) protect(this.#sock, socket, peer, peer.protection, {});
    }
    for (const [name, peer] of wanted) {
      protect(this.#sock, socket, peer, this.#signed.get(name)?.protection ?? {}, peer.protection);
    }
    this.#signed = wanted;
    // The minimum hop limit belongs to the whole listener. Where only some neighbours ask for it, those cannot be accepted here.
    const all = secured.length === hops.length && secured.length > 0;
    const limits: HopLimits = all ? { ttlSecurityHops: Math.max(...secured) } : {};
    limitHops(this.#sock, this.#fd, this.#hops, limits);
    this.#hops = limits;
    const left = all ? [] : mine.filter(({ ttlSecurityHops }) => ttlSecurityHops !== undefined);
    this.#unprotected = left.map(({ address, prefixLength = bits }) => mappedPrefix({ address, prefixLength }));
  }

  /** What connections inherit that are accepted now. */
  get hops(): HopLimits {
    return this.#hops;
  }

  /** What a connection from this address has inherited: that of the most specific prefix. */
  inheritedBy(address: string): SignedPeer | undefined {
    const octets = this.#signed.size === 0 ? undefined : peerAddress(address);
    if (octets === undefined) return undefined;
    const around = this.#signed.values().filter((peer) => prefixContains(mappedPrefix(peer), octets));
    return Array.from(around).sort((a, b) => b.prefixLength - a.prefixLength)[0];
  }

  protects(address: string): boolean {
    const octets = this.#unprotected.length === 0 ? undefined : peerAddress(address);
    return octets === undefined || !this.#unprotected.some((prefix) => prefixContains(prefix, octets));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
