/** A descriptor made here is non-blocking and close-on-exec. */
export interface SocketOptions {
  /**
   * A network namespace by path (`/run/netns/x`, `/proc/1/ns/net`); the calling thread is back in its own before the
   * call returns.
   */
  readonly namespace?: string;
  readonly family: "ipv4" | "ipv6";
  readonly type: "stream" | "datagram" | "raw";
  readonly protocol?: number;
}

/** Addresses are numeric text, IPv4 or IPv6, with a zone where needed; names are never resolved. */
export interface Sock {
  socket(options: SocketOptions): number;
  bind(
    fd: number,
    address: string,
    port: number,
    options?: {
      readonly reuseAddress?: boolean;
      readonly reusePort?: boolean;
      readonly v6Only?: boolean;
      readonly freeBind?: boolean;
    },
  ): void;
  listen(fd: number, backlog: number): void;
  /** Starts a non-blocking connect; `net.Socket({ fd })` may also do that itself. */
  connect(fd: number, address: string, port: number): void;
  /** One waiting connection, `undefined` when there is none. */
  accept(fd: number): { readonly fd: number; readonly address: string; readonly port: number } | undefined;
  close(fd: number): void;
  duplicate(fd: number): number;
  setInteger(fd: number, level: number, option: number, value: number): void;
  getInteger(fd: number, level: number, option: number): number;
  /**
   * TCP-MD5 key (at most 80 octets) for a peer address or prefix; an empty key removes it, ENOENT when there is none.
   * On an IPv6 socket an IPv4 peer is given as such, with a prefix length of up to 32. @see RFC 2385
   */
  setMd5(fd: number, address: string, prefixLength: number, key: Uint8Array): void;
  /** Whether the kernel has TCP-AO (Linux 6.7 with CONFIG_TCP_AO). @see RFC 5925 */
  hasTcpAo(): boolean;
  /**
   * A key for a peer address or prefix. `use`: what is sent is signed with it from now on, and the peer is asked to do the
   * same; not on a listener. Throws ENOPROTOOPT where the kernel has no TCP-AO, EEXIST for identifiers in use.
   */
  addAoKey(fd: number, address: string, prefixLength: number, key: TcpAoKey, use: boolean): void;
  /**
   * Throws ENOENT when there is none. `instead`: the key that signs from now on, as the kernel keeps one that is in use;
   * `undefined` on a listener, which uses none.
   */
  deleteAoKey(
    fd: number,
    address: string,
    prefixLength: number,
    key: TcpAoKeyName,
    instead: TcpAoKeyName | undefined,
  ): void;
  /** Signs what is sent with this one of the connection's keys from now on. Throws ENOENT when there is none. */
  useAoKey(fd: number, key: TcpAoKeyName): void;
  /** Generalised TTL security: send with hop limit 255, accept at least `minimum` (255 − hops + 1). @see RFC 5082 */
  setTtlSecurity(fd: number, minimum: number): void;
  /** Plain hop limit for eBGP. */
  setHopLimit(fd: number, hops: number): void;
  bindToDevice(fd: number, name: string): void;
  /** Link-local addresses come with their zone: `fe80::1%eth0`. */
  localAddress(fd: number): { readonly address: string; readonly port: number };
  /** Throws ENOTCONN before the connection is there. */
  remoteAddress(fd: number): { readonly address: string; readonly port: number };
  /** Who is at the other end of a UNIX connection, as the kernel noted it when it was made. */
  peerProcess(fd: number): { readonly pid: number; readonly user: number; readonly group: number };
  /** One datagram, of at most 4096 octets, to a UNIX socket by its path; `@` stands for the first octet of an abstract one. Never waits. */
  sendLocal(path: string, text: string): void;
  /**
   * Makes a raw socket of ICMPv6 one of an interface that hears messages of these types only, and sends to groups with hop limit 255,
   * not to this host. @see RFC 3542 §3.2; RFC 4861 §6.1
   */
  prepareDiscovery(fd: number, interfaceName: string, types: Uint8Array): void;
  /** One datagram that has come, cut to 1500 octets; `undefined` when there is none. */
  receive(fd: number): ReceivedDatagram | undefined;
  /** One datagram; never waits. */
  send(fd: number, octets: Uint8Array, to: string): void;
  interfaceIndex(name: string): number | undefined;
  interfaceList(): readonly InterfaceInfo[];
}

/** A datagram, without its headers. */
export interface ReceivedDatagram {
  readonly octets: Uint8Array;
  /** With its zone, as of `localAddress`. */
  readonly source: string;
  /** Where the socket asked for it, and the kernel says. */
  readonly hopLimit?: number;
  /** It came in fragments, or as one that says to be one; told where the socket is prepared for neighbour discovery. */
  readonly fragmented?: true;
}

/** What tells the keys of a connection from each other. @see RFC 5925 §3.1 */
export interface TcpAoKeyName {
  readonly sendId: number;
  readonly receiveId: number;
}

/** A master key tuple; the peer has it with the identifiers the other way round. @see RFC 5925 §3.1; RFC 5926 §3.2 */
export interface TcpAoKey extends TcpAoKeyName {
  readonly algorithm: "hmac-sha-1-96" | "aes-128-cmac-96";
  /** 1 to 80 octets. */
  readonly key: Uint8Array;
}

export interface InterfaceInfo {
  readonly name: string;
  readonly index: number;
  readonly mtu: number;
  readonly up: boolean;
  /** Operational carrier. */
  readonly running: boolean;
  /** Driver as ethtool names it ("veth", "virtio_net"), "" where there is none. */
  readonly driver: string;
  readonly hardwareAddress: string;
}
