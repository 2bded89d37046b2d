/** A counter of 64 bits in decimal. */
export type CounterText = string;

/** One statement of a policy. */
export interface PolicyRow {
  readonly policy: string;
  readonly statement: string;
  /** In its policy, from 1. */
  readonly position: number;
  /** What has to hold, each in a few words; empty: it always fits. */
  readonly conditions: readonly string[];
  readonly actions: readonly string[];
  readonly result: "accept" | "reject" | "next-statement" | "next-policy";
  /** Answers in which it fitted: one for each attribute set and session, more where route keys matter. */
  readonly sets: CounterText;
  /** Routes that these answers were applied to, each time that one came or was to be sent. */
  readonly routes: CounterText;
  /** `import from r2`, `export to fd00::3`. */
  readonly usedBy: readonly string[];
}

export interface NextHopCounterRow {
  readonly index: number;
  /** Router name or description, agent ID, or the address. */
  readonly name: string;
  readonly towards: string;
  /** Of a tunnel: `IPv6-in-IPv6`, `VXLAN 7`, `segments fd00::8, fd00::9`. */
  readonly encapsulation?: string;
  readonly packets: CounterText;
  readonly octets: CounterText;
  /** Flows that were newly given to it. */
  readonly flows: CounterText;
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
