import { type Clock, formatIpv6, type Log, type Metrics, milliseconds } from "../base/index.ts";
import type { DataplaneDriver, FlowEvent, FlowWatch } from "../dataplane/index.ts";
import type { FlowRecordRow, FlowRecordsConfiguration, RouterConfiguration } from "../management/index.ts";
import { Collector, type CollectorState, FlowBook, type FlowRecord, type SeenFlow } from "../telemetry/index.ts";
import type { HeardRefused } from "./refused-watch.ts";
import type { RowSources } from "./rows.ts";

export interface FlowRecordsParts {
  readonly driver: DataplaneDriver;
  readonly sources: RowSources;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Told of packets that were refused. */
  readonly refused?: HeardRefused;
}

/** Of a router that records flows. */
export interface FlowRecordsState {
  readonly active: number;
  readonly records: number;
  readonly lost: number;
  readonly unwatched: number;
  readonly collectors: readonly CollectorState[];
}

/** Turns what the data plane tells of flows into records, for whoever asks and for the collectors. */
export class FlowRecords implements AsyncDisposable {
  readonly #options: FlowRecordsConfiguration;
  readonly #parts: FlowRecordsParts;
  readonly #book: FlowBook;
  readonly #watch: FlowWatch;
  readonly #collectors: readonly Collector[];
  readonly #history: FlowRecord[] = [];
  #oldest = 0;
  #records = 0;

  /** `driver` can watch flows. */
  constructor({ site }: RouterConfiguration, options: FlowRecordsConfiguration, parts: FlowRecordsParts) {
    const { driver, clock } = parts;
    this.#options = options;
    this.#parts = parts;
    const { activeTimeout, idleTimeout } = options;
    const timeouts = {
      activeTimeout: milliseconds(activeTimeout * 1000),
      idleTimeout: milliseconds(idleTimeout * 1000),
    };
    this.#collectors = options.collectors.map(
      (collector) => new Collector({ ...collector, observationDomain: site.selector }, parts),
    );
    this.#book = new FlowBook({ ...timeouts, most: options.mostFlows }, clock, (record) => this.#record(record));
    this.#watch = driver.watchFlows!((event) => this.#heard(event));
    this.#watch.tell({ flows: options.flowInterval, refused: options.refusedInterval });
  }

  get state(): FlowRecordsState {
    return {
      active: this.#book.active,
      records: this.#records,
      lost: this.#watch.lost,
      unwatched: this.#book.unwatched,
      collectors: this.#collectors.map(({ state }) => state),
    };
  }

  /** Those that go on, then the last ones, newest first. */
  *rows(): Generator<FlowRecordRow> {
    for (const record of this.#book.records()) yield { ...flowRow(record), state: "active" };
    const kept = this.#history.length;
    for (let i = 1; i <= kept; i++) yield flowRow(this.#history[(this.#oldest + kept - i) % kept]!);
  }

  #heard(event: FlowEvent): void {
    const flow = this.#named(event);
    if (event.kind === "refused") {
      this.#book.refused(flow);
      this.#parts.refused?.(event, flow.interval);
      return;
    }
    const key = `${formatIpv6(event.client)} ${event.clientPort} ${formatIpv6(event.capability)} ${event.capabilityPort} ${event.protocol}`;
    const progress = event.verdict === "delivered" ? () => this.#watch.progress(event) : undefined;
    this.#book.begun(key, flow, progress);
  }

  #named(event: FlowEvent): SeenFlow {
    const { driver, sources, clock } = this.#parts;
    const { names, directory } = sources;
    const isRefused = event.kind === "refused";
    const asked = isRefused ? this.#options.refusedInterval : this.#options.flowInterval;
    const owner = names.address(event.capability);
    const nextHop = isRefused || event.nextHop === 0 ? undefined : driver.plan.plannedNextHop(event.nextHop)?.nextHop;
    const tenantIndex = (event.capability[6]! << 8) | event.capability[7]!;
    const tenant = owner?.tenant ?? names.tenant(tenantIndex);
    const agent = nextHop?.kind === "instance" ? directory.instance(nextHop.instance)?.agent : undefined;
    const router = nextHop?.kind === "tunnel" ? names.router(nextHop.locator) : undefined;
    return {
      at: milliseconds(clock.wall() - Math.max(0, clock.monotonic() - event.at)),
      ...{ client: event.client, clientPort: event.clientPort, address: event.capability, port: event.capabilityPort },
      ...{ protocol: event.protocol, interface: event.ifindex, length: event.length, verdict: event.verdict },
      ...(event.tag === undefined ? {} : { tag: event.tag }),
      ...{ interval: 2 ** Math.ceil(Math.log2(asked)), tenantIndex },
      ...(tenant === undefined ? {} : { tenant }),
      ...(owner === undefined ? {} : { capability: owner.capability }),
      ...(nextHop?.kind === "instance"
        ? { instance: { agent: agent ?? nextHop.instance, address: nextHop.address, port: nextHop.port } }
        : {}),
      ...(nextHop?.kind === "tunnel"
        ? { site: { locator: nextHop.locator, ...(router === undefined ? {} : { name: router }) } }
        : {}),
    };
  }

  #record(record: FlowRecord): void {
    this.#records++;
    for (const collector of this.#collectors) collector.add(record);
    const { history } = this.#options;
    if (this.#history.length < history) this.#history.push(record);
    else if (history > 0) {
      this.#history[this.#oldest] = record;
      this.#oldest = (this.#oldest + 1) % history;
    }
  }

  /** Flows that go on are told of as far as they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#book[Symbol.dispose]();
    this.#watch[Symbol.dispose]();
    for (const collector of this.#collectors) collector[Symbol.dispose]();
  }
}

const PROTOCOLS: Readonly<Record<number, string>> = { 6: "tcp", 17: "udp", 58: "icmpv6" };

function flowRow(record: FlowRecord): FlowRecordRow {
  const { at, until, protocol, instance, site, tenant, capability } = record;
  return {
    state: record.reason,
    began: new Date(at).toISOString(),
    until: new Date(until).toISOString(),
    ...{ client: formatIpv6(record.client), clientPort: record.clientPort },
    ...{ address: formatIpv6(record.address), port: record.port },
    protocol: PROTOCOLS[protocol] ?? String(protocol),
    ...(tenant === undefined ? {} : { tenant }),
    ...(capability === undefined ? {} : { capability }),
    verdict: record.verdict,
    ...(record.tag === undefined ? {} : { tag: record.tag }),
    ...(instance === undefined
      ? {}
      : { agent: instance.agent, agentAddress: formatIpv6(instance.address), agentPort: instance.port }),
    ...(site === undefined ? {} : { site: site.name ?? formatIpv6(site.locator) }),
    ...{ packets: String(record.packets), octets: String(record.octets) },
    ...{ packetsBack: String(record.packetsBack), octetsBack: String(record.octetsBack) },
    interval: record.interval,
  };
}
