import type { BpfMap } from "../../native/api.ts";
import type { Ipv6Address, Ipv6Prefix } from "../base/index.ts";
import type {
  CapabilityBatch,
  GroupRun,
  HeldPlan,
  NextHop,
  NextHopIndex,
  NextHopState,
  Operation,
  PlanSnapshot,
  PlanView,
  PolicyIndex,
} from "../forwarding/index.ts";
import type { EdgePlan } from "./edge-plan.ts";
import type { PacketExplanation, PacketQuestion } from "./explain/index.ts";
import type { Feature } from "./features.ts";
import type { ExecutorReport } from "./fib-service/report.ts";
import type { FlowEvent, FlowWatch } from "./flows.ts";
import type { Link } from "./memory/outcome.ts";

/** A prefix behind a port, and whose it is. */
export interface SourcePrefix {
  readonly prefix: Ipv6Prefix;
  readonly tenantIndex: number;
}

/** What an interface is for. Clients and agents belong to one tenant, or to that of their source. */
export interface PortOptions {
  readonly interface: string;
  readonly role: "core" | "client" | "agent";
  /** Tenant of whoever is behind a client or agent port; 0 on core ports. */
  readonly tenantIndex: number;
  /** The sources from which capabilities may be called there; the longest prefix counts. Absent: all, as `tenantIndex`. */
  readonly sources?: readonly SourcePrefix[];
  /** Which hook to use. `auto`: XDP on core ports, tc on client and agent ports. */
  readonly hook: "auto" | "xdp" | "tc";
  /** SYNs that come in here and go through a tunnel, either way, get an MSS that it carries. Absent: they stay as they are. */
  readonly clampMss?: boolean;
  /** Frames with VLAN tags are taken as if they had none. Absent: they are the stack's. */
  readonly acceptTags?: boolean;
  /** A core port on tc that leads to this router's own stack: packets to its IPv4 prefix become IPv4 there. */
  readonly own?: boolean;
}

/** What was really done for a port, and why it is not better. */
export interface PortReport {
  readonly interface: string;
  readonly ifindex: number;
  readonly role: PortOptions["role"];
  readonly tenantIndex: number;
  readonly hook: "xdp native" | "xdp generic" | "tcx" | "clsact" | "executor" | "ovs" | "routes" | "none";
  readonly adopted: boolean;
  /** Programs of the edge beside the pass: in front of it, and where packets leave. */
  readonly edge?: readonly ("in" | "out")[];
  /** How often somebody took programs off since the start and they were put back. Absent where nobody can. */
  readonly restored?: number;
  readonly reason?: string;
}

export interface DataplaneOptions {
  readonly domain: Ipv6Prefix;
  readonly locator: Ipv6Address;
  readonly ports: readonly PortOptions[];
  /** Folder under a bpffs; the layout version is appended. Kernel driver only. */
  readonly pinDirectory: string;
  /** The same on every router of a domain, so that all choose the same site for a flow. */
  readonly hashSeed: number;
  /** Largest IPv6 packet that may leave towards other routers, in octets. */
  readonly tunnelMtu: number;
  readonly maxCapabilities: number;
}

export interface NextHopCounters {
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Flows that were newly given to it. */
  readonly flows: bigint;
}

/** What the clients of a tenant sent to capabilities through this router. */
export interface TenantCounters {
  /** Sent on, or refused by the capability itself. */
  readonly packets: bigint;
  readonly bytes: bigint;
  /** To capabilities of other tenants that they may not call. */
  readonly denied: bigint;
  /** Over a rate. */
  readonly limited: bigint;
  /** From sources that are not behind the port; counted for the port's own tenant. */
  readonly spoofed: bigint;
}

/** What passed under a policy. */
export interface PolicyCounters {
  /** 0 unless the policy is counted. */
  readonly packets: bigint;
  readonly bytes: bigint;
  /** Over its rate. */
  readonly limited: bigint;
}

