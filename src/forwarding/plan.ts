import type { Ipv6Address, Ipv6Prefix } from "../base/index.ts";
import type { CapabilityBatch } from "./capability-batch.ts";
import type { Policy, PolicyIndex } from "./policy.ts";

/** Where a router's locator and its "deliver or reject" address differ. Also in `dataplane/abi.h` (SEMR_LAST_LEG_…). */
export const LAST_LEG = { octet: 8, bit: 0x80 } as const;

/**
 * The "deliver or reject" address of the router with this locator: the source of what it puts into a tunnel for the second
 * time, and of which therefore nobody puts anything into a third. Of such an address: the locator.
 */
export function lastLegAddress(locator: Ipv6Address): Ipv6Address {
  const other = locator.slice();
  other[LAST_LEG.octet]! ^= LAST_LEG.bit;
  return other;
}

/** Slots of a next-hop group. Also in `dataplane/abi.h` (SEMR_GROUP_SLOTS). */
export const GROUP_SLOTS = 64;

/** 1 to 65535; 0 is "none". */
export type NextHopIndex = number;
/** 1 to 65535; 0 is "none". */
export type GroupIndex = number;

/** Most segments of a tunnel before its router. Also in `dataplane/abi.h` (SEMR_WAYPOINTS). */
export const WAYPOINTS = 6;

/** IPv6 in a segment routing header: first to the waypoints, in their order, then to the router. @see RFC 8754, RFC 8986 §5.2 */
export interface SegmentsEncapsulation {
  readonly kind: "segments";
  /** 1 to {@link WAYPOINTS}. */
  readonly waypoints: readonly Ipv6Address[];
}

/** Ethernet in UDP. @see RFC 7348 */
export interface VxlanEncapsulation {
  readonly kind: "vxlan";
  /** 1 to 16777215. */
  readonly vni: number;
  /** Six octets each: addresses of the inner Ethernet header. */
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
}

/** How packets are wrapped for a tunnel, where that is not IPv6-in-IPv6 alone. */
export type Encapsulation = SegmentsEncapsulation | VxlanEncapsulation;

/** Another router: packets are sent to its locator in IPv6-in-IPv6, if nothing else is said. @see RFC 2473; DESIGN section 5 */
export interface TunnelNextHop {
  readonly kind: "tunnel";
  readonly locator: Ipv6Address;
  readonly encapsulation?: Encapsulation;
}

/** A router from which encapsulated packets are accepted. */
export interface PlannedNode {
  readonly locator: Ipv6Address;
  /** Of its VXLAN packets; absent: none are accepted. */
  readonly vni?: number;
}

/** This router: the packet goes to the capability's local group. */
export interface LocalNextHop {
  readonly kind: "local";
}

/** An instance behind this router: reached by translating destination address and port. */
export interface InstanceNextHop {
  readonly kind: "instance";
  readonly instance: string;
  readonly address: Ipv6Address;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
  /** The port that clients use at the capability address. */
  readonly servicePort: number;
}

/** Where packets go: another router, the group of instances here, or one instance. */
export type NextHop = TunnelNextHop | LocalNextHop | InstanceNextHop;

/** Takes no packets, takes all, or keeps those that it has. */
export type NextHopState = "down" | "up" | "draining";

/**
 * Which datagrams of a capability go to the same instance, where that is not each flow by itself: `address` all between two
 * addresses, fragments among them; `connection` those whose QUIC connection id says the same, the others by flow; `none` not even
 * two in a row, so that nothing is remembered. TCP goes by its connections.
 */
export type Affinity = "address" | "connection" | "none";

/** By the number that stands for one in records and columns; 0: by flow. */
export const AFFINITIES = [undefined, "address", "none", "connection"] as const satisfies readonly (
  | Affinity
  | undefined
)[];

/** A capability address and where it leads. `group` 0 or with all slots 0: known, but nobody serves it now. */
export interface CapabilityEntry {
  readonly address: Ipv6Address;
  readonly group: GroupIndex;
  /** The instances behind this router; 0 when there are none. The only group used for packets that came out of a tunnel. */
  readonly localGroup: GroupIndex;
  /** Absent: only its own tenant may call it, as often as it likes. */
  readonly policy?: PolicyIndex;
  /** Absent: by flow. */
  readonly affinity?: Affinity;
}

/**
 * Where packets go for capabilities of a tenant that have no entry of their own: to sites that know names below a prefix,
 * whose entries decide. Those of one family, or all of a tenant's.
 */
export interface AggregateEntry {
  /** The beginning of capability addresses: {@link TENANT_BITS} or {@link FAMILY_BITS} long. */
  readonly prefix: Ipv6Prefix;
  readonly group: GroupIndex;
  /** As of a capability, for all that is below together. */
  readonly policy?: PolicyIndex;
}

/** Bits of a capability address up to the end of its tenant. */
export const TENANT_BITS = 64;
/** Up to the end of its family. */
export const FAMILY_BITS = 80;

/** The owner of one slot. `previous` differs from `current` while the slot is in transition. */
export interface SlotOwner {
  readonly slot: number;
  readonly current: NextHopIndex;
  readonly previous: NextHopIndex;
}

/**
 * One step from a plan to the next. Operations are ordered so that after each of them every packet is handled by the old
 * or by the new plan: next hop before group before capability, policy before capability, and the reverse on removal.
 */
