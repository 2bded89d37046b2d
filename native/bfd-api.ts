import type { BpfMap } from "./bpf-api.ts";

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
