import type { BfdBinding, BfdStatus, TcpConnectionEnds } from "../../native/api.ts";
import type { Milliseconds } from "../base/index.ts";

/** A neighbour whose path is watched. Addresses are text without a zone. */
export interface BfdPath {
  readonly peer: string;
  readonly local: string;
  readonly multihop: boolean;
  /** Multihop only: packets that have come farther are discarded. */
  readonly minimumTtl?: number;
  readonly desiredMinTx: Milliseconds;
  readonly requiredMinRx: Milliseconds;
  readonly detectMultiplier: number;
}

/** The data plane's part of it: the way to a neighbour's data plane, on or off. */
export interface PathSwitch {
  /** The word that is the switch, for the BFD thread; `undefined` where there is none, or no such way now. */
  binding(peer: string): BfdBinding | undefined;
  /** Does nothing where there is no such way now. */
  set(peer: string, state: "up" | "down"): void;
}

/** What has become of the control session with a neighbour. */
export type SessionNews =
  /** `connection` where its routes may outlive the session. */
  | { readonly type: "established"; readonly connection: TcpConnectionEnds | undefined }
  | { readonly type: "ended"; readonly retained: boolean };

export interface BfdScheduling {
  readonly realtime: boolean;
  /** `EPERM`: CAP_SYS_NICE is missing. */
  readonly reason?: string;
}

export interface BfdPathStatus extends BfdStatus {
  /** The path is taken for broken, and packets are kept from it. */
  readonly pathFailed: boolean;
  /** Times that it was. */
  readonly failures: number;
  /** When the thread saw the last one. Wall clock. */
  readonly failedAt: Milliseconds | undefined;
}
