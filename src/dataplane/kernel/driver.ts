import { readFileSync } from "node:fs";
import type { BpfObject, Native } from "../../../native/index.ts";
import { type Ipv6Address, type Log, Scope } from "../../base/index.ts";
import type {
  CapabilityBatch,
  GroupRun,
  HeldPlan,
  NextHopIndex,
  NextHopState,
  Operation,
  PlanSnapshot,
  PlanView,
  PolicyIndex,
} from "../../forwarding/index.ts";
import { BEGINNINGS, EVENTS, NEXT_HOP, PROGRAMS, STATE, STATE_NO_WAY } from "../abi.ts";
import type {
  DataplaneCounters,
  DataplaneDriver,
  DataplaneOptions,
  InstanceOutcomes,
  PortOptions,
  PortReport,
  StateWord,
  TunnelWords,
} from "../driver.ts";
import type { EdgePlan } from "../edge-plan.ts";
import { explainPacket, type PacketExplanation, type PacketQuestion } from "../explain/index.ts";
import type { Feature } from "../features.ts";
import type { FlowEvent, FlowWatch } from "../flows.ts";
import type { Link } from "../memory/outcome.ts";
import { tableSizes } from "../sizes.ts";
import { Counters } from "./counters.ts";
import { EdgeTables } from "./edge-tables.ts";
import { KernelFlowWatch } from "./flow-watch.ts";
import { anyMapOf, mapOf, programOf, tablesIn } from "./loaded-pass.ts";
import { coarseNow, firstTurn, KernelFlows, KernelReturns } from "./pass-state.ts";
import { type PinFolders, preparePins, removeFolder, removeIfEmpty, removeLayout, removeOtherLayouts } from "./pins.ts";
import { PortTable } from "./port-table.ts";
import { Ports } from "./ports.ts";
import { type KernelNeeds, requirePass } from "./probe.ts";
import { SourceMap } from "./source-map.ts";
import { inSlices, laterTurn, Succession } from "./succession.ts";
import type { KernelTables } from "./tables.ts";

export interface KernelDataplaneDependencies extends KernelNeeds {
  readonly log: Log;
}

export interface KernelDataplane extends DataplaneDriver {
  readonly name: "kernel";
  /** The loaded pass, for tests that run packets through it. */
  readonly object: BpfObject;
}

/**
 * Loads the pass, takes over what an earlier process pinned or creates and pins it, and attaches it to the ports. Where another
 * pass forwards by tables that cannot be read, it goes on until the driver is told that the plan is whole (`converged`).
 *
 * @throws {DataplaneError} `dataplane.no-rights`, `dataplane.unsupported-kernel`, `dataplane.foreign-program`,
 * `dataplane.not-replaced`; what was there before forwards on then, and nothing else is left where nothing was.
 */
