/**
 * What the Node-API addon offers. Types only: `native/index.ts` loads the addon and exports values of these types.
 *
 * Every function checks types, lengths and ranges itself and throws `RangeError` or `TypeError` on a wrong one, also
 * those that return a promise. A failed system call throws a {@link SystemCallError}, or is the reason of the
 * rejection. Descriptors that a function returns belong to the caller.
 */

import type { Yang } from "./yang-api.ts";

/** Shape of what a failed system call throws: as Node's own errors do it. */
export interface SystemCallError extends Error {
  /** `"EPERM"`, `"EADDRINUSE"`, … */
  readonly code: string;
  /** Negative, as Node has it: `-98` for EADDRINUSE. */
  readonly errno: number;
  readonly syscall: string;
}

// ---------------------------------------------------------------- bpf

/** How an XDP program sits on its interface. */
export type XdpMode = "native" | "generic";
/** How a tc program sits on its interface. */
export type TcMode = "tcx" | "clsact";

/** Where a tc program sits: among those of ingress, before all that are there now, or at egress. */
export type TcPlace = "ingress" | "before" | "egress";

export interface BpfMapInfo {
  /** Of the source; from `openMap` what the kernel kept of it, 15 characters. */
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

export interface BpfMap extends Disposable {
  readonly info: BpfMapInfo;
  /** The value, or `undefined` when there is none. Per-CPU maps: round_up(valueSize, 8) × possible CPUs octets. */
  lookup(key: Uint8Array): Uint8Array | undefined;
  /** flags: 0 any, 1 only if absent, 2 only if present. */
  update(key: Uint8Array, value: Uint8Array, flags?: number): void;
  /** True if the key was there. */
  delete(key: Uint8Array): boolean;
  /** The key that follows `key` (the first, without one), `undefined` at the end. */
  nextKey(key?: Uint8Array): Uint8Array | undefined;
  /**
   * `count` packed keys and values in one system call, on a worker; both arrays are copied. Resolves to how many were
   * written; the message of a rejection says how far it came.
   */
  updateBatch(keys: Uint8Array, values: Uint8Array, count: number): Promise<number>;
  /**
   * Of an array whose values are 64-bit words: those of `count` entries from `first`, packed, each summed over the processors of a
   * per-CPU array. Few system calls (BPF_MAP_LOOKUP_BATCH, on per-CPU arrays since Linux 5.13); about 0.1 µs an entry.
   */
  sums(first: number, count: number): BigUint64Array;
  /**
   * The whole value area of a BPF_F_MMAPABLE array, shared with the kernel; the same array on each call. Entry i
   * starts at i × round_up(valueSize, 8). Stays valid until garbage collected, even after dispose.
   */
  mmap(): Uint8Array;
  /** Pins the map; the parent folder must be on a bpffs. */
  pin(path: string): void;
  readonly fd: number;
}

export interface BpfProgram {
  readonly name: string;
  readonly type: number;
  /** Instructions that the verifier processed; 0 where the kernel does not say. */
  readonly verifiedInstructions: number;
  pin(path: string): void;
  readonly fd: number;
}

export interface TestRunResult {
  /** What the program returned (XDP_* or TC_ACT_*). */
  readonly returnValue: number;
  readonly packet: Uint8Array;
  /** Mean nanoseconds of one run, as the kernel counted them. */
  readonly durationNs: number;
}

export interface LoadOptions {
  /** Values of `const volatile` globals in `.rodata`, by variable name; each exactly as long as the variable. */
  readonly constants?: Readonly<Record<string, Uint8Array>>;
  /** Map sizes to change before creation, by map name. */
  readonly maxEntries?: Readonly<Record<string, number>>;
  /**
   * Maps to take over instead of creating, by map name: a path under a bpffs. A map whose path does not exist is
   * created and pinned there after the load; when one pin fails, those made before it are removed again. A pinned map
   * whose type, sizes, number of entries or flags differ from what the object (and `maxEntries`) asks for is refused:
   * EINVAL.
   */
  readonly pins?: Readonly<Record<string, string>>;
}

/** An object file, loaded and verified. Disposing closes its descriptors; what is pinned or attached lives on. */
export interface BpfObject extends Disposable {
  readonly programs: ReadonlyMap<string, BpfProgram>;
  /** By name in the source; global variables by section: `".rodata"`, `".bss"`, `".data"`. */
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** Names of the maps that were taken over from `pins` instead of created. */
  readonly adopted: readonly string[];
}

/** A program on an interface. Unpinned, it goes when disposed (or with the process). */
export interface BpfLink extends Disposable {
  readonly ifindex: number;
  readonly mode: XdpMode | TcMode;
  /**
   * True for links that have a descriptor and can be pinned and updated in place (XDP links, tcx). clsact filters live
   * on without.
   */
  readonly pinnable: boolean;
  pin(path: string): void;
  /** Replaces the program without a gap, on a worker (waits for an RCU grace period). */
  update(program: BpfProgram): Promise<void>;
  /**
   * Removes the program from the interface, the pins too, and disposes the link. The clsact qdisc stays: it may serve
   * others.
   */
  detach(): void;
}

export interface XdpAttachment {
  readonly programId: number;
  readonly mode: XdpMode;
}

export interface RingBuffer extends Disposable {
  readonly dropped: number;
}

export interface Bpf {
  /**
   * Loads on a worker: the verifier may take tens of milliseconds. The rejection's message ends with the verifier's
   * last lines.
   */
  load(path: string, options?: LoadOptions): Promise<BpfObject>;
  /**
   * Native first, then generic, unless one is asked for. Throws EBUSY (syscall "xdp attach") when a foreign program is
   * there; never replaces one.
   */
  attachXdp(program: BpfProgram, ifindex: number, mode?: XdpMode): BpfLink;
  /**
   * tcx first (kernel 6.6), else clsact; on ingress unless another place is asked for, next to what others attached. A clsact
   * filter of ours (each place has a priority and handle of its own) is replaced by the next one.
   */
  attachTc(program: BpfProgram, ifindex: number, mode?: TcMode, place?: TcPlace): BpfLink;
  /**
   * Takes over a pinned XDP or tcx link. Throws ENOENT, and ENODEV when its interface is gone or in another namespace.
   */
  openLink(path: string): BpfLink;
  openMap(path: string): BpfMap;
  /** What sits on the interface now, `undefined` for nothing. */
  queryXdp(ifindex: number): XdpAttachment | undefined;
  /** BPF_PROG_RUN. XDP: `packet` is the frame; tc: the frame too. `ifindex` sets the ingress interface (1 = lo). */
  testRun(
    program: BpfProgram,
    packet: Uint8Array,
    options?: {
      readonly repeat?: number;
      readonly ifindex?: number;
      /** tc: the frame is a super-packet with segments of so much payload; no protocol of segments is set. */
      readonly gsoSize?: number;
    },
  ): TestRunResult;
  /**
   * Calls `record` on the main thread for each record of a BPF_MAP_TYPE_RINGBUF; at most `bound` wait, the rest are
   * dropped and counted. One reader per map. Lives until disposed, but keeps no process alive.
   */
  openRingBuffer(map: BpfMap, bound: number, record: (octets: Uint8Array) => void): RingBuffer;
  /** Makes `path`, an existing folder, a bpffs mount unless it already is on one. */
  mountBpffs(path: string): void;
  possibleCpus(): number;
  /** One tick of the kernel (jiffy): what `bpf_jiffies64` counts. */
  tickNanoseconds(): number;
  /**
   * Whether this process may load and attach programs: capabilities, then a small map and program for real. `reason`
   * is for people, e.g. "CAP_BPF is missing".
   */
  probe(): { readonly usable: boolean; readonly reason?: string; readonly kernel: string };
}

// ---------------------------------------------------------------- sock

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
  /** Throws ENOENT when there is none, EBUSY for one that is in use. `listener`: the socket is one. */
  deleteAoKey(
    fd: number,
    address: string,
    prefixLength: number,
    key: Pick<TcpAoKey, "sendId" | "receiveId">,
    listener: boolean,
  ): void;
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
  interfaceIndex(name: string): number | undefined;
  interfaceList(): readonly InterfaceInfo[];
}

