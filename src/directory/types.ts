import type { CapabilityName, Ipv6Address, Milliseconds, Moment } from "../base/index.ts";

/** Where an instance listens. */
export interface Endpoint {
  readonly address: Ipv6Address;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
}

/** How an instance is probed. Absent: its word is taken for it, by lease only. */
export type HealthCheck =
  | {
      readonly type: "tcp";
      readonly interval: Milliseconds;
      readonly timeout: Milliseconds;
      readonly fall: number;
      readonly rise: number;
    }
  | {
      readonly type: "http";
      readonly path: string;
      readonly interval: Milliseconds;
      readonly timeout: Milliseconds;
      readonly fall: number;
      readonly rise: number;
    };

export type AdminState = "up" | "draining" | "down";

/** Who vouches for a record: the agent itself, the configuration, or an operator at the command line. */
export type Source = "registration" | "configuration" | "command";

/** How long a registration holds. Fresh, then stale for the last `renew` of it, then withdrawn at `validUntil`. */
export interface Lease {
  /** Grows with every registration and renewal of the agent. */
  readonly sequence: bigint;
  /** Wall clock. */
  readonly validUntil: Milliseconds;
  /** How long after a grant or renewal the agent should renew. */
  readonly renew: Milliseconds;
}

/** A running endpoint of an agent that offers one capability. Never changed; a change is a new record. */
export interface Instance {
  /** 16 hexadecimal digits, from agent, capability, version and endpoint. */
  readonly id: string;
  /** Agent ID, a URI. */
  readonly agent: string;
  readonly tenant: string;
  readonly capability: CapabilityName;
  readonly version: { readonly major: number; readonly minor: number };
  readonly endpoint: Endpoint;
  /** The port that clients use at the capability address. */
  readonly servicePort: number;
  /** Relative share, 1 to 100. */
  readonly weight: number;
  readonly labels: readonly string[];
  readonly source: Source;
  /** Wall clock. */
  readonly registeredAt: Milliseconds;
  /** The same instant, monotonic; of before a restart, as the wall clock had it then. */
  readonly learntAt: Milliseconds;
  readonly lease?: Lease;
  /** Renewals were missed: `renew` or less is left of the lease. Still in use. */
  readonly stale?: true;
  readonly adminState: AdminState;
  /** When a drain ends and the instance goes down. */
  readonly drainDeadline?: Milliseconds;
  readonly check?: HealthCheck;
  readonly health: InstanceHealth;
}

export interface InstanceHealth {
  readonly state: "unknown" | "up" | "down";
  readonly since: Moment;
  /** Why it is down, in one line. */
  readonly reason?: string;
}

/** What the rest of the router acts on: admin state and health together. `unknown` health of a checked instance counts as down. */
export type InstanceState = "up" | "draining" | "down";

export type DirectoryChange =
  | { readonly type: "added"; readonly instance: Instance }
  | { readonly type: "changed"; readonly instance: Instance; readonly was: Instance }
  | {
      readonly type: "removed";
      readonly instance: Instance;
      readonly cause: "deregistered" | "lease-expired" | "configuration" | "command";
    };

/** What this router says to the others about one capability: the content of a CS route. */
export interface LocalSite {
  readonly tenant: string;
  readonly capability: CapabilityName;
  readonly majorVersion: number;
  readonly minorVersion: number;
  readonly state: "up" | "degraded" | "draining" | "down";
  readonly score: number;
  /** Instances that may get new flows. */
  readonly usable: number;
  readonly total: number;
  /** Sum of the weights of usable instances. */
  readonly weight: number;
  readonly labels: readonly string[];
  readonly access: { readonly protocol: "tcp" | "udp"; readonly port: number };
}
