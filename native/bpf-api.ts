/** How an XDP program sits on its interface. */
export type XdpMode = "native" | "generic";
/** How a tc program sits on its interface. */
export type TcMode = "tcx" | "clsact";

/** Where a tc program sits: among those of ingress, before all that are there now, or at egress. */
export type TcPlace = "ingress" | "before" | "egress";

/** How a clsact filter comes to its place; nothing of it concerns tcx. */
export interface FilterTerms {
  /** Where its program is pinned before it is there, so that whoever comes later knows whose the filter is; `detach` removes it. */
  readonly record?: string;
  /** What is there already, also of the same program's name: EEXIST. */
  readonly keep?: boolean;
}

export interface BpfMapInfo {
  /** Of the source; from `openMap` what the kernel kept of it, 15 characters. */
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
}

/** A number, or an array of numbers, in a record. */
export interface RecordMember {
  /** With what is around it, as `slots[3].current`; empty where the record is a number itself. */
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

export interface BpfMap extends Disposable {
  readonly info: BpfMapInfo;
  /**
   * What keys and values are made of, as the kernel knows it from the object that made the map (BTF); in the order of the source,
   * without members whose name begins with "reserved". `undefined`: it was made without. Looked up each time.
   */
  readonly layout: { readonly key: readonly RecordMember[]; readonly value: readonly RecordMember[] } | undefined;
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
   * Up to `count` packed keys and values of a hash or an array in one system call (BPF_MAP_LOOKUP_BATCH, Linux 5.6, of LPM tries 5.14), and where
   * the next call goes on: without a cursor, and behind the last one, at the beginning. ENOSPC where a bucket has more entries.
   */
  batch(
    cursor: Uint8Array | undefined,
    count: number,
  ): { readonly keys: Uint8Array; readonly values: Uint8Array; readonly count: number; readonly cursor?: Uint8Array };
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
  /** The same array, mapped on a worker: a large one costs the event loop no time. */
  mapped(): Promise<Uint8Array>;
  /** Pins the map; the parent folder must be on a bpffs. */
  pin(path: string): void;
  readonly fd: number;
}

export interface BpfProgram {
  readonly name: string;
  /** The kernel's number of it. */
  readonly id: number;
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
  /**
   * Where maps of another object are pinned, by map name: of those in `pins` that nothing is pinned for, one whose kind, size and
   * records (`layout`) are the same is shared with that object, and pinned in both places.
   */
  readonly inherit?: Readonly<Record<string, string>>;
}

/** An object file, loaded and verified. Disposing closes its descriptors; what is pinned or attached lives on. */
export interface BpfObject extends Disposable {
  readonly programs: ReadonlyMap<string, BpfProgram>;
  /** By name in the source; global variables by section: `".rodata"`, `".bss"`, `".data"`. */
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** Names of the maps that were taken over from `pins` instead of created. */
  readonly adopted: readonly string[];
  /** Likewise from `inherit`. */
  readonly inherited: readonly string[];
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
  /** A clsact filter took the place of one of the same program, which an earlier process may have left. */
  readonly replaced: boolean;
  pin(path: string): void;
  /** Replaces the program without a gap, on a worker (waits for an RCU grace period). */
  update(program: BpfProgram): Promise<void>;
  /**
   * Whether the kernel has the program there still: nobody took it off (the qdisc of clsact, or the whole interface, if another one
   * has the same index now) nor put another one in its place. Some system calls.
   */
  isAttached(): boolean;
  /**
   * Removes the program from the interface, the pins too, and disposes the link. The clsact qdisc stays: it may serve
   * others, as does a filter that somebody has put in place of ours.
   */
  detach(): void;
}

export interface XdpAttachment {
  readonly programId: number;
  readonly mode: XdpMode;
}

/** What stands at the end of an interface where packets leave. */
export interface EgressState {
  /** A veth, or netkit, whose other end is in another network namespace. Where it is not, nothing else is looked at. */
  readonly endsElsewhere: boolean;
  /** The queueing discipline, "noqueue" for none. */
  readonly queue: string;
  /** Of tcx, ours among them. */
  readonly programs: number;
  /** Of tc, without our own. */
  readonly filters: number;
  /** nftables has chains of the family netdev at the egress of some interface. */
  readonly chains: boolean;
  /** At the other end an XDP program, or GRO, takes the frames that this one sends. Absent: the kernel does not say (Linux 6.3 does). */
  readonly framesTaken?: boolean;
}

export interface RingBuffer extends Disposable {
  readonly dropped: number;
}

/** A mapped table `capabilities`, and what its one writer notes beside it of each line. */
export interface CapabilityLines {
  readonly table: Uint8Array;
  readonly states: Uint8Array;
  readonly passing: Uint8Array;
}

/** Entries for it. */
export interface CapabilityColumns {
  /** 16 octets each. */
  readonly addresses: Uint8Array;
  readonly groups: Uint16Array;
  readonly localGroups: Uint16Array;
  readonly policies: Uint32Array;
  readonly affinities: Uint8Array;
}

/** What became of a part of them. */
export interface Filling {
  /** Entries before this one have been looked at; it is the first without room, or the end. */
  readonly end: number;
  /** Of these whose address was there already, what they led to until now, three words each: group, local group, policy. */
  readonly replaced: Uint32Array;
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
   * filter of ours (each place has a priority and handle of its own) is replaced by the next one of the same program's name; any
   * other there: EEXIST.
   */
  attachTc(program: BpfProgram, ifindex: number, mode?: TcMode, place?: TcPlace, filter?: FilterTerms): BpfLink;
  /** Removes the clsact filter of ours in that place if it runs the program of that number. Whether it was there. */
  detachFilter(ifindex: number, place: TcPlace, program: number): boolean;
  /**
   * Takes over a pinned XDP or tcx link. Throws ENOENT, and ENODEV when its interface is gone or in another namespace.
   */
  openLink(path: string): BpfLink;
  openMap(path: string): BpfMap;
  /** What sits on the interface now, `undefined` for nothing. */
  queryXdp(ifindex: number): XdpAttachment | undefined;
  /** Throws ENODEV. */
  queryEgress(ifindex: number): EgressState;
  /** `programs` of that alone, in one system call. */
  egressPrograms(ifindex: number): number;
  /**
   * Calls `touched` on the main thread when links come, go or change, queueing disciplines, tc filters or nftables chains do, or what the other
   * end of a veth takes: with the interfaces that it may concern, without any where it may be all. Not for tcx programs, of which the
   * kernel tells nobody. In this network namespace; lives until disposed, but keeps no process alive.
   */
  watchEgress(touched: (ifindexes?: readonly number[]) => void): Disposable;
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
  /**
   * Puts entries from `first` to `end` (not included) into the table, at most `room` whose addresses are not there yet; `flags` are
   * those of each affinity, by its number. One store for each new key, behind what it leads to: a reader sees an entry whole or not at
   * all. One store for both groups of an address that is there.
   */
  fillCapabilities(
    lines: CapabilityLines,
    columns: CapabilityColumns,
    first: number,
    end: number,
    room: number,
    flags: Uint8Array,
  ): Filling;
  possibleCpus(): number;
  /** One tick of the kernel (jiffy): what `bpf_jiffies64` counts. */
  tickNanoseconds(): number;
  /**
   * Whether this process may load and attach programs: capabilities, then a small map and program for real. `reason`
   * is for people, e.g. "CAP_BPF is missing".
   */
  probe(): { readonly usable: boolean; readonly reason?: string; readonly kernel: string };
}
