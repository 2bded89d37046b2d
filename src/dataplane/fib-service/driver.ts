import {
  type Clock,
  formatIpv6,
  type Ipv6Address,
  type Log,
  type Metrics,
  type Milliseconds,
  milliseconds,
  type Random,
} from "../../base/index.ts";
import type {
  HeldPlan,
  NextHopIndex,
  NextHopState,
  Operation,
  PlannedNextHop,
  PlanSnapshot,
  PlanView,
} from "../../forwarding/index.ts";
import { VERDICTS } from "../abi.ts";
import type {
  DataplaneCounters,
  DataplaneDriver,
  DataplaneOptions,
  NextHopCounters,
  NextHopNews,
  PortOptions,
  PortReport,
} from "../driver.ts";
import { FEATURES, type Feature } from "../features.ts";
import { findTunnel } from "../find-tunnel.ts";
import { PlanTables } from "../memory/plan-tables.ts";
import { type ExecutorAddress, ExecutorChannel } from "./channel.ts";
import { Conversation } from "./conversation.ts";
import { ExecutorLog } from "./executor-log.ts";
import {
  type CountersMessage,
  type FromExecutor,
  type PortReportMessage,
  SINCE,
  type WelcomeMessage,
} from "./messages.ts";
import { PlanHistory } from "./plan-history.ts";
import type { ExecutorReport } from "./report.ts";
import { type SessionDeadlines, textOf } from "./session.ts";
import { portMessage } from "./wire.ts";

export interface FibServiceOptions extends DataplaneOptions {
  readonly executor: ExecutorAddress;
  /** By which the executor knows its router again. */
  readonly router: string;
  /** `start`: how long a start waits for what the executor has; `audit`: how often it is looked at whether it has what it acknowledged. */
  readonly deadlines?: Partial<SessionDeadlines & { readonly start: Milliseconds; readonly audit: Milliseconds }>;
}

export interface FibServiceDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Afterwards the router works on, and the executor gets its plan later. */
const FIRST_SESSION = milliseconds(10_000);
/** Operations that wait to be sent: above, their maker is held back. */
const HOLD_BACK_ABOVE = 4096;
const SHOWN_REFUSALS = 8;
const NONE: NextHopCounters = { packets: 0n, bytes: 0n, flows: 0n };

/** A data plane that somebody else's executor carries out, behind the same port as ours. */
export interface FibServiceDataplane extends DataplaneDriver {
  readonly name: "fib-service";
  readonly executor: ExecutorReport;
  /** Resolves once the executor has answered everything that was said so far; never while it is away. */
  settled(): Promise<void>;
  /** Asks for counters now, and resolves when they are here, or the session has ended. */
  refreshCounters(): Promise<void>;
}

/**
 * Begins to work with an executor. One that cannot be reached is tried again for ever; what it holds of an earlier process is
 * taken over if it is reached within ten seconds.
 *
 * @throws {Error} for certificates that cannot be used
 */
export async function startFibServiceDataplane(
  options: FibServiceOptions,
  dependencies: FibServiceDependencies,
): Promise<FibServiceDataplane> {
  const channel = await ExecutorChannel.open(options.executor);
  const driver = new FibServiceDriver(options, dependencies, channel);
  await driver.firstSession(dependencies.clock);
  return driver;
}

class FibServiceDriver implements FibServiceDataplane {
  readonly name = "fib-service";
  adopted = false;
  ports: readonly PortReport[];
  cannot: ReadonlyMap<Feature, string> = new Map();
  readonly #options: FibServiceOptions;
  readonly #log: ExecutorLog;
  readonly #history: PlanHistory;
  readonly #conversation: Conversation;
  readonly #unreachable = new Map<NextHopIndex, string>();
  readonly #counting: (() => void)[] = [];
  #nextHopNews: (news: NextHopNews) => void = () => undefined;
  #counters: CountersMessage | undefined;

