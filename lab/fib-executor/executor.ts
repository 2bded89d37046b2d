import {
  type ServerDuplexStream,
  type ServiceDefinition,
  status,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { formatIpv6, octetsEqual, parseIpv6Prefix } from "../../src/base/index.ts";
import {
  DataplaneError,
  type DataplaneOptions,
  type FromExecutor,
  fibService,
  fromMessage,
  type HelloMessage,
  type MemoryDataplane,
  type OperationMessage,
  operationsOfSnapshot,
  PROTOCOL_VERSION,
  REFUSAL,
  type RefusalMessage,
  ROLES,
  type SettingsMessage,
  STATES,
  startMemoryDataplane,
  type ToExecutor,
  toMessage,
  type WelcomeMessage,
} from "../../src/dataplane/index.ts";

type Call = ServerDuplexStream<ToExecutor, FromExecutor>;

const SILENT = { error() {}, warn() {}, info() {}, debug() {} };
/** Operations that may be underway; refusals are kept for as many, in case that an acknowledgement gets lost. */
const WINDOW = 1024;

export interface Plan {
  readonly planId: Uint8Array;
  readonly dataplane: MemoryDataplane;
  sequence: number;
  generation: number;
  /** Those of the last operations. */
  refusals: readonly RefusalMessage[];
}

/** An executor that carries the plan out with the reference model of the pass. It holds one plan, for one router at a time. */
export class Executor {
  readonly service: ServiceDefinition = fibService();
  readonly implementation: UntypedServiceImplementation = { Program: (call: Call) => this.program(call) };
  /** The plan in effect; absent before the first Hello. */
  held: Plan | undefined;
  /** The plan that is being handed over. */
  protected staging: Plan | undefined;
  protected settings: SettingsMessage | undefined;
  protected session: { readonly call: Call; readonly router: string } | undefined;

  /** The highest version of the protocol. */
  readonly speaks: number = PROTOCOL_VERSION;
  /** What a real one cannot, by the names of `features.ts`; it refuses what asks for it. */
  readonly cannot: WelcomeMessage["cannot"] = [];

  /** What a real one finds out by itself about a next hop, at its ports. */
  report(nextHop: number, unreachable: boolean, reason: string): void {
    this.session?.call.write({ next_hop: { next_hop: nextHop, unreachable, reason } });
  }

  protected program(call: Call): void {
    call.on("data", (message: ToExecutor) => {
      try {
        this.take(call, message);
      } catch (cause) {
        call.emit("error", { code: status.FAILED_PRECONDITION, details: cause instanceof Error ? cause.message : "" });
      }
    });
    call.on("end", () => call.end());
  }

  protected take(call: Call, { message, ...said }: ToExecutor): void {
    if (message === "hello") {
      this.hello(call, said.hello!);
      return;
    }
    const { held, settings } = this;
    if (held === undefined || settings === undefined || this.session?.call !== call)
      throw new Error("Hello comes first");
    switch (message) {
      case "resume":
        if (Number(said.resume!.sequence) !== held.sequence) throw new Error(`it came to ${held.sequence}`);
        break;
      case "snapshot_begin":
        this.staging = this.nothing(settings, said.snapshot_begin!.plan_id);
        break;
      case "operations": {
        const { operations, generation, completes } = said.operations!;
        const [plan, first] = [this.staging ?? held, Number(said.operations!.first)];
        if (first !== plan.sequence + 1) throw new Error(`operation ${first} came after ${plan.sequence}`);
        const refusals = operations.flatMap((each, i) => this.carryOut(plan, each, first + i));
        plan.sequence += operations.length;
        if (completes) plan.generation = Number(generation);
        plan.refusals = [...plan.refusals, ...refusals].slice(-WINDOW);
        call.write({ acknowledged: { through: plan.sequence, refusals } });
        break;
      }
      case "snapshot_end": {
        const [plan, end] = [this.staging, Number(said.snapshot_end!.sequence)];
        if (plan === undefined || end !== plan.sequence + 1) throw new Error("this ends no plan that was begun");
        this.held = Object.assign(plan, { sequence: end, generation: Number(said.snapshot_end!.generation) });
        this.staging = undefined;
        call.write({ acknowledged: { through: end, refusals: [] } });
        break;
      }
      case "health": {
        const { number, next_hop: index, state } = said.health!;
        const known = held.dataplane.plan.plannedNextHop(index) !== undefined && STATES[state] !== undefined;
        if (known) held.dataplane.setHealth(index, STATES[state]!);
        call.write({
          health_done: { number, refused: known ? "" : `there is no next hop ${index}, or no such state` },
        });
        break;
      }
      case "counters": {
        const { verdicts, nextHops } = held.dataplane.counters();
        const next_hops = Array.from(nextHops, ([index, { packets, bytes, flows }]) => ({
          ...{ next_hop: index, packets: String(packets), bytes: String(bytes), flows: String(flows) },
        }));
        const named = Array.from(verdicts, ([name, packets]) => ({ name, packets: String(packets) }));
        call.write({ counters: { number: said.counters!.number, verdicts: named, next_hops } });
        break;
      }
      case "ports":
        this.settings = { ...settings, ports: said.ports!.ports };
        void held.dataplane.changePorts(optionsOf(this.settings).ports);
        call.write({ ports_done: { number: said.ports!.number, ports: this.portReports() } });
        break;
      case "read": {
        const { number } = said.read!;
        const operations = [...operationsOfSnapshot(held.dataplane.snapshot())].map(toMessage);
        for (let at = 0; at < operations.length; at += 256)
          call.write({ held: { number, operations: operations.slice(at, at + 256), done: false } });
        call.write({ held: { number, operations: [], done: true } });
      }
    }
  }

  protected hello(call: Call, { version, router, settings, plan_id: planId, sequence }: HelloMessage): void {
    if (this.session !== undefined && this.session.router !== router && !this.session.call.destroyed)
      throw new Error(`it works for ${this.session.router}`);
    this.session?.call.end();
    this.session = { call, router };
    this.staging = undefined;
    if (this.held === undefined || !sameSettings(this.settings!, settings)) this.held = this.nothing(settings);
    this.settings = settings;
    const { held } = this;
    void held.dataplane.changePorts(optionsOf(settings).ports);
    const isKnown = octetsEqual(Uint8Array.from(planId), Uint8Array.from(held.planId));
    const unheard = isKnown ? held.refusals.filter((each) => Number(each.sequence) > Number(sequence)) : [];
    call.write({
      welcome: {
        version: Math.min(version, this.speaks),
        ...{ name: "semrd reference executor", plan_id: held.planId, sequence: held.sequence },
        ...{ generation: held.generation, refusals: unheard, window: WINDOW, cannot: this.cannot },
        ports: this.portReports(),
      },
    });
  }

  /** The refusal of one operation, if it is refused. */
  protected carryOut({ dataplane }: Plan, message: OperationMessage, sequence: number): readonly RefusalMessage[] {
    const operation = fromMessage(message);
    if (typeof operation === "string") return [{ sequence, code: REFUSAL.malformed, reason: operation }];
    try {
      dataplane.apply([operation], 0);
      return [];
    } catch (cause) {
      if (!(cause instanceof DataplaneError)) throw cause;
      const isFull = cause.code === "dataplane.table-full";
      const isAbsent = operation.type.startsWith("remove-") && /there is no/.test(cause.message);
      const code = isFull ? REFUSAL.tableFull : isAbsent ? REFUSAL.notFound : REFUSAL.notAllowed;
      return [{ sequence, code, reason: cause.message }];
    }
  }

  protected nothing(settings: SettingsMessage, planId: Uint8Array = new Uint8Array()): Plan {
    const dataplane = startMemoryDataplane(optionsOf(settings), { log: SILENT });
    return { planId, dataplane, sequence: 0, generation: 0, refusals: [] };
  }

  protected portReports() {
    return this.settings!.ports.map((port) => ({ interface: port.interface, attached: true, reason: "a model" }));
  }
}

function optionsOf({ ports, ...settings }: SettingsMessage): DataplaneOptions {
  const domain = new Uint8Array(16);
  domain.set(settings.domain);
  return {
    domain: parseIpv6Prefix(`${formatIpv6(domain)}/48`)!,
    locator: Uint8Array.from(settings.locator),
    hashSeed: settings.hash_seed,
    tunnelMtu: settings.tunnel_mtu,
    maxCapabilities: settings.max_capabilities,
    pinDirectory: "",
    ports: ports.map(
      ({ interface: name, role, tenant_index: tenantIndex, checks_sources: checked, sources, ...port }) => ({
        ...{ interface: name, role: ROLES[role]!, tenantIndex, hook: "auto" as const, acceptTags: port.accepts_tags },
        clampMss: port.clamps_mss,
        ...(checked
          ? {
              sources: sources.map(({ address, length, tenant_index: tenant }) => {
                return { prefix: { address: Uint8Array.from(address), length }, tenantIndex: tenant };
              }),
            }
          : {}),
      }),
    ),
  };
}

/** Ports may change under a plan; nothing else may. */
function sameSettings(a: SettingsMessage, b: SettingsMessage): boolean {
  return JSON.stringify({ ...a, ports: [] }) === JSON.stringify({ ...b, ports: [] });
}