export async function startKernelDataplane(
  options: DataplaneOptions,
  dependencies: KernelDataplaneDependencies,
): Promise<KernelDataplane> {
  const { native, log } = dependencies;
  requirePass(dependencies);
  const sizes = tableSizes(options.maxCapabilities);
  const folders = preparePins(native.bpf, options, sizes);
  const scope = new Scope();
  const state = { running: false };
  const { maps, unfilled, former } = folders;
  if (unfilled !== undefined) {
    scope.defer(() => removeFolder(unfilled));
    // Filled from others it may be on some ports already
    if (former === undefined) scope.defer(() => (state.running ? undefined : removeFolder(maps)));
  }
  try {
    const [loaded, succession] = await Succession.load(options, dependencies, folders, sizes);
    const object = scope.own(loaded);
    const tables = await tablesIn(object, options, sizes, native.bpf);
    await inSlices(tables.takeOver());
    await laterTurn();
    const parts = {
      native,
      programs: { xdp: programOf(object, PROGRAMS.xdp), tc: programOf(object, PROGRAMS.tc) },
      edge: { in: programOf(object, PROGRAMS.edgeIn), out: programOf(object, PROGRAMS.edgeOut) },
      table: new PortTable(mapOf(object, "ports").mmap()),
      sources: new SourceMap(mapOf(object, "sources")),
      policyOf: (tenantIndex: number) => tables.policyOfTenant(tenantIndex),
      links: folders.links,
      records: options.pinDirectory,
    };
    const ports = scope.own(new Ports(options.ports, parts, log));
    const reason = succession.waitsBecause;
    if (reason === undefined) await succession.replace(() => ports.take());
    else ports.wait(reason);
    state.running = true;
    const adopted = reason !== undefined || tables.generation > 0;
    log.info("dataplane.kernel.started", { pins: maps, adopted, generation: tables.generation });
    if (reason !== undefined) log.warn("dataplane.waiting", { reason });
    const counters = new Counters(
      {
        verdicts: mapOf(object, "verdicts"),
        edge: mapOf(object, "edge_verdicts"),
        nextHops: mapOf(object, "next_hop_counters"),
        tenants: mapOf(object, "tenant_counters"),
        policies: mapOf(object, "policy_uses"),
        tags: mapOf(object, "tag_counters"),
      },
      native.bpf.possibleCpus(),
    );
    const edge = new EdgeTables({
      edge: mapOf(object, "edge"),
      pools: mapOf(object, "pools"),
      poolSlots: mapOf(object, "pool_slots"),
      poolAddresses: mapOf(object, "pool_addresses"),
      guests: mapOf(object, "guests"),
    });
    return new KernelDriver(options, {
      ...{ native, object, tables, counters, edge, ports, folders, succession, adopted, scope },
    });
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

/** What the driver is made of; the scope owns the object and the ports. */
interface KernelParts {
  readonly native: Native;
  readonly object: BpfObject;
  readonly tables: KernelTables;
  readonly counters: Counters;
  readonly edge: EdgeTables;
  readonly ports: Ports;
  readonly folders: PinFolders;
  readonly succession: Succession;
  readonly adopted: boolean;
  readonly scope: Scope;
}

class KernelDriver implements KernelDataplane {
  readonly name = "kernel";
  readonly cannot: ReadonlyMap<Feature, string> = new Map();
  readonly #options: DataplaneOptions;
  readonly #parts: KernelParts;

  constructor(options: DataplaneOptions, parts: KernelParts) {
    this.#options = options;
    this.#parts = parts;
  }

  get object(): BpfObject {
    return this.#parts.object;
  }

  get aggregates(): number {
    return this.#parts.tables.sizes.aggregates;
  }

  get adopted(): boolean {
    return this.#parts.adopted;
  }

  get ports(): readonly PortReport[] {
    return this.#parts.ports.reports;
  }

  get limits(): readonly string[] {
    const limits = this.ports.flatMap(({ interface: name, reason }) => (reason ? [`${name}: ${reason}.`] : []));
    if (!forwards("ipv6/conf/all/forwarding"))
      limits.push("IPv6 forwarding is off, so the kernel sends nothing on: sysctl -w net.ipv6.conf.all.forwarding=1.");
    if (this.#parts.edge.translates) limits.push(...this.#edgeLimits());
    if (this.#parts.folders.limit !== undefined) limits.push(this.#parts.folders.limit);
    limits.push(...this.#parts.succession.limits);
    return limits;
  }

  #edgeLimits(): string[] {
    const limits: string[] = [];
    if (!forwards("ipv4/ip_forward"))
      limits.push("IPv4 forwarding is off, so what becomes IPv4 goes nowhere: sysctl -w net.ipv4.ip_forward=1.");
    if (!this.#parts.ports.hasOwn)
      limits.push(
        "No interface has the role own, so what is for IPv4 hosts never becomes IPv4: make the veth pair that the README describes.",
      );
    return limits;
  }

  get plan(): PlanView {
    return this.#parts.tables;
  }

  held(): HeldPlan {
    return this.#parts.tables.held();
  }

  snapshot(): PlanSnapshot {
    return this.#parts.tables.snapshot();
  }

  apply(operations: readonly Operation[], generation: number): void {
    const { tables, counters, ports } = this.#parts;
    for (const [position, operation] of operations.entries()) {
      const isNew = operation.type === "set-next-hop" && tables.nextHop(operation.index) === undefined;
      const isNewPolicy = operation.type === "set-policy" && tables.policy(operation.index) === undefined;
      const rewires = changesPorts(operation, tables);
      tables.apply(operation, position);
      // Nothing names it yet
      if (isNew) counters.clear(operation.index);
      if (isNewPolicy) counters.clearPolicy(operation.index);
      if (rewires) ports.refresh();
    }
    tables.generation = generation;
  }

  fill(batch: CapabilityBatch, generation: number): void {
    this.#parts.tables.fill(batch);
    this.#parts.tables.generation = generation;
  }

  setGroups(run: GroupRun, generation: number): void {
    this.#parts.tables.setGroups(run);
    this.#parts.tables.generation = generation;
  }

  setHealth(nextHop: NextHopIndex, state: NextHopState): void {
    this.#parts.tables.setState(nextHop, state);
  }

  tunnelTo(locator: Ipv6Address): NextHopIndex | undefined {
    return this.#parts.tables.tunnelTo(locator);
  }

  stateWord(nextHop: NextHopIndex): StateWord {
    const map = mapOf(this.#parts.object, "next_hops");
    return { map, offset: nextHop * NEXT_HOP.size + NEXT_HOP.offsets.state, down: STATE.down, up: STATE.up };
  }

  tunnelWords(): TunnelWords {
    const { object, tables } = this.#parts;
    const tunnels = Array.from(tables.tunnels(), ([index, { locator }]) => {
      const at = (member: "state" | "silent_after" | "lost"): number =>
        index * NEXT_HOP.size + NEXT_HOP.offsets[member];
      return { index, locator, state: at("state"), silentAfter: at("silent_after"), lost: at("lost") };
    });
    return { map: mapOf(object, "next_hops"), noWay: STATE_NO_WAY, up: STATE.up, tunnels };
  }

  *outcomes(): Generator<readonly [string, InstanceOutcomes]> {
    const { counters, tables } = this.#parts;
    const of = counters.outcomes();
    for (const [index, { nextHop }] of tables.plannedNextHops())
      if (nextHop.kind === "instance") yield [nextHop.instance, of(index)];
  }

  async converged(): Promise<void> {
    const { succession, ports } = this.#parts;
    if (succession.waitsBecause !== undefined) await succession.replace(() => ports.take());
  }

  changePorts(ports: readonly PortOptions[]): Promise<void> {
    return this.#parts.ports.change(ports);
  }

  setEdge(plan: EdgePlan | undefined): void {
    this.#parts.edge.set(plan);
  }

  counters(): DataplaneCounters {
    const { tables, counters, ports } = this.#parts;
    return counters.read({
      nextHops: () => tables.nextHopIndexes(),
      tenants: () => new Set([...ports.tenants, ...tables.policyTenants()]),
      policies: () => tables.policyIndexes(),
    });
  }

  deferredBeginnings(): bigint {
    return mapOf(this.#parts.object, "beginnings").sums(0, 1)[BEGINNINGS.offsets.deferred / 8]!;
  }

  watchFlows(listener: (event: FlowEvent) => void): FlowWatch {
    const { object, tables, native } = this.#parts;
    const maps = {
      events: anyMapOf(object, EVENTS),
      settings: anyMapOf(object, ".data"),
      flows: mapOf(object, "flows"),
      returns: mapOf(object, "returns"),
    };
    return new KernelFlowWatch(native, maps, (index) => tables.nextHop(index), listener);
  }

  explain(question: PacketQuestion, route: (destination: Ipv6Address) => Link | undefined): PacketExplanation {
    const { object, tables, ports, counters } = this.#parts;
    const { domain, locator, hashSeed, tunnelMtu } = this.#options;
    const { hook, ...port } = ports.attached(question.interface);
    const now = process.hrtime.bigint();
    const state = {
      ...{ domain, locator, hashSeed, tunnelMtu, route, plan: tables, mayAnswer: true, now: coarseNow() },
      flows: new KernelFlows(mapOf(object, "flows")),
      returns: new KernelReturns(mapOf(object, "returns")),
      transitions: new KernelFlows(mapOf(object, "transitions")),
      // questions are about whole packets; each processor counts its own turns
      ...{ fragments: new Map<string, never>(), turn: firstTurn(mapOf(object, "turns")) },
      left: (policy: PolicyIndex) => {
        const [shared, leased] = [tables.left(policy, now), counters.leased(policy)];
        return { packets: shared.packets + leased.packets, octets: shared.octets + leased.octets };
      },
    };
    return explainPacket(state, port, hook, question);
  }

  async remove(): Promise<void> {
    const { ports, folders } = this.#parts;
    await ports.detachAll();
    await this[Symbol.asyncDispose]();
    removeOtherLayouts(folders);
    removeLayout(folders.maps);
    removeFolder(folders.links);
    removeIfEmpty(this.#options.pinDirectory);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.scope[Symbol.asyncDispose]();
  }
}

/** True where ports have to be told of another policy of their tenant: it comes or goes. */
function changesPorts(operation: Operation, tables: KernelTables): boolean {
  if (operation.type === "set-policy")
    return operation.policy.use === "tenant" && tables.policy(operation.index) === undefined;
  return operation.type === "remove-policy" && tables.policy(operation.index)?.use === "tenant";
}

function forwards(setting: string): boolean {
  return readFileSync(`/proc/sys/net/${setting}`, "latin1").trim() === "1";
}
