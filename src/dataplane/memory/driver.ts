import type { Ipv6Address, Log } from "../../base/index.ts";
import type {
  HeldPlan,
  NextHopIndex,
  NextHopState,
  Operation,
  PlanSnapshot,
  PlanView,
} from "../../forwarding/index.ts";
import { VERDICTS, type Verdict } from "../abi.ts";
import type {
  DataplaneCounters,
  DataplaneDriver,
  DataplaneOptions,
  NextHopCounters,
  PortOptions,
  PortReport,
} from "../driver.ts";
import { noSuchPort } from "../error.ts";
import { explainPacket, type PacketExplanation, type PacketQuestion } from "../explain/index.ts";
import type { Feature } from "../features.ts";
import { findTunnel } from "../find-tunnel.ts";
import type { NextHopRef } from "./choice.ts";
import { FlowTable } from "./flow-table.ts";
import type { Effect, FragmentEnds, Link, Outcome, PassInput, PassPort, PassState, WayBack } from "./outcome.ts";
import { processFrame } from "./pass.ts";
import { PlanTables } from "./plan-tables.ts";
import { PolicyCounts } from "./policy-counters.ts";

/** Entries of each of `flows`, `returns` and `transitions`. */
const FLOW_LIMIT = 65_536;
const FRAGMENT_LIMIT = 4096;

const NONE: NextHopCounters = { packets: 0n, bytes: 0n, flows: 0n };

const NOTHING_SURVIVES = "Nothing survives the process: after a restart the tables are empty.";

const LIMITS = [
  "NO PACKET OF THIS HOST IS FORWARDED: the tables are kept in memory only (the `memory` data plane).",
  NOTHING_SURVIVES,
] as const;

const CANNOT: ReadonlyMap<Feature, string> = new Map([
  ["survives", NOTHING_SURVIVES],
  ["adoption", NOTHING_SURVIVES],
]);

export interface MemoryDataplaneDependencies {
  readonly log: Log;
  /** What the kernel's routing would say; without it every destination is on a link that takes 65535 octets. */
  readonly route?: (destination: Uint8Array) => Link | undefined;
}

/** The reference model of the pass behind the port that the kernel's driver has, plus {@link process} to put packets in. */
export interface MemoryDataplane extends DataplaneDriver {
  readonly name: "memory";
  /**
   * Puts one frame through the pass as it would go at the interface's hook, and carries the effects out. The token bucket
   * of the answers is never empty, and time stands still: flows do not grow old.
   * @throws {DataplaneError} `dataplane.no-such-port` for an interface that is not among the ports.
   */
  process(interfaceName: string, frame: Uint8Array, options?: Omit<PassInput, "frame" | "hook">): Outcome;
}

/** Starts the data plane that forwards nothing: for tests, and for a host without BPF rights, where it says so at once. */
export function startMemoryDataplane(
  options: DataplaneOptions,
  dependencies: MemoryDataplaneDependencies,
): MemoryDataplane {
  dependencies.log.warn("dataplane.memory.not-forwarding", { limits: LIMITS });
  return new MemoryDriver(options, dependencies.route ?? (() => ({ mtu: 65_535 })));
}

class MemoryDriver implements MemoryDataplane {
  readonly name = "memory";
  readonly adopted = false;
  readonly cannot = CANNOT;
  readonly aggregates: number;
  readonly limits = LIMITS;
  ports: readonly PortReport[];
  #options: DataplaneOptions;
  readonly #plan: PlanTables;
  readonly #flows = new FlowTable<NextHopRef>(FLOW_LIMIT);
  readonly #returns = new FlowTable<WayBack>(FLOW_LIMIT);
  readonly #transitions = new FlowTable<NextHopRef>(FLOW_LIMIT);
  readonly #fragments = new FlowTable<FragmentEnds>(FRAGMENT_LIMIT);
  readonly #verdicts = new Map<Verdict, bigint>(VERDICTS.map((verdict) => [verdict, 0n]));
  readonly #nextHops = new Map<NextHopIndex, NextHopCounters>();
  readonly #policies: PolicyCounts;
  readonly #state: PassState;
  /** Datagrams that took turns. */
  #turn = 0;
  #generation = 0;

