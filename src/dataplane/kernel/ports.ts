import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Log, messageOf } from "../../base/index.ts";
import type { PortOptions, PortReport } from "../driver.ts";
import { DataplaneError, noSuchPort } from "../error.ts";
import type { PassPort } from "../memory/outcome.ts";
import { type Attachment, type AttachmentParts, attach, reportOfEarlier, unattached } from "./attachment.ts";
import { detach, detachPinned, ignoringGone, letGo } from "./detach.ts";
import { edgePlaces } from "./edge-programs.ts";
import { removeFilters } from "./filter-records.ts";
import { type HandOver, handOverOf } from "./hand-over.ts";
import { removePin } from "./pins.ts";
import { missingPrograms, type PortProgram } from "./presence.ts";

/** For what nobody tells of: tcx programs of others, and ports that failed. */
const LOOK_AGAIN_MS = 1000;
/** Longest piece of looking. */
const SLICE_MS = 2;

interface Port {
  options: PortOptions;
  attachment: Attachment | undefined;
  report: PortReport;
  handOver: HandOver;
  /** Of tcx at the egress when it was looked at. */
  programs: number;
  /** When it is tried again after it failed: what was tried may itself be what the kernel tells of. */
  notBefore: number;
  /** It was told of meanwhile. */
  due: boolean;
  /** How often somebody took programs off and they came back. */
  restored: number;
}

const NO_HAND_OVER: HandOver = { allowed: false };

/**
 * The programs on the configured interfaces. When the kernel tells of one, looks whether it has come, gone, or come back as
 * another one, whether its programs are still there, and what others put where packets leave it; each second for those that are
 * missing, and for links and tcx programs, of which the kernel tells nobody.
 */
export class Ports implements AsyncDisposable {
  readonly #parts: AttachmentParts;
  readonly #log: Log;
  #ports: Port[];
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #waits: string | undefined;
  #events: Disposable | undefined;
  /** What is in the place of a clsact filter is an earlier process's, to be replaced, until the first time is over. */
  #keepsFilters = false;
  /** Interfaces that the kernel has told of and nobody has looked at since. */
  #touched = new Set<number>();
  #allTouched = false;

  /** On none of them yet. */
  constructor(options: readonly PortOptions[], parts: AttachmentParts, log: Log) {
    this.#parts = parts;
    this.#log = log;
    this.#ports = options.map((port) => fresh(port));
  }

