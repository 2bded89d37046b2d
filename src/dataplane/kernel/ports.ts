import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Log, messageOf } from "../../base/index.ts";
import type { PortOptions, PortReport } from "../driver.ts";
import { DataplaneError, noSuchPort } from "../error.ts";
import type { PassPort } from "../memory/outcome.ts";
import { type Attachment, type AttachmentParts, attach, unattached } from "./attachment.ts";
import { detach, detachClsact, detachPinned, ignoringGone, letGo } from "./detach.ts";
import { detachClsactEdge, edgePlaces } from "./edge-programs.ts";
import { type HandOver, handOverOf } from "./hand-over.ts";
import { removePin } from "./pins.ts";

const LOOK_AGAIN_MS = 1000;

interface Port {
  options: PortOptions;
  attachment: Attachment | undefined;
  report: PortReport;
  handOver: HandOver;
}

const NO_HAND_OVER: HandOver = { allowed: false };

/**
 * The programs on the configured interfaces. Looks each second whether an interface has come, gone, or come back as another
 * one, and what others put where packets leave it.
 */
export class Ports implements AsyncDisposable {
  readonly #parts: AttachmentParts;
  readonly #log: Log;
  #ports: Port[];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  private constructor(options: readonly PortOptions[], parts: AttachmentParts, log: Log) {
    this.#parts = parts;
    this.#log = log;
    this.#ports = options.map((port) => fresh(port));
  }

  /**
   * Attaches to every interface that is there; the others are attached when they come. A refusal takes back what this call
   * had newly attached.
   * @throws {DataplaneError} as `attach`.
   */
  static async start(options: readonly PortOptions[], parts: AttachmentParts, log: Log): Promise<Ports> {
    const ports = new Ports(options, parts, log);
    try {
      for (const port of ports.#ports) await ports.#look(port);
    } catch (cause) {
      ports.#takeBackNew();
      throw cause;
    }
    for (const { attachment, report } of ports.#ports)
      if (attachment === undefined)
        log.warn("dataplane.port.missing", { interface: report.interface, reason: report.reason });
    ports.#detachStale();
    ports.#timer = setInterval(() => ports.#lookAgain(), LOOK_AGAIN_MS).unref();
    return ports;
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
    const changed = Promise.resolve(this.#looking).then(() => this.#changeTo(options));
    this.#looking = changed
      .catch(() => undefined)
      .finally(() => {
        this.#looking = undefined;
      });
    return changed;
  }

  async #changeTo(options: readonly PortOptions[]): Promise<void> {
    const before = this.#ports.map((port) => ({ port, ...port }));
    const known = new Map(this.#ports.map((port) => [port.options.interface, port]));
    const next = options.map((wanted): Port => {
      const port = known.get(wanted.interface);
      if (port !== undefined && sameHook(port.options, wanted)) return port;
      return fresh(wanted);
    });
    const gone = this.#ports.filter((port) => !next.includes(port));
    const rehooked = gone.filter((port) => options.some(({ interface: name }) => name === port.options.interface));
    try {
      for (const port of rehooked) this.#giveUp(port);
      this.#ports = next;
      for (const [i, port] of next.entries()) this.#take(port, options[i]!);
      for (const port of next) await this.#look(port);
    } catch (cause) {
      for (const port of next) if (!before.some((old) => old.port === port)) this.#giveUp(port);
      this.#ports = before.map(({ port }) => port);
      for (const { port, options: old } of before) this.#take(port, old);
      for (const port of this.#ports) await this.#look(port);
      this.#writeEntries();
      throw cause;
    }
    for (const port of gone) this.#giveUp(port);
    this.#writeEntries();
  }

  /** A port that stays where it is has another role or tenant. */
  #take(port: Port, options: PortOptions): void {
    const { role, tenantIndex } = options;
    port.options = options;
    port.report = { ...port.report, role, tenantIndex };
    const { attachment } = port;
    if (attachment !== undefined)
      port.attachment = { ...attachment, report: { ...attachment.report, role, tenantIndex } };
  }

  #giveUp(port: Port): void {
    const { attachment } = port;
    if (attachment === undefined) return;
    this.#parts.table.clear(attachment.report.ifindex);
    ignoringGone(() => detach(attachment));
    port.attachment = undefined;
    port.handOver = NO_HAND_OVER;
    this.#log.info("dataplane.port.detached", { interface: port.options.interface });
  }

  /** Takes every program off and removes the pins. */
  async detachAll(): Promise<void> {
    await this.#stop();
    for (const port of this.#ports) {
      const { attachment } = port;
      if (attachment === undefined) continue;
      this.#parts.table.clear(attachment.report.ifindex);
      detach(attachment);
      port.attachment = undefined;
      port.report = unattached(port.options, "the data plane was removed");
    }
  }

  /** The programs stay where they are. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    for (const { attachment } of this.#ports) if (attachment !== undefined) letGo(attachment);
  }

  async #stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #lookAgain(): void {
    this.#looking ??= this.#lookAtAll().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookAtAll(): Promise<void> {
    for (const port of this.#ports) {
      try {
        await this.#look(port);
      } catch (cause) {
        const reason = messageOf(cause);
        if (port.report.reason !== reason)
          this.#log.error("dataplane.port.failed", { interface: port.options.interface, reason });
        port.report = unattached(port.options, reason);
      }
    }
  }

  async #look(port: Port): Promise<void> {
    const { options } = port;
    const ifindex = this.#parts.native.sock.interfaceIndex(options.interface);
    if (ifindex === port.attachment?.report.ifindex) {
      this.#lookAtEgress(port);
      return;
    }
    if (port.attachment !== undefined) this.#lose(port, port.attachment);
    if (ifindex === undefined) return;
    port.attachment = await attach(options, ifindex, this.#parts);
    port.report = port.attachment.report;
    this.#lookAtEgress(port);
    this.#writeEntries();
    this.#log.info("dataplane.port.attached", { ...port.report });
  }

  /** Whether packets may still be handed over there, past what others put at the egress. */
  #lookAtEgress(port: Port): void {
    const { attachment, handOver: before } = port;
    if (attachment === undefined) return;
    const handOver = handOverOf(port.options, attachment, this.#parts.native);
    if (handOver.allowed === before.allowed && handOver.reason === before.reason) return;
    port.handOver = handOver;
    port.report = withReason(attachment.report, handOver.reason);
    this.#writeEntries();
    this.#log.info("dataplane.port.egress", { interface: port.options.interface, ...handOver });
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

  /** The interface is gone, and its program with it. */
  #lose(port: Port, attachment: Attachment): void {
    const { report } = attachment;
    this.#parts.table.clear(report.ifindex);
    letGo(attachment);
    for (const { pin } of [attachment, ...attachment.edge]) if (pin !== undefined) removePin(pin);
    port.attachment = undefined;
    port.handOver = NO_HAND_OVER;
    port.report = missing(port.options);
    this.#writeEntries();
    this.#log.warn("dataplane.port.lost", { interface: port.options.interface, ifindex: report.ifindex });
  }

  #takeBackNew(): void {
    for (const { attachment } of this.#ports) {
      if (attachment === undefined) continue;
      if (attachment.report.adopted) letGo(attachment);
      else detach(attachment);
    }
  }

  /** Programs that an earlier process left on interfaces that are no ports any more. */
  #detachStale(): void {
    const { native, links, table, programs } = this.#parts;
    const used = this.#ports.flatMap(({ attachment }) => attachment ?? []);
    const usedPins = new Set(used.flatMap(({ pin, edge }) => [pin, ...edge.map((program) => program.pin)]));
    const stalePins = readdirSync(links).filter((name) => !usedPins.has(join(links, name)));
    for (const name of stalePins) {
      this.#log.info("dataplane.port.detached", { pin: name });
      detachPinned(native, join(links, name));
    }
    const pinned = new Set(stalePins.map((name) => Number(name.split("-")[1])));
    const usedIndexes = new Set(used.map(({ report }) => report.ifindex));
    for (const ifindex of table.indexes().filter((index) => !usedIndexes.has(index))) {
      table.clear(ifindex);
      if (pinned.has(ifindex)) continue;
      detachClsact(native, programs.tc, ifindex);
      ignoringGone(() => detachClsactEdge(this.#parts, ifindex));
    }
    this.#writeEntries({ alone: true });
  }
}

/** Whether the program sits in the same way for both. */
function sameHook(a: PortOptions, b: PortOptions): boolean {
  const sameEdge = edgePlaces(a, "tc").length === edgePlaces(b, "tc").length;
  return a.hook === b.hook && sameEdge && (a.hook !== "auto" || (a.role === "core") === (b.role === "core"));
}

function fresh(port: PortOptions): Port {
  return { options: port, attachment: undefined, report: missing(port), handOver: NO_HAND_OVER };
}

function withReason(report: PortReport, more: string | undefined): PortReport {
  if (more === undefined) return report;
  return { ...report, reason: report.reason === undefined ? more : `${report.reason}; ${more}` };
}

function missing(port: PortOptions): PortReport {
  return unattached(
    port,
    new DataplaneError(
      { code: "dataplane.interface-missing", interface: port.interface },
      `there is no interface ${port.interface}: the program is attached within a second of its coming`,
    ).message,
  );
}
