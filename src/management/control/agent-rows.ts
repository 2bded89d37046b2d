/** One instance: a running endpoint of an agent that offers one capability. */
export interface AgentRow {
  readonly agent: string;
  /** 16 hexadecimal digits. */
  readonly instance: string;
  readonly tenant: string;
  readonly capability: string;
  /** `major.minor`. */
  readonly version: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  readonly weight: number;
  readonly labels: readonly string[];
  readonly source: "registration" | "configuration" | "command";
  readonly adminState: "up" | "draining" | "down";
  readonly health: "unknown" | "up" | "down";
  readonly healthReason?: string;
  /** Since the last change of health. */
  readonly healthAgeSeconds: number;
  /** What the router acts on: admin state and health together. */
  readonly state: "up" | "draining" | "down";
  /** Absent: no lease, it stays until removed. */
  readonly leaseRemainingSeconds?: number;
  readonly ageSeconds: number;
}

/** One capability of one tenant. */
export interface CapabilityRow {
  readonly capability: string;
  readonly majorVersion: number;
  readonly tenant: string;
  /** The address that any site may answer. */
  readonly address: string;
  /** What IPv4-only clients of this router use instead. */
  readonly ipv4Address?: string;
  readonly dnsName: string;
  readonly servicePort: number;
  readonly protocol: "tcp" | "udp";
  /** Which datagrams go to the same instance; absent: those of a flow. */
  readonly affinity?: "address" | "connection" | "none";
  /** Sites that are eligible, of all that were heard of. */
  readonly sites: number;
  readonly sitesKnown: number;
  /** Instances behind this router that may get new flows, of all there are. */
  readonly localInstances: number;
  readonly localInstancesKnown: number;
  /** Router ID of the site that is best; absent when nobody serves it. */
  readonly bestOrigin?: string;
}

/**
 * What `POST /v1/agents` takes: an entry of the list `agent` of semrd-agent, in RFC 7951 JSON. Validated by the same
 * model as the configuration file, which also fills in the defaults.
 */
export interface AgentRequest {
  readonly id: string;
  readonly tenant: string;
  readonly capability: readonly {
    readonly name: string;
    readonly "major-version": number;
    readonly "minor-version"?: number;
    readonly address: string;
    readonly port: number;
    readonly weight?: number;
    readonly label?: readonly string[];
    readonly "health-check"?: {
      readonly type?: "tcp" | "http";
      readonly path?: string;
      readonly "interval-ms"?: number;
      readonly "timeout-ms"?: number;
      readonly fall?: number;
      readonly rise?: number;
    };
  }[];
}

/** What changed: the instances that a command was about. */
export interface AgentCommandResult {
  readonly agent: string;
  /** Instance ids. */
  readonly instances: readonly string[];
}