/** A master key tuple; the peer has it with the identifiers the other way round. @see RFC 5925 §3.1; RFC 5926 §3.2 */
export interface TcpAoKey {
  readonly sendId: number;
  readonly receiveId: number;
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

// ---------------------------------------------------------------- bfd

export type BfdState = "AdminDown" | "Down" | "Init" | "Up";

/** Intervals in microseconds, 1 000 to 60 000 000. */
export interface BfdTimes {
  readonly desiredMinTx: number;
  readonly requiredMinRx: number;
  /** 1 to 255. */
  readonly detectMultiplier: number;
}

/** Addresses are numeric text. Single hop: port 3784, hop limit 255 required. Multihop: port 4784. */
export interface BfdSessionOptions extends BfdTimes {
  readonly local: string;
  readonly remote: string;
  readonly multihop: boolean;
  /** Multihop only: packets with a smaller hop limit are discarded. Default 1. */
  readonly minimumTtl?: number;
}

/** A word of a BPF_F_MMAPABLE array, in host order; `offset` in octets, a multiple of 4. */
export interface BfdBinding {
  readonly map: BpfMap;
  readonly offset: number;
  /** Stored when a session that was up has failed. */
  readonly down: number;
  /** Stored when the session is up. */
  readonly up?: number;
}

export interface TcpConnectionEnds {
  readonly local: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
}

/** One change of state. */
export interface BfdChange {
  readonly session: number;
  readonly state: BfdState;
  readonly before: BfdState;
  /** @see RFC 5880 §4.1 */
  readonly diagnostic: number;
  readonly remoteState: BfdState;
  /** The C bit of the peer: its BFD outlives its control plane. */
  readonly remoteIndependent: boolean;
  /** It was up, and the path is taken for broken: no administrator took either end down. @see RFC 5882 §3.2 */
  readonly failed: boolean;
  /** The watched TCP connection had been closed or reset by the peer before, and its C bit is clear: nothing was stored. */
  readonly peerEnded: boolean;
  /** The bound word was written. */
  readonly stored: boolean;
  /** Milliseconds of CLOCK_MONOTONIC, as `process.hrtime` has it. */
  readonly at: number;
}

/** Reasons are the checks of RFC 5880 §6.8.6, `ttl` (RFC 5881 §5, 5883 §5) and `source`; those not met are absent. */
export type BfdDiscarded = Readonly<
  Partial<
    Record<
      | "ttl"
      | "version"
      | "length"
      | "detectMultiplier"
      | "multipoint"
      | "myDiscriminator"
      | "yourDiscriminator"
      | "state"
      | "source"
      | "authentication"
      | "adminDown",
      number
    >
  >
>;

export interface BfdStatus extends BfdTimes {
  readonly state: BfdState;
  readonly remoteState: BfdState;
  readonly diagnostic: number;
  readonly remoteDiagnostic: number;
  readonly remoteDiscriminator: number;
  readonly remoteIndependent: boolean;
  /** A Poll Sequence is under way. */
  readonly polling: boolean;
  /** Microseconds between packets before jitter; absent while none are sent periodically. */
  readonly transmitInterval?: number;
  /** Microseconds; absent until the peer was heard. */
  readonly detectionTime?: number;
  readonly sent: number;
  readonly sendErrors: number;
  readonly received: number;
  /** Times that it left Up. */
  readonly downs: number;
  /** Packets sent more than a quarter of the interval after they were due. */
  readonly late: number;
  /** Of all packets, microseconds. */
  readonly latest: number;
  /** Times that the thread ran 5 ms later than it should have; the detection time is prolonged by as much, at most doubled. */
  readonly stalls: number;
  readonly discarded: BfdDiscarded;
}

/** Disposing tells the peer AdminDown first. */
export interface BfdSession extends Disposable {
  /** Its discriminator. */
  readonly session: number;
  readonly status: BfdStatus;
  /** By a Poll Sequence where the session is up. @see RFC 5880 §6.8.3 */
  setTimes(times: BfdTimes): void;
  setAdminDown(down: boolean): void;
  /** Replaces the binding of before; without an argument there is none. The map may be disposed afterwards. */
  bind(binding?: BfdBinding): void;
  /**
   * When the session fails and the peer's C bit is clear, the thread asks the kernel whether this connection still
   * stands: where the peer has closed it, its process ended and the path did not, and the word stays. @see RFC 5882 §4.3
   */
  watch(connection?: TcpConnectionEnds): void;
}

export interface BfdThread extends Disposable {
  /** Without real-time priority (CAP_SYS_NICE) no interval below 300 ms and no multiplier below 3 is used. */
  readonly priority: { readonly realtime: boolean; readonly reason?: string };
  /** Throws EADDRINUSE where another daemon has the port, EEXIST for a second session between the same addresses. */
  openSession(options: BfdSessionOptions): BfdSession;
  /** Changes that were not delivered because `bound` of them waited. */
  readonly dropped: number;
  /** Packets that belong to no session. */
  readonly discarded: BfdDiscarded;
}

export interface Bfd {
  /**
   * Starts the thread of all sessions, in the process's network namespace. `change` is called on the main thread; at
   * most `bound` changes wait. Lives until disposed, but keeps no process alive. `realtime: false`: normal priority.
   */
  start(options: {
    readonly bound: number;
    readonly realtime?: boolean;
    readonly change: (change: BfdChange) => void;
  }): BfdThread;
}

// ---------------------------------------------------------------- paths

/** The words of a next hop that leads to another router: offsets in the array, in octets, multiples of 4. */
export interface PathWord {
  /** The router's address, numeric text. */
  readonly to: string;
  readonly state: number;
  readonly silentAfter: number;
  readonly lost: number;
}

/** A way was lost or is back. */
export interface PathChange {
  readonly to: string;
  /** No route leads there any more, or over an interface that is down or has no carrier. */
  readonly lost: boolean;
  /** The state word was written: from up to down. That it is back is for JavaScript to say, which knows of other reasons. */
  readonly stored: boolean;
  /** Milliseconds of CLOCK_MONOTONIC, as `process.hrtime` has it. */
  readonly at: number;
}

/** Heartbeats to other routers, and links that go down: a thread of its own, SCHED_FIFO where CAP_SYS_NICE allows. */
export interface PathThread extends Disposable {
  readonly priority: { readonly realtime: boolean; readonly reason?: string };
  /**
   * Sends a datagram to each of `to` at each interval (microseconds), which says for how long (`hold`, milliseconds) this
   * router may be taken for alive. Without options no more are sent. Throws EADDRNOTAVAIL where `from` is not this host's.
   */
  beat(options?: {
    readonly from: string;
    readonly to: readonly string[];
    readonly port: number;
    readonly interval: number;
    readonly hold: number;
  }): void;
  /** Replaces the paths of before; a link that goes down is followed at once. The map may be disposed afterwards. */
  bind(words?: {
    readonly map: BpfMap;
    readonly down: number;
    readonly up: number;
    readonly paths: readonly PathWord[];
  }): void;
  /** True: the words `silentAfter` are cleared at each interval, so that the data plane does not judge by itself. */
  judge(here: boolean): void;
  /** `late` by more than half an interval; `latest` in microseconds. */
  readonly beats: {
    readonly sent: number;
    readonly sendErrors: number;
    readonly late: number;
    readonly latest: number;
  };
}

export interface Paths {
  /** Starts the thread, in the process's network namespace. `change` is called on the main thread. */
  start(options: { readonly realtime?: boolean; readonly change: (change: PathChange) => void }): PathThread;
}

// ---------------------------------------------------------------- yang

export type * from "./yang-api.ts";

export interface Native {
  readonly bfd: Bfd;
  readonly bpf: Bpf;
  readonly paths: Paths;
  readonly sock: Sock;
  /** What it was built from: the SHA-256 of its sources, in hex. */
  readonly sources: string;
  readonly yang: Yang;
}
