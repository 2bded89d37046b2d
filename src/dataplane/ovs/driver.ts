import { networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import { formatIpv6, type Ipv6Address, type Log, messageOf, Scope } from "../../base/index.ts";
import type {
  HeldPlan,
  NextHopIndex,
  NextHopState,
  Operation,
  PlanSnapshot,
  PlanView,
} from "../../forwarding/index.ts";
import { type Verdict, VXLAN_HEADERS } from "../abi.ts";
import type { DataplaneCounters, DataplaneDriver, DataplaneOptions, PortOptions, PortReport } from "../driver.ts";
import type { Feature } from "../features.ts";
import { findTunnel } from "../find-tunnel.ts";
import { PlanTables } from "../memory/plan-tables.ts";
import { adoptableFrom } from "./adoption.ts";
import { COUNTING_TABLES, type Counted, countersOf } from "./counters.ts";
import { removeBridge } from "./database/bridge.ts";
import { asCarriedOut, exceptionOf } from "./exceptions.ts";
import { SwitchFeed } from "./feed.ts";
import { CANNOT, LIMITS } from "./limits.ts";
import { type SwitchFacts, whyUnusable } from "./next-hop-flows.ts";
import type { PacketIn } from "./openflow/flow.ts";
import { connectDatabase } from "./probe.ts";
import { Program } from "./program.ts";
import { macOf, SwitchPorts } from "./switch-ports.ts";

export interface OvsOptions {
  /** The database's Unix socket; the bridge's management socket is beside it. */
  readonly database: string;
  /** The bridge, which is made and removed here, and its interface, where the router's own addresses are. */
  readonly bridge: string;
  /** `netdev`: in user space; `system`: the kernel module's. */
  readonly datapathType: "netdev" | "system";
}

export interface OvsDataplane extends DataplaneDriver {
  readonly name: "ovs";
  /** Resolves when all that was applied is in effect. @throws {Error} what the switch refused */
  settled(): Promise<void>;
  /** Asks the switch what it has counted: `counters` tells what it last said. */
  count(): Promise<void>;
}

const LOOK_AGAIN_MS = 2000;
const COUNTERS_AGE_MS = 1000;
/** The switch's revalidators come by twice a second. */
const COUNTED_AFTER_MS = 1000;
const ETHERNET_LENGTH = 14;
const IPV6_LENGTH = 40;
const NOTHING = { get: () => undefined };

/**
 * Makes the bridge with the ports, takes over what an earlier process left in it or begins anew, and follows it: when the
 * switch restarts, it gets its flows again.
 *
 * @throws {DataplaneError} `dataplane.no-switch`, `dataplane.foreign-bridge`
 */
export async function startOvsDataplane(
  options: DataplaneOptions,
  ovs: OvsOptions,
  { log }: { readonly log: Log },
): Promise<OvsDataplane> {
  const scope = new Scope();
  try {
    const driver = new OvsDriver(options, ovs, log, scope);
    await driver.start();
    return driver;
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

class OvsDriver implements OvsDataplane {
  readonly name = "ovs";
  readonly cannot: ReadonlyMap<Feature, string> = CANNOT;
  readonly #options: DataplaneOptions;
  readonly #ovs: OvsOptions;
  readonly #log: Log;
  readonly #scope: Scope;
  readonly #plan: PlanTables;
  readonly #exceptions = new Map<Verdict, bigint>();
  #parts: { readonly facts: SwitchFacts; readonly program: Program; readonly feed: SwitchFeed } | undefined;
  readonly #ports: SwitchPorts;
  #counters: DataplaneCounters;
  #countedAt = Number.NEGATIVE_INFINITY;
  #generation = 0;
  #releasing: Promise<void> | undefined;
  #release: () => void = () => undefined;
  adopted = false;

  constructor(options: DataplaneOptions, ovs: OvsOptions, log: Log, scope: Scope) {
    this.#options = options;
    this.#ovs = ovs;
    this.#log = log;
    this.#scope = scope;
    this.#plan = new PlanTables(options.domain, options.maxCapabilities);
    this.#ports = new SwitchPorts(ovs, options.locator);
    this.#counters = countersOf(this.#counted([], []));
  }

  async start(): Promise<void> {
    const { locator, tunnelMtu, domain, ports } = this.#options;
    const tunnels = await this.#ports.arrange(ports);
    const longestFrame = tunnelMtu - IPV6_LENGTH - VXLAN_HEADERS + ETHERNET_LENGTH;
    const facts: SwitchFacts = { locator, ...tunnels, stackMac: macOf(locator), longestFrame };
    const program = new Program(this.#plan, domain, facts);
    const feed = new SwitchFeed(join(dirname(this.#ovs.database), `${this.#ovs.bridge}.mgmt`), {
      log: this.#log,
      onPacket: (packet) => this.#onPacket(packet),
      everything: () => program.everything(this.#generation),
      meters: () => program.meters(),
    });
    this.#scope.own(feed);
    this.#parts = { facts, program, feed };
    program.setPorts([...this.#ports.known.values()]);
    const found = adoptableFrom(await feed.open(), program.madeFor);
    if (found !== undefined) {
      program.adopt(found.operations);
      this.#generation = found.generation;
      this.adopted = found.generation > 0;
    }
    if (found?.exact !== true) feed.replay();
    if (program.holds) this.#releaseSoon();
    await feed.settled();
    const timer = setInterval(() => void this.#lookAgain(), LOOK_AGAIN_MS).unref();
    this.#scope.defer(() => clearInterval(timer));
    this.#log.info("dataplane.ovs.started", {
      bridge: this.#ovs.bridge,
      adopted: this.adopted,
      generation: this.#generation,
    });
  }

  get aggregates(): number {
    return this.#plan.sizes.aggregates;
  }

  get limits(): readonly string[] {
    const { bridge } = this.#ovs;
    const found = this.ports.flatMap(({ interface: name, reason }) => (reason ? [`${name}: ${reason}.`] : []));
    const own = formatIpv6(this.#options.locator);
    if (!networkInterfaces()[bridge]?.some(({ address }) => address === own))
      found.push(
        `The interface ${bridge} is down or has not the address ${own}, so nothing comes out of tunnels: ip link set ${bridge} up; ip address add ${own}/128 dev ${bridge}; the addresses of the ports belong there too.`,
      );
    const unusable = new Set<string>();
    for (const [, { nextHop }] of this.#plan.plannedNextHops()) {
      const reason = whyUnusable(nextHop);
      if (reason !== undefined) unusable.add(reason);
    }
    for (const reason of unusable) found.push(`Tunnels of the plan are not used: ${reason}.`);
    return [...found, ...LIMITS];
  }

  get ports(): readonly PortReport[] {
    return this.#ports.reports.map((report) => ({ ...report, adopted: this.adopted }));
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
    const { program, feed } = this.#running();
    for (const [position, operation] of operations.entries()) feed.push(program.apply(operation, position));
    this.#generation = generation;
    feed.push([program.generation(generation)]);
    if (program.holds) this.#releaseSoon();
  }

  /** After the switch has counted what came before. */
  #releaseSoon(): void {
    this.#releasing ??= new Promise((resolve) => {
      const timer = setTimeout(() => this.#release(), COUNTED_AFTER_MS);
      this.#release = () => {
        clearTimeout(timer);
        this.#release = () => undefined;
        this.#releasing = undefined;
        const { program, feed } = this.#running();
        feed.push(program.release());
        resolve();
      };
    });
  }

  setHealth(nextHop: NextHopIndex, state: NextHopState): void {
    const { program, feed } = this.#running();
    feed.pushNow(program.setState(nextHop, state));
  }

  tunnelTo(locator: Ipv6Address): NextHopIndex | undefined {
    return findTunnel(this.#plan, locator);
  }

  stateWord(_nextHop: NextHopIndex): undefined {}

  async changePorts(ports: readonly PortOptions[]): Promise<void> {
    const { feed } = this.#running();
    await this.#ports.arrange(ports);
    this.#setPorts();
    await feed.settled();
  }

  #setPorts(): void {
    const { program, feed } = this.#running();
    feed.push([...program.setPorts([...this.#ports.known.values()]), program.generation(this.#generation)]);
  }

  counters(): DataplaneCounters {
    if (performance.now() - this.#countedAt > COUNTERS_AGE_MS)
      this.count().catch((cause: unknown) =>
        this.#log.debug("dataplane.ovs.not-counted", { reason: messageOf(cause) }),
      );
    return this.#counters;
  }

  async count(): Promise<void> {
    this.#countedAt = performance.now();
    const { feed } = this.#running();
    const flows = [];
    for (const table of COUNTING_TABLES) flows.push(...(await feed.flows(table)));
    this.#counters = countersOf(this.#counted(flows, await feed.meters()));
  }

  #counted(flows: Counted["flows"], meters: Counted["meters"]): Counted {
    const tunnels = new Set<NextHopIndex>();
    for (const [index, { nextHop }] of this.#plan.plannedNextHops()) if (nextHop.kind === "tunnel") tunnels.add(index);
    return { flows, meters, tunnels, exceptions: this.#exceptions, policies: this.#plan.plannedPolicies() };
  }

  async settled(): Promise<void> {
    await this.#releasing;
    await this.#running().feed.settled();
  }

  async remove(): Promise<void> {
    await this[Symbol.asyncDispose]();
    using database = await connectDatabase(this.#ovs.database);
    await removeBridge(database, this.#ovs.bridge);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#release();
    await this.#scope[Symbol.asyncDispose]();
  }

  #running() {
    if (this.#parts === undefined) throw new Error("the data plane has not started");
    return this.#parts;
  }

  /** Interfaces come and go, and Open vSwitch with them. */
  async #lookAgain(): Promise<void> {
    try {
      if (!(await this.#ports.lookAgain())) return;
      this.#log.info("dataplane.ovs.ports", { ports: this.ports });
      this.#setPorts();
    } catch (cause) {
      this.#log.debug("dataplane.ovs.not-looked", { reason: messageOf(cause) });
    }
  }

  #onPacket(packet: PacketIn): void {
    const { facts, feed } = this.#running();
    const { domain, locator, hashSeed, tunnelMtu } = this.#options;
    const exception = exceptionOf(
      packet,
      this.#ports.known.get(packet.inPort),
      {
        ...{
          domain,
          locator,
          hashSeed,
          plan: asCarriedOut(this.#plan),
          flows: NOTHING,
          returns: NOTHING,
          transitions: NOTHING,
        },
        ...{ tunnelMtu, mayAnswer: true, now: 0, turn: 0, fragments: NOTHING },
        route: () => ({ mtu: 65_535 }),
        left: () => ({ packets: Number.POSITIVE_INFINITY, octets: Number.POSITIVE_INFINITY }),
      },
      facts,
    );
    if (exception === undefined) return;
    this.#exceptions.set(exception.verdict, (this.#exceptions.get(exception.verdict) ?? 0n) + 1n);
    if (exception.answer !== undefined) feed.sendNow(exception.answer);
  }
}
