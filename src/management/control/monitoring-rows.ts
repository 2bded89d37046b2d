import type { CounterText } from "./counters.ts";

/** A flow that goes on, or a record of one. */
export interface FlowRecordRow {
  /** active, begun, closed, idle, forgotten or refused. */
  readonly state: string;
  /** ISO 8601. */
  readonly began: string;
  readonly until: string;
  readonly client: string;
  readonly clientPort: number;
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
  readonly tenant?: string;
  readonly capability?: string;
  readonly verdict: string;
  /** What policy gave it where it came in. */
  readonly tag?: number;
  /** The instance behind this router that serves it. */
  readonly agent?: string;
  readonly agentAddress?: string;
  readonly agentPort?: number;
  /** The router that it was sent to. */
  readonly site?: string;
  readonly packets: CounterText;
  readonly octets: CounterText;
  readonly packetsBack: CounterText;
  readonly octetsBack: CounterText;
  /** It stands for so many. */
  readonly interval: number;
}

/** A monitoring station. */
export interface BmpStationRow {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** `telling`: it is being told what there is; `listening`: it may connect to this router. */
  readonly state: "down" | "listening" | "connecting" | "telling" | "up";
  /** Of the last connection. */
  readonly connectedSecondsAgo?: number;
  /** pre-policy, post-policy, loc-rib, adj-rib-out-pre-policy, adj-rib-out-post-policy. */
  readonly tables: readonly string[];
  /** Sessions that it is told of. */
  readonly peers: number;
  readonly messages: CounterText;
  readonly octets: CounterText;
  /** Octets that wait for it. */
  readonly queued: CounterText;
  /** Times that it was too slow, or routes went all at once, and a neighbour was told anew. */
  readonly resyncs: CounterText;
  readonly connections: CounterText;
  readonly failures: CounterText;
  /** Absent when it is connected. */
  readonly lastError?: string;
}

/** A cache of VRPs. */
export interface RpkiCacheRow {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly preference: number;
  /** down, asking, receiving, loading or synchronised. */
  readonly state: string;
  /** Of the protocol. */
  readonly version: number;
  readonly sessionId?: number;
  readonly serial?: number;
  readonly vrps: CounterText;
  /** Routes are judged by what it says. */
  readonly counts: boolean;
  readonly refreshSeconds: number;
  readonly retrySeconds: number;
  readonly expireSeconds: number;
  /** Absent: it has said nothing yet. */
  readonly updatedSecondsAgo?: number;
  readonly connections: CounterText;
  readonly failures: CounterText;
  /** Absent when the last attempt went well. */
  readonly lastError?: string;
}

/** Who may originate a prefix. */
export interface VrpRow {
  readonly prefix: string;
  readonly maxLength: number;
  readonly autonomousSystem: number;
}

/** A job that writes files. */
export interface MrtJobRow {
  readonly name: string;
  readonly kind: "table" | "updates";
  readonly folder: string;
  /** The file that is being written now. */
  readonly writing?: string;
  readonly lastFile?: string;
  /** Finished ones. */
  readonly files: CounterText;
  readonly octets: CounterText;
  /** Of update logs. */
  readonly records: CounterText;
  /** Records that the disk did not take. */
  readonly lost: CounterText;
  readonly failures: CounterText;
  /** Absent when the last attempt went well. */
  readonly lastFailure?: string;
}