export interface TagCounters {
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** Counters by what they are of. Rows are as they are when they are looked at first, or when they are all held: unless they are plain. */
export interface CountedRows<Key, Row> extends ReadonlyMap<Key, Row> {
  /** Takes note of all rows as they are now. */
  hold?(): void;
}

export interface DataplaneCounters {
  /** By verdict name (`encapsulated`, `reject-empty-group`, …). */
  readonly verdicts: CountedRows<string, bigint>;
  /** By verdict name (`edge-to-ipv6`, …), of drivers that have programs at the edge: packets that these changed or dropped. */
  readonly edge?: CountedRows<string, bigint>;
  readonly nextHops: CountedRows<NextHopIndex, NextHopCounters>;
  /** By the index of the tenants that ports and policies name. This and the next two are absent where nothing is counted so. */
  readonly tenants?: CountedRows<number, TenantCounters>;
  readonly policies?: CountedRows<PolicyIndex, PolicyCounters>;
  /** What was delivered here, by its tag; tags that never came are left out. */
  readonly tags?: CountedRows<number, TagCounters>;
}

/** What a data plane found out by itself about a next hop. */
export interface NextHopNews {
  readonly nextHop: NextHop;
  readonly unreachable: boolean;
  /** In words for people; empty when it is reachable. */
  readonly reason: string;
}

/** Where the state of a next hop is, for a thread that writes it without JavaScript. */
export interface StateWord {
  readonly map: BpfMap;
  /** Octets from the beginning of the map's value area. */
  readonly offset: number;
  readonly down: number;
  readonly up: number;
}

/** How an instance answered what began with it; not what telemetry is told, but health. */
export interface InstanceOutcomes {
  readonly flows: bigint;
  /** TCP: SYN and ACK. */
  readonly answered: bigint;
  /** TCP: RST as the first thing said. And "unreachable" about any packet. */
  readonly refused: bigint;
}

/** The words of the tunnels to other routers, for a thread that watches the ways there. Offsets as those of {@link StateWord}. */
export interface TunnelWords {
  readonly map: BpfMap;
  /** As good as down; only that thread writes it, so that only what it has lowered is raised by it. */
  readonly noWay: number;
  readonly up: number;
  readonly tunnels: readonly {
    readonly index: NextHopIndex;
    readonly locator: Ipv6Address;
    readonly state: number;
    readonly silentAfter: number;
    readonly lost: number;
  }[];
}

/**
 * Carries operations out; decides nothing. One contract suite (`test/contract/dataplane`) runs against every driver.
 */
export interface DataplaneDriver extends AsyncDisposable {
  readonly name: "kernel" | "memory" | "fib-service" | "ovs" | "linux";
  readonly ports: readonly PortReport[];
  /** True when forwarding state of an earlier process was found and taken over: what makes the graceful restart F bit honest. */
  readonly adopted: boolean;
  /** How many aggregates it has room for; absent: it carries none out. */
  readonly aggregates?: number;
  /** What of {@link FEATURES} the driver cannot do, with the reason in one sentence. All else it can. */
  readonly cannot: ReadonlyMap<Feature, string>;
  /** What an operator should know about it here and now, each in one sentence: what it cannot do, and why a port is not better. */
  readonly limits: readonly string[];
  /** What was taken over after a restart, read as it is walked. */
  held(): HeldPlan;
  /** What is in the tables now, all of it. Cost grows with the tables: not while serving. */
  snapshot(): PlanSnapshot;
  /** The same, read as it is asked for. */
  readonly plan: PlanView;
  /**
   * Carries out the operations in order; they are in effect when it returns. Never partial on bad input: throws
   * `DataplaneError` (`dataplane.table-full`, `dataplane.bad-operation`) naming the operation, with the ones before it done.
   */
  apply(operations: readonly Operation[], generation: number): void;
  /**
   * The same as `apply` with a set-capability for each entry, at a tenth of the cost; the batch stays the caller's. Absent: not cheaper.
   * Throws as `apply` does, naming the entry, with the ones before it done.
   */
  fill?(batch: CapabilityBatch, generation: number): void;
  /** Likewise with a set-slots for each new group. */
  setGroups?(run: GroupRun, generation: number): void;
  /** How it stands with somebody else's executor; absent where the driver carries operations out itself. */
  readonly executor?: ExecutorReport;
  /** Tells what it finds out about next hops by itself, from now on. One listener. Absent: it looks after nothing. */
  watchNextHops?(listener: (news: NextHopNews) => void): void;
  /** True while operations should wait, since those before are still being carried out. Absent: never. */
  readonly isFull?: boolean;
  /** Calls `resume` once when it is not full any more. */
  whenRoom?(resume: () => void): void;
  /**
   * Routes and agents are known: the plan is no longer that of a router that has just started.
   * @throws {DataplaneError} as the start of the driver: what forwarded until now goes on
   */
  converged?(): void | Promise<void>;
  /** The fast path of failover: one store. */
  setHealth(nextHop: NextHopIndex, state: NextHopState): void;
  /** The tunnel to another router, `undefined` when there is none now. Cost: a look at every next hop. */
  tunnelTo(locator: Ipv6Address): NextHopIndex | undefined;
  /** The word that `setHealth` writes, while the index means what it means now; `undefined` where states are no words. */
  stateWord(nextHop: NextHopIndex): StateWord | undefined;
  /** Of all tunnels, while their indices mean what they mean now; absent where there are no such words. */
  tunnelWords?(): TunnelWords;
  /** Of each instance, by its id, read as it is asked for. Absent where nobody looks at answers. */
  outcomes?(): IterableIterator<readonly [instance: string, outcomes: InstanceOutcomes]>;
  /**
   * Makes these the ports; those that stay go on without a gap. Tables are not touched.
   * @throws {DataplaneError} `dataplane.foreign-program`, `dataplane.no-rights`, …; the ports are those of before then
   */
  changePorts(ports: readonly PortOptions[]): Promise<void>;
  /** Verdicts as they are now, other rows as they are when they are looked at; who takes many takes them in slices. */
  counters(): DataplaneCounters;
  /** Connections that began with the former owner of a slot in transition, as too many began at once. Absent: nobody counts them. */
  deferredBeginnings?(): bigint;
  /**
   * Makes this what the edge translates; without a plan, nothing. Absent: the driver has no programs there.
   * Cost: a look at each of its tables; for changes of the configuration.
   */
  setEdge?(plan: EdgePlan | undefined): void;
  /** Tells of flows and refused packets from now on; nothing until it is asked what. Absent where the data plane cannot. */
  watchFlows?(listener: (event: FlowEvent) => void): FlowWatch;
  /**
   * What would become of a packet now, and why; nothing changes. `route` is what the kernel's routing says. Absent where the
   * data plane does not tell.
   * @throws {DataplaneError} `dataplane.no-such-port`: the interface is none, or no program is on it
   */
  explain?(question: PacketQuestion, route: (destination: Ipv6Address) => Link | undefined): PacketExplanation;
  /** Removes every pin and program: for an operator who takes the router out of service. Disposing alone leaves the kernel forwarding. */
  remove(): Promise<void>;
}
