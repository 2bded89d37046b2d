import type { Ipv6Address, Ipv6Prefix } from "../../base/index.ts";
import type {
  Affinity,
  AggregateEntry,
  CapabilityEntry,
  GroupIndex,
  NextHop,
  NextHopIndex,
  NextHopState,
  PlannedNode,
  Policy,
  PolicyIndex,
  SlotOwner,
} from "../../forwarding/index.ts";
import type { Verdict } from "../abi.ts";
import type { PortOptions, SourcePrefix } from "../driver.ts";
import type { NextHopRef } from "./choice.ts";

/** A capability address and port: what the source of an agent's answer becomes. */
export interface ServiceAddress {
  readonly address: Ipv6Address;
  readonly port: number;
}

/** An entry of `returns`. */
export interface WayBack extends ServiceAddress {
  /** CLOSED bits. */
  readonly closed: number;
  /** When the last packet came back, in the units of IDLE. */
  readonly seen: number;
  /** Of the capability, when the way was taken; for datagrams only. */
  readonly affinity?: Affinity;
}

/** An entry of `fragments`: what the first fragment of an answer said. */
export interface FragmentEnds {
  readonly agentPort: number;
  readonly clientPort: number;
  /** In the units of FRAGMENT_AGE. */
  readonly seen: number;
}

/** What the kernel's routing says about a packet that is ready to go. */
export interface Link {
  /** Largest IPv6 packet that the link takes. */
  readonly mtu: number;
}

export interface NextHopEntry {
  readonly nextHop: NextHop;
  readonly state: NextHopState;
  /** Counts how often the index was taken into use: what a flow remembers must fit. */
  readonly generation: number;
}

export interface GroupEntry {
  /** GROUP_SLOTS of them. */
  readonly slots: readonly SlotOwner[];
  readonly backup: NextHopIndex;
}

/** What the pass reads of the plan: the model's own tables, or the kernel's (`kernel/tables.ts`). */
export interface PassPlan {
  capability(address: Ipv6Address): CapabilityEntry | undefined;
  /** The longest one; asked for where there is no such capability. */
  aggregate(address: Ipv6Address): AggregateEntry | undefined;
  groupEntry(index: GroupIndex): GroupEntry | undefined;
  nextHopEntry(index: NextHopIndex): NextHopEntry | undefined;
  node(locator: Ipv6Address): PlannedNode | undefined;
  policy(index: PolicyIndex): Policy | undefined;
  /** Of what the tenant's clients send; 0: none. */
  policyOfTenant(tenantIndex: number): PolicyIndex;
  /** A tenant that a policy of another's capabilities lets in. */
  isAllowed(index: PolicyIndex, tenantIndex: number): boolean;
}

/** The tables and constants that the pass reads. It changes none of them: it says what is to change ({@link Effect}). */
export interface PassState {
  readonly domain: Ipv6Prefix;
  readonly locator: Ipv6Address;
  readonly hashSeed: number;
  readonly tunnelMtu: number;
  readonly plan: PassPlan;
  readonly flows: { get(key: string): NextHopRef | undefined };
  readonly returns: { get(key: string): WayBack | undefined };
  readonly transitions: { get(key: string): NextHopRef | undefined };
  readonly fragments: { get(key: string): FragmentEnds | undefined };
  /** Datagrams that took turns before this packet. */
  readonly turn: number;
  /** True while the token bucket of the ICMPv6 errors holds a token. */
  readonly mayAnswer: boolean;
  /** Now, in the units of `seen`. */
  readonly now: number;
  /** Packets and octets that a policy's rates let through now; as many as there are where it has none. */
  left(policy: PolicyIndex): { readonly packets: number; readonly octets: number };
  /** The link that the kernel would choose towards an address; `undefined` when it has no route. */
  route(destination: Ipv6Address): Link | undefined;
}

export interface PassPort {
  readonly role: PortOptions["role"];
  readonly tenantIndex: number;
  /** Absent: sources are not looked at. */
  readonly sources?: readonly SourcePrefix[];
  /** Packets from sockets of this host come in here with unfinished checksums (veth). XDP only; tc is told by the kernel. */
  readonly partialChecksums: boolean;
  /** The MSS of SYNs through tunnels is lowered. Absent: it stays. */
  readonly clampsMss?: boolean;
  /** Frames with VLAN tags are taken as if they had none. Absent: they are the stack's. */
  readonly acceptsTags?: boolean;
}

export interface PassInput {
  /** An Ethernet frame. */
  readonly frame: Uint8Array;
  readonly hook: "xdp" | "tc";
  /** tc: a super-packet that is cut later, so it cannot be too big. */
  readonly superPacket?: boolean;
  /** tc: the kernel marked the checksum as unfinished. */
  readonly unfinishedChecksum?: boolean;
}

/** A change to the tables that the packet caused, in the order of the list. */
export type Effect =
  | { readonly type: "set-flow"; readonly key: string; readonly value: NextHopRef }
  | { readonly type: "set-return"; readonly key: string; readonly value: WayBack }
  | { readonly type: "set-transition"; readonly key: string; readonly value: NextHopRef }
  | { readonly type: "set-fragment"; readonly key: string; readonly value: FragmentEnds }
  /** A datagram of a capability without affinity took its turn. */
  | { readonly type: "take-turn" }
  /** An ICMPv6 error took a token. */
  | { readonly type: "take-token" }
  | { readonly type: "count"; readonly nextHop: NextHopIndex; readonly octets: number; readonly newFlow: boolean }
  /** A packet of so many octets passed under a policy, or was over its rate. */
  | { readonly type: "apply-policy"; readonly policy: PolicyIndex; readonly octets: number; readonly limited: boolean }
  | {
      readonly type: "count-tenant";
      readonly tenantIndex: number;
      readonly as: "sent" | "denied" | "limited" | "spoofed";
      readonly octets: number;
    }
  | { readonly type: "count-tag"; readonly tag: number; readonly octets: number };

export interface Outcome {
  readonly verdict: Verdict;
  /** pass: to the stack, unchanged; forward: on its way, rewritten; reply: an answer to the sender; drop. */
  readonly action: "pass" | "forward" | "reply" | "drop";
  /** The frame afterwards; as it came for pass and drop. */
  readonly frame: Uint8Array;
  readonly effects: readonly Effect[];
}
