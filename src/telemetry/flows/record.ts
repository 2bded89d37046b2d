import type { Ipv6Address, Milliseconds } from "../../base/index.ts";

/** A flow that was seen to begin, or a packet that was refused; named when it was seen, since names come and go. */
export interface SeenFlow {
  /** Wall clock. */
  readonly at: Milliseconds;
  readonly client: Ipv6Address;
  readonly clientPort: number;
  readonly address: Ipv6Address;
  readonly port: number;
  /** As in the IPv6 header. */
  readonly protocol: number;
  /** Index of the interface that it came in at. */
  readonly interface: number;
  /** Of its first packet, in octets of IPv6. */
  readonly length: number;
  readonly verdict: string;
  /** What policy gave it where it came in. Absent: none. */
  readonly tag?: number;
  /** It stands for so many. */
  readonly interval: number;
  /** Of the capability; 0: of none. */
  readonly tenantIndex: number;
  readonly tenant?: string;
  readonly capability?: string;
  /** The instance behind this router that serves it. */
  readonly instance?: { readonly agent: string; readonly address: Ipv6Address; readonly port: number };
  /** The router that it is sent to. */
  readonly site?: { readonly locator: Ipv6Address; readonly name?: string };
}

/** What a flow carried so far, in both directions. */
export interface FlowAmount {
  readonly packets: number;
  readonly octets: bigint;
  readonly packetsBack: number;
  readonly octetsBack: bigint;
}

/**
 * Why there is a record. `begun`: it goes on to another router, which has its account; `active`: it lasts, this is what came
 * since the last one; `closed`, `idle`: it ended; `forgotten`: the data plane took its entry for another flow; `refused`.
 */
export type FlowReason = "begun" | "active" | "closed" | "idle" | "forgotten" | "refused";

/** A record of a flow: since the last one of the same flow, or since its beginning. Nothing of what it carried. */
export interface FlowRecord extends SeenFlow, FlowAmount {
  readonly reason: FlowReason;
  /** Wall clock. */
  readonly until: Milliseconds;
}