  constructor(options: FibServiceOptions, parts: FibServiceDependencies, channel: ExecutorChannel) {
    this.#options = options;
    this.ports = options.ports.map((port) => reportOf(port, undefined));
    this.#log = new ExecutorLog(this.#address, parts);
    this.#history = new PlanHistory(new PlanTables(options.domain, options.maxCapabilities));
    this.#conversation = new Conversation(options, {
      ...{ ...parts, channel, history: this.#history, executorLog: this.#log },
      observer: {
        begun: (welcome) => this.#begun(welcome),
        adopted: () => {
          this.adopted = true;
        },
        lost: () => this.#lost(),
        counters: (message) => this.#countersCame(message),
        ports: (ports) => this.#portsCame(ports),
        nextHop: (message) => this.#nextHopCame(message),
      },
    });
  }

  get #address(): string {
    const { host, port } = this.#options.executor;
    return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  }

  async firstSession(clock: Clock): Promise<void> {
    const { first } = this.#conversation;
    const timer = clock.after(this.#options.deadlines?.start ?? FIRST_SESSION, () => first.resolve());
    await first.promise;
    timer.cancel();
  }

  get executor(): ExecutorReport {
    const unreachable = Array.from(this.#unreachable, ([nextHop, reason]) => ({ nextHop, reason }));
    return { ...this.#conversation.report(this.#address), unreachable };
  }

  /** Those that the executor has no room for are held here, and said in `cannot`: another executor may have. */
  get aggregates(): number {
    return this.#history.tables.sizes.aggregates;
  }

  get limits(): readonly string[] {
    const { state, lastError, refused, differences } = this.executor;
    const limits = Array.from(this.cannot, ([feature, why]) => `The executor cannot: ${FEATURES[feature]} (${why}).`);
    if (state === "connecting")
      limits.push(`The executor at ${this.#address} is away (${lastError ?? "not reached yet"}): it gets no change.`);
    if (state === "waiting")
      limits.push(`The executor at ${this.#address} has the plan of an earlier process until routes are known.`);
    for (const { object, reason } of refused.slice(0, SHOWN_REFUSALS))
      limits.push(`The executor refuses ${object}: ${reason}.`);
    if (differences > SHOWN_REFUSALS)
      limits.push(`The executor refuses ${differences - SHOWN_REFUSALS} more parts of the plan.`);
    for (const [index, reason] of this.#unreachable)
      limits.push(`The executor finds next hop ${index} unreachable: ${reason}.`);
    return limits;
  }

  get plan(): PlanView {
    return {
      plannedNextHop: (index) => this.#effective(index, this.#history.tables.plannedNextHop(index)),
      plannedNextHops: () => this.#effectiveNextHops(),
      plannedGroup: (index) => this.#history.tables.plannedGroup(index),
      plannedCapabilities: () => this.#history.tables.plannedCapabilities(),
      plannedCapability: (address) => this.#history.tables.plannedCapability(address),
      plannedAggregates: () => this.#history.tables.plannedAggregates(),
      plannedPolicy: (index) => this.#history.tables.plannedPolicy(index),
    };
  }

  /** With what the executor found out by itself. */
  #effective(index: NextHopIndex, planned: PlannedNextHop | undefined): PlannedNextHop | undefined {
    return planned !== undefined && this.#unreachable.has(index) ? { ...planned, state: "down" } : planned;
  }

  *#effectiveNextHops(): Generator<readonly [NextHopIndex, PlannedNextHop]> {
    for (const [index, planned] of this.#history.tables.plannedNextHops())
      yield [index, this.#effective(index, planned)!];
  }

  /** What the executor has once it is in step: the plan, with what it found unreachable as down. */
  held(): HeldPlan {
    const { tables, generation } = this.#history;
    return { ...tables.held(generation), nextHops: this.#effectiveNextHops() };
  }

  snapshot(): PlanSnapshot {
    const snapshot = this.#history.tables.snapshot(this.#history.generation);
    return { ...snapshot, nextHops: new Map(this.#effectiveNextHops()) };
  }

  apply(operations: readonly Operation[], generation: number): void {
    try {
      this.#history.apply(operations, generation);
    } finally {
      for (const operation of operations)
        if (operation.type === "remove-next-hop") this.#unreachable.delete(operation.index);
      this.#conversation.session?.pump();
    }
  }

  setHealth(nextHop: NextHopIndex, state: NextHopState): void {
    const isFast = this.#history.setState(nextHop, state);
    const { session } = this.#conversation;
    if (isFast) session?.health(nextHop, state);
    session?.pump();
  }

  watchNextHops(listener: (news: NextHopNews) => void): void {
    this.#nextHopNews = listener;
  }

  get isFull(): boolean {
    return this.#history.connected && this.#history.waiting > HOLD_BACK_ABOVE;
  }

  whenRoom(resume: () => void): void {
    this.#conversation.whenRoom(resume);
  }

  converged(): void {
    this.#conversation.converged();
  }

  tunnelTo(locator: Ipv6Address): NextHopIndex | undefined {
    return findTunnel(this.#history.tables, locator);
  }

  stateWord(_nextHop: NextHopIndex): undefined {}

  async changePorts(ports: readonly PortOptions[]): Promise<void> {
    this.#conversation.ports = ports;
    this.ports = ports.map((port) => reportOf(port, undefined));
    this.#conversation.session?.changePorts(ports.map(portMessage));
  }

  counters(): DataplaneCounters {
    const verdicts = new Map<string, bigint>(VERDICTS.map((verdict) => [verdict, 0n]));
    for (const { name, packets } of this.#counters?.verdicts ?? []) verdicts.set(name, BigInt(packets));
    const nextHops = new Map<NextHopIndex, NextHopCounters>();
    for (const index of this.#history.tables.nextHopIndexes()) nextHops.set(index, NONE);
    for (const { next_hop: index, packets, bytes, flows } of this.#counters?.next_hops ?? [])
      if (nextHops.has(index))
        nextHops.set(index, { packets: BigInt(packets), bytes: BigInt(bytes), flows: BigInt(flows) });
    return { verdicts, nextHops };
  }

  settled(): Promise<void> {
    return this.#conversation.settled();
  }

  async refreshCounters(): Promise<void> {
    const { session } = this.#conversation;
    if (session === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#counting.push(resolve);
    session.askCounters();
    await promise;
  }

  /** Empties the executor, if it can be reached. */
  async remove(): Promise<void> {
    const { domain, maxCapabilities } = this.#options;
    this.#history.tables = new PlanTables(domain, maxCapabilities);
    const { session } = this.#conversation;
    if (session !== undefined) {
      this.#conversation.handOverWhole();
      await Promise.race([this.settled(), session.ended]);
    }
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#conversation[Symbol.asyncDispose]();
  }

  #begun({ version, name, cannot, ports }: WelcomeMessage): void {
    const known = cannot.filter(({ feature }) => Object.hasOwn(FEATURES, feature));
    const lacking = new Map(known.map(({ feature, reason }) => [feature as Feature, textOf(reason)]));
    for (const [feature, since] of Object.entries(SINCE) as [Feature, number][])
      if (version < since) lacking.set(feature, `it speaks version ${version} of the protocol, which has it not`);
    this.cannot = lacking;
    this.#history.carriesAggregates = !lacking.has("aggregates");
    this.#portsCame(ports);
    this.#log.begun(name, this.cannot);
  }

  #lost(): void {
    this.#unreachable.clear();
    for (const resolve of this.#counting.splice(0)) resolve();
  }

  #countersCame(message: CountersMessage): void {
    this.#counters = message;
    for (const resolve of this.#counting.splice(0)) resolve();
  }

  #portsCame(ports: readonly PortReportMessage[]): void {
    const byName = new Map(ports.map((port) => [port.interface, port]));
    this.ports = this.#conversation.ports.map((port) => reportOf(port, byName.get(port.interface)));
  }

  #nextHopCame({ next_hop: index, unreachable, reason }: NonNullable<FromExecutor["next_hop"]>): void {
    const planned = this.#history.tables.plannedNextHop(index);
    if (planned === undefined) return;
    if (unreachable) this.#unreachable.set(index, textOf(reason));
    else this.#unreachable.delete(index);
    const { nextHop } = planned;
    const towards = nextHop.kind === "tunnel" ? formatIpv6(nextHop.locator) : nextHop.kind;
    this.#log.nextHop({ index, towards, unreachable, reason: textOf(reason) });
    this.#nextHopNews({ nextHop, unreachable, reason: textOf(reason) });
  }
}

function reportOf(
  { interface: name, role, tenantIndex }: PortOptions,
  said: PortReportMessage | undefined,
): PortReport {
  const reason = said === undefined ? "the executor has said nothing of this interface" : textOf(said.reason);
  return {
    ...{ interface: name, ifindex: 0, role, tenantIndex, adopted: false },
    hook: said?.attached === true ? "executor" : "none",
    ...(reason === "" ? {} : { reason }),
  };
}
