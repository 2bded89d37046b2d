import type { Ipv6Address } from "../base/index.ts";
import type { NextHopIndex } from "../forwarding/index.ts";
import type { Verdict } from "./abi.ts";

/** What of the packets is told: one of so many, rounded up to a power of two; 0: none. */
export interface FlowTelling {
  /** Flows that begin; every router of a domain tells the same ones. At most 1048576. */
  readonly flows: number;
  /** Refused packets, of each verdict by itself. At most 2^31. */
  readonly refused: number;
}

/** A flow that began, or a packet that was refused. Nothing of what it carries. */
export interface FlowEvent {
  readonly kind: "begun" | "refused";
  /** Monotonic clock, in milliseconds; several ms coarse. */
  readonly at: number;
  readonly client: Ipv6Address;
  readonly capability: Ipv6Address;
  /** 0 where the protocol has none, as is the other. */
  readonly clientPort: number;
  readonly capabilityPort: number;
  readonly protocol: number;
  readonly tcpFlags: number;
  readonly ifindex: number;
  /** Of the port that it came in at; 0: of none. */
  readonly tenantIndex: number;
  /** 0: none was chosen. */
  readonly nextHop: NextHopIndex;
  /** Octets of IPv6. */
  readonly length: number;
  readonly verdict: Verdict;
  /** It came out of the tunnel from another router. */
  readonly decapsulated: boolean;
  /** What policy gave it where it came in. Absent: none. */
  readonly tag?: number;
}

/** How far a flow is that an instance behind this router serves. */
export interface FlowProgress {
  readonly packets: number;
  readonly octets: bigint;
  readonly packetsBack: number;
  readonly octetsBack: bigint;
  /** Both sides said FIN, or one RST. */
  readonly closed: boolean;
}

/** Being told. Disposing it ends that. */
export interface FlowWatch extends Disposable {
  /** Events that found no room. */
  readonly lost: number;
  /** From now on. */
  tell(telling: FlowTelling): void;
  /** `undefined` when the flow is not delivered here, or is forgotten. Three system calls. */
  progress(event: FlowEvent): FlowProgress | undefined;
}

/** The mask that tells one of `interval`, or of the next power of two. */
export function maskOf(interval: number, none: number): number {
  return interval === 0 ? none : 2 ** Math.ceil(Math.log2(interval)) - 1;
}
