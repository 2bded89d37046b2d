import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Log, messageOf } from "../../base/index.ts";
import type { PortOptions, PortReport } from "../driver.ts";
import { noSuchPort } from "../error.ts";
import type { PassPort } from "../memory/outcome.ts";
import type { AttachmentParts } from "./attachment.ts";
import { detachPinned } from "./detach.ts";
import { removeFilters } from "./filter-records.ts";
import { Port } from "./port.ts";
import { PortWatch, type Touched } from "./port-watch.ts";

/** Longest piece of looking. */
const SLICE_MS = 2;

/**
 * The programs on the configured interfaces. When the kernel tells of one, looks whether it has come, gone, or come back as
 * another one, whether its programs are still there, and what others put where packets leave it; each second for those that are
 * missing, and for links and tcx programs, of which the kernel tells nobody.
 */
export class Ports implements AsyncDisposable {
  readonly #parts: AttachmentParts;
  readonly #log: Log;
  readonly #watch: PortWatch;
  #ports: readonly Port[];
  #waits: string | undefined;
  /** What is in the place of a clsact filter is an earlier process's, to be replaced, until the first time is over. */
  #keepsFilters = false;

  /** On none of them yet. */
  constructor(options: readonly PortOptions[], parts: AttachmentParts, log: Log) {
    this.#parts = parts;
    this.#log = log;
    this.#watch = new PortWatch(parts.native.bpf, (touched) => this.#lookAtAll(touched));
    this.#ports = options.map((port) => this.#fresh(port));
  }

  #fresh(options: PortOptions): Port {
    const port: Port = new Port(options, {
      parts: this.#parts,
      log: this.#log,
      keepsFilters: () => this.#keepsFilters,
      changed: () => this.#writeEntries(),
      free: (ifindex) => {
        for (const other of this.#ports)
          if (other !== port && other.attachment?.report.ifindex === ifindex) other.lose();
      },
    });
    return port;
  }