export type Operation =
  | {
      readonly type: "set-next-hop";
      readonly index: NextHopIndex;
      readonly nextHop: NextHop;
      readonly state: NextHopState;
    }
  | { readonly type: "set-next-hop-state"; readonly index: NextHopIndex; readonly state: NextHopState }
  /** Of a tunnel that is there; its flows do not notice. Absent: IPv6-in-IPv6. */
  | { readonly type: "set-encapsulation"; readonly index: NextHopIndex; readonly encapsulation?: Encapsulation }
  | { readonly type: "remove-next-hop"; readonly index: NextHopIndex }
  | {
      readonly type: "set-slots";
      readonly group: GroupIndex;
      readonly slots: readonly SlotOwner[];
      readonly backup: NextHopIndex;
    }
  | { readonly type: "remove-group"; readonly group: GroupIndex }
  /** Also of an index that is in use: what it is for and whose it is stays. A tenant's policy is in force from then on. */
  | { readonly type: "set-policy"; readonly index: PolicyIndex; readonly policy: Policy }
  | { readonly type: "remove-policy"; readonly index: PolicyIndex }
  | { readonly type: "set-capability"; readonly entry: CapabilityEntry }
  | { readonly type: "remove-capability"; readonly address: Ipv6Address }
  /** Of a data plane that has room for some. */
  | { readonly type: "set-aggregate"; readonly aggregate: AggregateEntry }
  | { readonly type: "remove-aggregate"; readonly prefix: Ipv6Prefix }
  /** Also of one that is there: what is accepted from it. */
  | ({ readonly type: "set-node" } & PlannedNode)
  | { readonly type: "remove-node"; readonly locator: Ipv6Address };

/** New groups with all of their slots, one after the other, without an object each. Borrowed for the time of a call. */
export interface GroupRun {
  readonly count: number;
  readonly groups: Uint32Array;
  /** GROUP_SLOTS each: `current`, and `previous` in the upper half. */
  readonly slots: Uint32Array;
  readonly backups: Uint32Array;
}

/** Who carries operations out. They are in effect when it returns; `generation` numbers the plans. */
export interface OperationSink {
  apply(operations: readonly Operation[], generation: number): void;
  /** The same for a set-capability of each entry of a batch, which stays the caller's. Absent: it takes operations only. */
  fill?(batch: CapabilityBatch, generation: number): void;
  /** The same for new groups. Absent: it takes operations only. */
  setGroups?(run: GroupRun, generation: number): void;
  /** True while it has enough to do: nothing more is compiled then, and changes merge. Absent: never. */
  readonly isFull?: boolean;
  /** Calls `resume` once when it is not full any more. */
  whenRoom?(resume: () => void): void;
}

/** A next hop as a data plane holds it. */
export interface PlannedNextHop {
  readonly nextHop: NextHop;
  readonly state: NextHopState;
}

/** A group as a data plane holds it: GROUP_SLOTS owners. */
export interface PlannedGroup {
  readonly slots: readonly SlotOwner[];
  readonly backup: NextHopIndex;
}

/**
 * What a data plane holds, entry by entry, for whoever must not read all of it in one turn. The iterators bear changes
 * in between: an entry that comes or goes meanwhile may be missed.
 */
export interface PlanView {
  plannedNextHop(index: NextHopIndex): PlannedNextHop | undefined;
  plannedNextHops(): IterableIterator<readonly [NextHopIndex, PlannedNextHop]>;
  plannedGroup(index: GroupIndex): PlannedGroup | undefined;
  plannedCapabilities(): IterableIterator<CapabilityEntry>;
  plannedCapability(address: Ipv6Address): CapabilityEntry | undefined;
  /** Absent where there are none. */
  plannedAggregates?(): IterableIterator<AggregateEntry>;
  plannedPolicy(index: PolicyIndex): Policy | undefined;
}

/** A group that a data plane holds, without an object for each slot. */
export interface HeldGroup {
  readonly index: GroupIndex;
  /** GROUP_SLOTS words: `current`, and `previous` in the upper half. */
  readonly slots: Uint32Array;
  readonly backup: NextHopIndex;
}

/** All that a data plane holds, to be walked once, a step at a time: there may be a million entries. Nothing changes meanwhile. */
export interface HeldPlan {
  readonly generation: number;
  readonly nodes: Iterable<PlannedNode>;
  readonly nextHops: Iterable<readonly [NextHopIndex, PlannedNextHop]>;
  /** Each of them is borrowed until the next one is asked for. */
  readonly groups: Iterable<HeldGroup>;
  readonly policies: Iterable<readonly [PolicyIndex, Policy]>;
  /** A few at a time, borrowed likewise. */
  readonly capabilities: Iterable<CapabilityBatch>;
  readonly aggregates: Iterable<AggregateEntry>;
}

/** What a data plane holds, all at once: for comparing two of them. */
export interface PlanSnapshot {
  readonly generation: number;
  readonly nextHops: ReadonlyMap<NextHopIndex, PlannedNextHop>;
  /** Owner of each slot, GROUP_SLOTS of them. */
  readonly groups: ReadonlyMap<GroupIndex, PlannedGroup>;
  /** Keyed by the address's hexadecimal text. */
  readonly capabilities: ReadonlyMap<string, CapabilityEntry>;
  readonly nodes: readonly PlannedNode[];
  /** Absent: it has none. */
  readonly aggregates?: readonly AggregateEntry[];
  /** Absent: the data plane has no policies. */
  readonly policies?: ReadonlyMap<PolicyIndex, Policy>;
}
