/** Answers on the control socket that are no plain list, and what a request carries. */

import type { AlarmRow, CounterText, NextHopCounterRow, PortRow } from "./rows.ts";

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

export interface CapabilityCounterRow {
  readonly capability: string;
  readonly version: number;
  readonly tenant: string;
  /** Only if it is counted. */
  readonly packets?: CounterText;
  readonly octets?: CounterText;
  /** Over its rate; only if it has one. */
  readonly limited?: CounterText;
}

export interface CountersReport {
  readonly driver: "kernel" | "memory" | "fib-service" | "ovs" | "linux";
  /** By verdict name; those that are zero too. */
  readonly verdicts: readonly { readonly verdict: string; readonly packets: CounterText }[];
  /** Other routers. */
  readonly sites: readonly NextHopCounterRow[];
  /** Instances behind this router. */
  readonly instances: readonly (NextHopCounterRow & {
    readonly capability: string;
    readonly tenant: string;
    readonly weight: number;
  })[];
  /** What clients of each tenant sent to capabilities through this router. */
  readonly tenants: readonly {
    readonly tenant: string;
    readonly packets: CounterText;
    readonly octets: CounterText;
    readonly denied: CounterText;
    readonly limited: CounterText;
    readonly spoofed: CounterText;
  }[];
  /** What came in here for single capabilities: those that are counted, or have a rate. */
  readonly capabilities: readonly CapabilityCounterRow[];
  /** What was delivered here with a tag. */
  readonly tags: readonly { readonly tag: number; readonly packets: CounterText; readonly octets: CounterText }[];
}

/** Parts of {@link CountersReport}. */
export const COUNTER_PARTS = ["verdicts", "next-hops", "tenants", "capabilities", "tags"] as const;
export type CounterPart = (typeof COUNTER_PARTS)[number];

/** When counters began anew. */
export interface CountersReset {
  readonly "discontinuity-time": string;
}

export interface ExplainCandidate {
  readonly origin: string;
  readonly originName?: string;
  readonly nextHop: string;
  readonly peer: string;
  readonly local: boolean;
  readonly judgement: "winner" | "group" | "excluded";
  /** The decision step that chose or excluded it. */
  readonly step: string;
  /** One sentence with the values compared. */
  readonly reason: string;
  readonly weight: number;
  readonly score?: number;
  readonly siteState?: "up" | "degraded" | "draining" | "down";
  readonly leaseRemainingSeconds?: number;
  readonly localPref?: number;
  readonly stale: boolean;
  readonly ageSeconds: number;
}

/** One instance behind this router, with why it does or does not get new flows. */
export interface ExplainInstance {
  readonly agent: string;
  readonly address: string;
  readonly port: number;
  readonly state: "up" | "draining" | "down";
  readonly weight: number;
  readonly reason?: string;
}

export interface ExplainReport {
  readonly capability: string;
  readonly tenant: string;
  readonly majorVersion: number;
  /** False: the name is in no taxonomy entry and in no route of the tenant. */
  readonly known: boolean;
  readonly address: string;
  readonly dnsName: string;
  /** `origin` of the winner; absent when nobody is eligible. */
  readonly winner?: string;
  /** The step that chose the winner, and its sentence. */
  readonly step?: string;
  readonly reason?: string;
  readonly candidates: readonly ExplainCandidate[];
  /** Where nobody is eligible: who answers for the longest prefix of the name. */
  readonly resolver?: { readonly prefix: string; readonly origin: string; readonly originName?: string };
  /** Instances behind this router. */
  readonly instances: readonly ExplainInstance[];
}

/** A next hop that was looked at for a packet. */
export interface PacketProbe {
  readonly as: "remembered" | "previous" | "slot" | "backup";
  readonly slot?: number;
  readonly kind: string;
  /** Of the site's router or of the agent; absent where nobody gave one. */
  readonly name?: string;
  readonly towards: string;
  readonly state: string;
  readonly fate: "taken" | "not usable" | "not looked at";
}

export interface PacketChoice {
  readonly slot: number;
  readonly inTransition: boolean;
  readonly probes: readonly PacketProbe[];
}

/** What becomes of a packet. */
/** What the policy of tenants says about a packet. */
export interface PacketPolicy {
  /** Whose it is, by its source or the port; absent: nobody's. */
  readonly tenant?: string;
  /** The rule that lets it call a capability of another tenant, and whose that is. */
  readonly rule?: string;
  readonly ruleOwner?: string;
  /** Which rule, limits and marks it meets, or why it meets none, as a sentence. */
  readonly text?: string;
}

export interface PacketReport {
  readonly source: string;
  readonly destination: string;
  readonly protocol: string;
  /** Absent with ICMPv6, as is `port`. */
  readonly sourcePort?: number;
  readonly port?: number;
  readonly interface: string;
  readonly hook: string;
  /** Whose the port is that it comes in at; absent on core ports. */
  readonly portTenant?: string;
  readonly verdict: string;
  /** The verdict as a sentence. */
  readonly text: string;
  readonly action: "pass" | "forward" | "reply" | "drop";
  readonly capability?: string;
  readonly tenant?: string;
  /** Known here though nobody may serve it now. */
  readonly known: boolean;
  /** It has no entry here, and is below a prefix of addresses that other sites know names of. */
  readonly aggregate?: string;
  /** What policy says about who sends it; absent for what comes from another router. */
  readonly policy?: PacketPolicy;
  /** What its sender or its destination is to IPv4-only hosts, where it was asked about so. */
  readonly ipv4?: { readonly source?: string; readonly destination?: string };
  readonly newFlow: boolean;
  readonly flowLabel?: number;
  readonly sites?: PacketChoice;
  readonly instances?: PacketChoice;
  /** No instance takes it, another site does. */
  readonly elsewhere?: PacketChoice;
  /** Where it leaves; `interface`, `gateway` and `mtu` as the kernel's routing has them. */
  readonly leaves?: {
    readonly to: string;
    readonly length: number;
    readonly interface?: string;
    readonly gateway?: string;
    readonly mtu?: number;
  };
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

export interface CheckConfigResult {
  readonly valid: boolean;
  readonly faults: readonly ConfigurationFaultRow[];
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