  constructor(options: DataplaneOptions, route: PassState["route"]) {
    this.#options = options;
    this.#plan = new PlanTables(options.domain, options.maxCapabilities);
    this.#policies = new PolicyCounts((index) => this.#plan.policy(index));
    this.ports = options.ports.map(reportOf);
    this.aggregates = this.#plan.sizes.aggregates;
    const { domain, locator, hashSeed, tunnelMtu } = options;
    this.#state = {
      ...{ domain, locator, hashSeed, tunnelMtu, route },
      ...{ plan: this.#plan, flows: this.#flows, returns: this.#returns, transitions: this.#transitions },
      ...{ fragments: this.#fragments, turn: 0 },
      ...{ mayAnswer: true, now: 0, left: (policy) => this.#policies.left(policy) },
    };
  }

  get plan(): PlanView {
    return this.#plan;
  }

  held(): HeldPlan {
    return this.#plan.held(this.#generation);
  }

  snapshot(): PlanSnapshot {
    return this.#plan.snapshot(this.#generation);
  }

  apply(operations: readonly Operation[], generation: number): void {
    for (const [position, operation] of operations.entries()) {
      this.#plan.apply(operation, position);
      if (operation.type === "remove-next-hop") this.#nextHops.delete(operation.index);
      if (operation.type === "remove-policy") this.#policies.forget(operation.index);
    }
    this.#generation = generation;
  }

  setHealth(nextHop: NextHopIndex, state: NextHopState): void {
    this.#plan.setState(nextHop, state);
  }

  tunnelTo(locator: Ipv6Address): NextHopIndex | undefined {
    return findTunnel(this.#plan, locator);
  }

  stateWord(_nextHop: NextHopIndex): undefined {}

  async changePorts(ports: readonly PortOptions[]): Promise<void> {
    this.#options = { ...this.#options, ports };
    this.ports = ports.map(reportOf);
  }

  counters(): DataplaneCounters {
    const nextHops = this.#plan.nextHopIndexes().map((index) => [index, this.#nextHops.get(index) ?? NONE] as const);
    const behind = this.#options.ports.flatMap(({ tenantIndex, sources = [] }) => [
      tenantIndex,
      ...sources.map((source) => source.tenantIndex),
    ]);
    const policies = [...this.#plan.policyIndexes()];
    const tenants = new Set([...behind, ...policies.map((index) => this.#plan.policy(index)!.tenantIndex)]);
    tenants.delete(0);
    return {
      verdicts: new Map(this.#verdicts),
      nextHops: new Map(nextHops),
      ...this.#policies.read(tenants, policies),
    };
  }

  explain(question: PacketQuestion, route: PassState["route"]): PacketExplanation {
    const { hook, ...port } = this.#port(question.interface);
    return explainPacket({ ...this.#state, route, turn: this.#turn }, port, hook, question);
  }

  /** @throws {DataplaneError} `dataplane.no-such-port` */
  #port(name: string): PassPort & { readonly hook: "xdp" | "tc" } {
    const port = this.#options.ports.find((candidate) => candidate.interface === name);
    if (port === undefined) throw noSuchPort(name, this.ports);
    const { role, tenantIndex, sources, clampMss, acceptTags } = port;
    const hook = port.hook === "auto" ? (role === "core" ? "xdp" : "tc") : port.hook;
    const told = { clampsMss: clampMss === true, acceptsTags: acceptTags === true };
    const pass = { hook, role, tenantIndex, partialChecksums: true, ...told };
    return sources === undefined ? pass : { ...pass, sources };
  }

  process(interfaceName: string, frame: Uint8Array, options: Omit<PassInput, "frame" | "hook"> = {}): Outcome {
    const { hook, ...port } = this.#port(interfaceName);
    const outcome = processFrame({ ...this.#state, turn: this.#turn }, port, { ...options, hook, frame });
    this.#verdicts.set(outcome.verdict, this.#verdicts.get(outcome.verdict)! + 1n);
    for (const effect of outcome.effects) this.#carryOut(effect);
    return outcome;
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case "set-flow":
        this.#flows.set(effect.key, effect.value);
        break;
      case "set-return":
        this.#returns.set(effect.key, effect.value);
        break;
      case "set-transition":
        this.#transitions.set(effect.key, effect.value);
        break;
      case "set-fragment":
        this.#fragments.set(effect.key, effect.value);
        break;
      case "take-turn":
        this.#turn++;
        break;
      case "take-token":
        break;
      case "apply-policy":
      case "count-tenant":
      case "count-tag":
        this.#policies.carryOut(effect);
        break;
      case "count": {
        const before = this.#nextHops.get(effect.nextHop) ?? NONE;
        this.#nextHops.set(effect.nextHop, {
          packets: before.packets + 1n,
          bytes: before.bytes + BigInt(effect.octets),
          flows: before.flows + (effect.newFlow ? 1n : 0n),
        });
        break;
      }
    }
  }

  async remove(): Promise<void> {
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function reportOf({ interface: name, role, tenantIndex }: PortOptions): PortReport {
  const reason = "the memory data plane is attached to no interface";
  return { interface: name, ifindex: 0, role, tenantIndex, hook: "none", adopted: false, reason };
}
