import type { AlarmRow } from "./alarm-rows.ts";
import type { PortRow } from "./forwarding-rows.ts";

export interface StatusReport {
  readonly name: string;
  readonly version: string;
  readonly routerId: string;
  readonly locator: string;
  readonly dnsZone: string;
  readonly domainPrefix: string;
  readonly siteSelector: number;
  readonly processId: number;
  readonly uptimeSeconds: number;
  /** "starting", "running" or "stopping". */
  readonly state: string;
  readonly dataplane: {
    readonly driver: "kernel" | "memory" | "fib-service" | "ovs" | "linux";
    /** Forwarding state of an earlier process was taken over. */
    readonly adopted: boolean;
    readonly generation: number;
    readonly ports: readonly PortRow[];
    /** What the data plane cannot do here, each in one sentence. */
    readonly limits: readonly string[];
    readonly tables: readonly { readonly table: string; readonly used: number; readonly size: number }[];
    /** With the driver `fib-service`. */
    readonly executor?: ExecutorStatus;
  };
  readonly counts: {
    readonly agents: number;
    readonly instances: number;
    readonly capabilities: number;
    readonly routes: number;
    readonly peers: number;
    readonly peersEstablished: number;
    /** BGP connections that were closed since the start: from no neighbour's address, or without its protection. Absent in answers of older routers. */
    readonly strangersRefused?: number;
  };
  readonly liveness: LivenessReport;
  /** Those that are not over, by severity, the most severe first; severities without any are left out. */
  readonly alarms: readonly { readonly severity: AlarmRow["severity"]; readonly count: number }[];
  /** What an operator should look at, each in one sentence. */
  readonly warnings: readonly string[];
}

/** How it is judged who is alive, and who is not. */
export interface LivenessReport {
  /** Instances by who judges them, and how many of all get no new flow. */
  readonly instances: {
    /** By health checks. */
    readonly checked: number;
    /** By how they answer. */
    readonly passive: number;
    readonly unjudged: number;
    readonly out: number;
  };
  /** Some of those that get none. */
  readonly out: readonly {
    readonly agent: string;
    readonly capability: string;
    readonly means: "checked" | "passive" | "unjudged";
    readonly reason?: string;
  }[];
  /** Absent: nobody is judged by how it answers. */
  readonly passiveHealth?: { readonly failures: number; readonly restSeconds: number };
  /** What other routers are told; absent: nothing, so they take this one for alive while its links are. */
  readonly heartbeats?: {
    readonly intervalMilliseconds: number;
    readonly multiplier: number;
    readonly routers: number;
    readonly sent: number;
    readonly sendErrors: number;
    readonly late: number;
    readonly realtime: boolean;
  };
}

/** How it stands with somebody else's executor: the container `executor` of semrd-dataplane. */
export interface ExecutorStatus {
  readonly address: string;
  readonly state: "connecting" | "waiting" | "handing-over" | "behind" | "differs" | "in-step";
  readonly product?: string;
  readonly sinceSeconds: number;
  readonly generation: number;
  readonly pending: number;
  readonly differences: number;
  readonly sessions: number;
  readonly handovers: number;
  readonly lastError?: string;
  readonly refused: readonly {
    readonly object: string;
    readonly code: string;
    readonly reason: string;
    readonly sinceSeconds: number;
  }[];
}

/** Whether this router takes new flows only where no other can. */
export interface DrainResult {
  readonly draining: boolean;
}

export interface CheckConfigResult {
  readonly valid: boolean;
  readonly faults: readonly ConfigurationFaultRow[];
  /** What keeps nobody from running it, and should be put right. */
  readonly warnings: readonly ConfigurationWarningRow[];
}

export interface ConfigurationWarningRow {
  /** Data path, with keys. */
  readonly path: string;
  readonly reason: string;
}

export interface ConfigurationFaultRow {
  /** Data path, with keys; absent for faults of the text itself. */
  readonly path?: string;
  /** The value found there, as JSON; never of a secret. */
  readonly value?: string;
  readonly reason: string;
  readonly tag?: string;
  readonly line?: number;
}

/** Body of every answer that is not a success. @see RFC 9457 (the members `type` and `instance` are not used) */
export interface ProblemReport {
  /** Stable and dotted, e.g. "control.not-found". */
  readonly code: string;
  readonly title: string;
  /** What, where, and what to do. */
  readonly detail: string;
  /** Of an agent that is not valid: everything that is wrong with it. */
  readonly faults?: readonly ConfigurationFaultRow[];
}