  /**
   * Attaches to every interface that is there; the others are attached when they come. A refusal takes back what this call
   * had newly attached.
   * @throws {DataplaneError} as `attach`.
   */
  take(): Promise<void> {
    return this.#watch.inTurn(async () => {
      try {
        for (const port of this.#ports) await port.look();
      } catch (cause) {
        for (const port of this.#ports) port.takeBack();
        if (this.#waits !== undefined) {
          const reason = `${this.#waits}; it was tried, but ${messageOf(cause)}`;
          for (const port of this.#ports) port.waitFor(reason);
        }
        throw cause;
      }
      this.#waits = undefined;
      for (const { attachment, report } of this.#ports)
        if (attachment === undefined)
          this.#log.warn("dataplane.port.missing", { interface: report.interface, reason: report.reason });
      this.#detachStale();
      this.#keepsFilters = true;
      this.#watch.begin();
    });
  }

  /** Leaves the programs of an earlier process where they are until {@link take}; `reason` says why. */
  wait(reason: string): void {
    this.#waits = reason;
    for (const port of this.#ports) port.waitFor(reason);
  }

  /**
   * The port as the pass sees it.
   * @throws {DataplaneError} `dataplane.no-such-port`
   */
  attached(name: string): PassPort & { readonly hook: "xdp" | "tc" } {
    const port = this.#ports.find(({ options }) => options.interface === name);
    if (port?.attachment === undefined) throw noSuchPort(name, this.reports, port?.report.reason);
    const { options, attachment } = port;
    const { role, tenantIndex, sources, clampMss, acceptTags } = options;
    const hook = attachment.report.hook.startsWith("xdp") ? "xdp" : "tc";
    const pass = {
      hook,
      role,
      tenantIndex,
      partialChecksums: attachment.partial,
      clampsMss: clampMss === true,
      acceptsTags: acceptTags === true,
    } as const;
    return sources === undefined ? pass : { ...pass, sources };
  }

  /** Tenants behind ports. */
  get tenants(): readonly number[] {
    return this.#ports
      .flatMap(({ options }) => [options.tenantIndex, ...(options.sources ?? []).map(({ tenantIndex }) => tenantIndex)])
      .filter((tenantIndex) => tenantIndex !== 0);
  }

  /** Whether the way to this router's own stack is there. */
  get hasOwn(): boolean {
    return this.#ports.some(({ options, attachment }) => options.own === true && attachment !== undefined);
  }

  get reports(): readonly PortReport[] {
    return this.#ports.map(({ report }) => report);
  }

  /**
   * Makes these the ports: attaches to new ones, takes the program off those that are gone, and leaves the others alone. Another
   * role or tenant is one store; another hook is taken after the old one is given up.
   * @throws {DataplaneError} as `attach`; the ports are those of before then
   */
  change(options: readonly PortOptions[]): Promise<void> {
    return this.#watch.inTurn(() => this.#changeTo(options));
  }

  async #changeTo(options: readonly PortOptions[]): Promise<void> {
    if (this.#waits !== undefined) {
      this.#ports = options.map((port) => this.#fresh(port));
      this.wait(this.#waits);
      return;
    }
    const before = this.#ports.map((port) => ({ port, options: port.options }));
    const known = new Map(before.map(({ port }) => [port.options.interface, port]));
    const next = options.map((wanted): Port => {
      const port = known.get(wanted.interface);
      return port?.isHookedAs(wanted) ? port : this.#fresh(wanted);
    });
    const gone = this.#ports.filter((port) => !next.includes(port));
    const rehooked = gone.filter((port) => options.some(({ interface: name }) => name === port.options.interface));
    try {
      for (const port of rehooked) port.giveUp();
      this.#ports = next;
      for (const [i, port] of next.entries()) port.options = options[i]!;
      for (const port of next) await port.look();
    } catch (cause) {
      for (const port of next) if (!before.some((old) => old.port === port)) port.giveUp();
      this.#ports = before.map(({ port }) => port);
      for (const { port, options: old } of before) port.options = old;
      for (const port of this.#ports) await port.look();
      this.#writeEntries();
      throw cause;
    }
    for (const port of gone) port.giveUp();
    this.#writeEntries();
  }

  /** Takes every program off and removes the pins. */
  async detachAll(): Promise<void> {
    await this.#watch[Symbol.asyncDispose]();
    if (this.#waits !== undefined) {
      this.#ports = [];
      this.#detachStale();
    }
    for (const port of this.#ports) port.remove();
  }

  /** The programs stay where they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch[Symbol.asyncDispose]();
    for (const port of this.#ports) port.letGo();
  }

  async #lookAtAll({ indexes, all }: Touched): Promise<void> {
    const ports = this.#ports;
    for (const port of ports) {
      const index = port.attachment?.report.ifindex;
      if (all || index === undefined || indexes.has(index)) port.touch();
    }
    let until = performance.now() + SLICE_MS;
    for (const port of ports) {
      await port.lookIfDue();
      if (performance.now() < until) continue;
      await new Promise((resolve) => setImmediate(resolve));
      until = performance.now() + SLICE_MS;
    }
  }

  /** Tenants of ports have other policies now. */
  refresh(): void {
    this.#writeEntries();
  }

  #writeEntries({ alone = false }: { readonly alone?: boolean } = {}): void {
    const { table, sources: map, policyOf } = this.#parts;
    const attached = this.#ports.flatMap(({ options, attachment, handOver }) =>
      attachment === undefined ? [] : [{ options, attachment, handOver, ifindex: attachment.report.ifindex }],
    );
    const indexes = new Set(attached.map(({ ifindex }) => ifindex));
    const entries = attached.flatMap(({ options, ifindex }) =>
      (options.sources ?? []).map((source) => ({ ...source, ifindex, policy: policyOf(source.tenantIndex) })),
    );
    const concerns = (ifindex: number): boolean => alone || indexes.has(ifindex);
    map.replace(entries, concerns, () => {
      for (const { options, attachment, handOver, ifindex } of attached) {
        const { role, tenantIndex, sources, clampMss, acceptTags: vlans = false } = options;
        const policy = policyOf(tenantIndex);
        const checked = { sources: sources !== undefined, clamp: clampMss === true, vlans, policy };
        const { redirectable: direct, partial } = attachment;
        table.set(ifindex, { role, tenantIndex, direct, partial, peer: handOver.allowed, ...checked });
      }
    });
  }

  /** Programs that an earlier process left on interfaces that are no ports any more. */
  #detachStale(): void {
    const { native, links, records, table } = this.#parts;
    const used = this.#ports.flatMap(({ attachment }) => attachment ?? []);
    const usedPins = new Set(used.flatMap(({ pin, edge }) => [pin, ...edge.map((program) => program.pin)]));
    for (const name of readdirSync(links).filter((name) => !usedPins.has(join(links, name)))) {
      this.#log.info("dataplane.port.detached", { pin: name });
      detachPinned(native, join(links, name));
    }
    removeFilters(native, records, usedPins);
    const usedIndexes = new Set(used.map(({ report }) => report.ifindex));
    for (const ifindex of table.indexes().filter((index) => !usedIndexes.has(index))) table.clear(ifindex);
    this.#writeEntries({ alone: true });
  }
}