  /**
   * Attaches to every interface that is there; the others are attached when they come. A refusal takes back what this call
   * had newly attached.
   * @throws {DataplaneError} as `attach`.
   */
  async take(): Promise<void> {
    const waited = this.#waits;
    this.#waits = undefined;
    try {
      for (const port of this.#ports) await this.#look(port);
    } catch (cause) {
      this.#takeBackNew();
      if (waited !== undefined) this.wait(waited);
      throw cause;
    }
    for (const { attachment, report } of this.#ports)
      if (attachment === undefined)
        this.#log.warn("dataplane.port.missing", { interface: report.interface, reason: report.reason });
    this.#detachStale();
    this.#keepsFilters = true;
    this.#timer = setInterval(() => this.#lookAgain(), LOOK_AGAIN_MS).unref();
    this.#events = this.#parts.native.bpf.watchEgress((indexes) => this.#told(indexes));
    // What happened before anybody listened
    this.#told(undefined);
  }

  /** Leaves the programs of an earlier process where they are until {@link take}; `reason` says why. */
  wait(reason: string): void {
    const { native, links } = this.#parts;
    this.#waits = reason;
    for (const port of this.#ports) {
      const ifindex = native.sock.interfaceIndex(port.options.interface);
      if (ifindex !== undefined) port.report = { ...reportOfEarlier(port.options, ifindex, links, native), reason };
    }
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
    return this.#ports.map(({ report, restored }) => ({ ...report, restored }));
  }

  /**
   * Makes these the ports: attaches to new ones, takes the program off those that are gone, and leaves the others alone. Another
   * role or tenant is one store; another hook is taken after the old one is given up.
   * @throws {DataplaneError} as `attach`; the ports are those of before then
   */
  change(options: readonly PortOptions[]): Promise<void> {
    const changed = Promise.resolve(this.#looking).then(() => this.#changeTo(options));
    this.#looking = changed.catch(() => undefined).finally(() => this.#looked());
    return changed;
  }

  async #changeTo(options: readonly PortOptions[]): Promise<void> {
    if (this.#waits !== undefined) {
      this.#ports = options.map((port) => fresh(port));
      this.wait(this.#waits);
      return;
    }
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
    if (this.#waits !== undefined) {
      this.#ports = [];
      this.#detachStale();
    }
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
    this.#events?.[Symbol.dispose]();
    this.#events = undefined;
    await this.#looking;
  }

  #told(indexes: readonly number[] | undefined): void {
    if (indexes === undefined) this.#allTouched = true;
    else for (const index of indexes) this.#touched.add(index);
    this.#lookAgain();
  }

  #lookAgain(): void {
    this.#looking ??= this.#lookAtAll().finally(() => this.#looked());
  }

  #looked(): void {
    this.#looking = undefined;
    // Something happened meanwhile
    if (this.#events !== undefined && (this.#allTouched || this.#touched.size > 0)) this.#lookAgain();
  }

  async #lookAtAll(): Promise<void> {
    const [touched, all] = [this.#touched, this.#allTouched];
    this.#touched = new Set();
    this.#allTouched = false;
    let until = performance.now() + SLICE_MS;
    for (const port of this.#ports) {
      if (performance.now() >= until) {
        await new Promise((resolve) => setImmediate(resolve));
        until = performance.now() + SLICE_MS;
      }
      const index = port.attachment?.report.ifindex;
      if (all || index === undefined || touched.has(index)) port.due = true;
      if (performance.now() < port.notBefore) continue;
      try {
        if (port.due || this.#isOther(port)) await this.#look(port);
      } catch (cause) {
        const reason = messageOf(cause);
        port.notBefore = performance.now() + LOOK_AGAIN_MS / 2;
        if (port.report.reason !== reason)
          this.#log.error("dataplane.port.failed", { interface: port.options.interface, reason });
        port.report = unattached(port.options, reason);
      }
    }
  }

  /** In what the kernel tells nobody of. */
  #isOther({ attachment, programs }: Port): boolean {
    if (attachment === undefined) return true;
    if (this.#parts.native.bpf.egressPrograms(attachment.report.ifindex) !== programs) return true;
    return missingPrograms(attachment, { told: false }).length > 0;
  }

  async #look(port: Port): Promise<void> {
    port.due = false;
    const { options, attachment } = port;
    const ifindex = this.#parts.native.sock.interfaceIndex(options.interface);
    if (ifindex !== undefined && ifindex === attachment?.report.ifindex) {
      const missing = missingPrograms(attachment, { told: true });
      if (missing.length > 0) await this.#restore(port, attachment, missing);
      this.#lookAtEgress(port);
      return;
    }
    if (attachment !== undefined) this.#lose(port, attachment);
    if (ifindex === undefined) return;
    await this.#attach(port, ifindex);
    this.#log.info("dataplane.port.attached", { ...port.report });
  }

  async #attach(port: Port, ifindex: number): Promise<void> {
    port.attachment = await attach(port.options, ifindex, { ...this.#parts, keepsFilters: this.#keepsFilters });
    port.report = port.attachment.report;
    port.handOver = NO_HAND_OVER;
    this.#lookAtEgress(port);
    this.#writeEntries();
  }

  /**
   * Puts back what somebody took off; at once the first time, later not oftener than he is looked after. What is still there goes
   * on meanwhile, but for filters, which cannot be told from those of others then.
   * @throws {DataplaneError} as `attach`; then nothing of ours is there
   */
  async #restore(port: Port, attachment: Attachment, missing: readonly PortProgram[]): Promise<void> {
    const { ifindex } = attachment.report;
    this.#log.warn("dataplane.port.taken-off", { interface: port.options.interface, ifindex, programs: missing });
    port.notBefore = performance.now() + LOOK_AGAIN_MS / 2;
    for (const { link } of [attachment, ...attachment.edge])
      if (link.pinnable) link[Symbol.dispose]();
      else link.detach();
    try {
      await this.#attach(port, ifindex);
    } catch (cause) {
      this.#parts.table.clear(ifindex);
      for (const { pin, link } of [attachment, ...attachment.edge])
        if (link.pinnable) detachPinned(this.#parts.native, pin);
      port.attachment = undefined;
      port.handOver = NO_HAND_OVER;
      this.#writeEntries();
      throw cause;
    }
    port.restored++;
    this.#log.warn("dataplane.port.restored", { ...port.report, restored: port.restored });
  }

  /** Whether packets may still be handed over there, past what others put at the egress. */
  #lookAtEgress(port: Port): void {
    const { attachment, handOver: before } = port;
    if (attachment === undefined) return;
    port.programs = this.#parts.native.bpf.egressPrograms(attachment.report.ifindex);
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
    for (const { pin } of [attachment, ...attachment.edge]) removePin(pin);
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

/** Whether the program sits in the same way for both. */
function sameHook(a: PortOptions, b: PortOptions): boolean {
  const sameEdge = edgePlaces(a, "tc").length === edgePlaces(b, "tc").length;
  return a.hook === b.hook && sameEdge && (a.hook !== "auto" || (a.role === "core") === (b.role === "core"));
}

function fresh(port: PortOptions): Port {
  return {
    options: port,
    attachment: undefined,
    report: missing(port),
    handOver: NO_HAND_OVER,
    programs: 0,
    notBefore: 0,
    due: false,
    restored: 0,
  };
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
