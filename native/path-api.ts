import type { BpfMap } from "./bpf-api.ts";

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
  /** The state word was written: from up to `noWay`, or back. Not back where somebody else has said since that it is down. */
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
  /** Replaces the paths of before; a link that goes down is followed at once, and what the kernel says of a way that is lost. The map may be disposed afterwards. */
  bind(words?: {
    readonly map: BpfMap;
    /** What the state of a way that was up becomes, and goes back from to `up`. Nobody else may write it. */
    readonly noWay: number;
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
