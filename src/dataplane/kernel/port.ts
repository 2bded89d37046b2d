import { type Log, messageOf } from "../../base/index.ts";
import type { PortOptions, PortReport } from "../driver.ts";
import { DataplaneError } from "../error.ts";
import { type Attachment, type AttachmentParts, attach, reportOfEarlier, unattached } from "./attachment.ts";
import { detach, detachPinned, ignoringGone, letGo } from "./detach.ts";
import { edgePlaces } from "./edge-programs.ts";
import { type HandOver, handOverOf } from "./hand-over.ts";
import { removePin } from "./pins.ts";
import { missingPrograms, type PortProgram } from "./presence.ts";

/** After something failed, or was put back: what was tried may itself be what the kernel tells of. */
const REST_MS = 500;
const NO_HAND_OVER: HandOver = { allowed: false };

/** What a port needs of those around it. */
export interface PortContext {
  readonly parts: AttachmentParts;
  readonly log: Log;
  /** Filters that are there are somebody's who has put them there, not an earlier process's. */
  readonly keepsFilters: () => boolean;
  /** The entries of ports are to be written. */
  readonly changed: () => void;
  /** A port that has the programs of that interface, under the name that this had before, gives them up. */
  readonly free: (ifindex: number) => void;
}

/** A configured interface, and the programs on it while it is there. */
export class Port {
  readonly #context: PortContext;
  #options: PortOptions;
  #attachment: Attachment | undefined;
  #handOver = NO_HAND_OVER;
  /** While nothing of ours is there. */
  #absence: PortReport;
  /** Why it could not be looked at. */
  #failure: string | undefined;
  /** Filters that have to go first, as they cannot be told from those of others later. */
  #leaving: readonly Pick<Attachment, "link" | "pin">[] = [];
  /** Of tcx at the egress when it was looked at. */
  #programs = 0;
  #notBefore = 0;
  #isDue = false;
  #isTakenOff = false;
  #restored = 0;

  constructor(options: PortOptions, context: PortContext) {
    this.#options = options;
    this.#context = context;
    this.#absence = missing(options);
  }

  get options(): PortOptions {
    return this.#options;
  }

  get attachment(): Attachment | undefined {
    return this.#attachment;
  }

  get handOver(): HandOver {
    return this.#handOver;
  }

  get report(): PortReport {
    const { role, tenantIndex } = this.#options;
    const [attachment, failure] = [this.#attachment, this.#failure];
    const restored = this.#restored;
    if (attachment === undefined)
      return { ...(failure === undefined ? this.#absence : unattached(this.#options, failure)), restored };
    const reasons = [attachment.report.reason, this.#handOver.reason, failure].filter((text) => text !== undefined);
    const reason = reasons.length === 0 ? {} : { reason: reasons.join("; ") };
    return { ...attachment.report, role, tenantIndex, restored, ...reason };
  }

  /** A port that stays where it is has another role or tenant. */
  set options(options: PortOptions) {
    this.#options = options;
    const { role, tenantIndex } = options;
    this.#absence = { ...this.#absence, role, tenantIndex };
  }

  /** Whether the programs sit in the same way for those options. */
  isHookedAs(other: PortOptions): boolean {
    const own = this.#options;
    const sameEdge = edgePlaces(own, "tc").length === edgePlaces(other, "tc").length;
    return (
      own.hook === other.hook && sameEdge && (own.hook !== "auto" || (own.role === "core") === (other.role === "core"))
    );
  }

  /** Leaves the programs of an earlier process where they are. */
  waitFor(reason: string): void {
    const { native, links } = this.#context.parts;
    const ifindex = native.sock.interfaceIndex(this.#options.interface);
    if (ifindex === undefined) return;
    this.#absence = { ...reportOfEarlier(this.#options, ifindex, links, native), reason };
  }

  /** It was told of. */
  touch(): void {
    this.#isDue = true;
  }

  /** Looks if it was told of, or if something is there, or not there, of which nobody tells. A failure is kept, and it is due again. */
  async lookIfDue(): Promise<void> {
    if (performance.now() < this.#notBefore) return;
    try {
      if (this.#isDue || this.#isOther()) await this.look();
      this.#failure = undefined;
    } catch (cause) {
      const reason = messageOf(cause);
      this.#isDue = true;
      this.#rest();
      if (this.#failure !== reason)
        this.#context.log.error("dataplane.port.failed", { interface: this.#options.interface, reason });
      this.#failure = reason;
    }
  }

  #rest(): void {
    this.#notBefore = performance.now() + REST_MS;
  }

  /** In what the kernel tells nobody of. */
  #isOther(): boolean {
    const attachment = this.#attachment;
    if (attachment === undefined) return true;
    const { native } = this.#context.parts;
    if (native.bpf.egressPrograms(attachment.report.ifindex) !== this.#programs) return true;
    return missingPrograms(attachment, { told: false }).length > 0;
  }

  /**
   * Whether the interface has come, gone, or come back as another one; whether its programs are still there.
   * @throws {DataplaneError} as `attach`
   */
  async look(): Promise<void> {
    this.#isDue = false;
    const ifindex = this.#context.parts.native.sock.interfaceIndex(this.#options.interface);
    if (ifindex !== this.#attachment?.report.ifindex) this.lose();
    this.#detachLeaving();
    if (ifindex === undefined) {
      this.#isTakenOff = false;
      return;
    }
    const attachment = this.#attachment;
    if (attachment === undefined) return this.#attach(ifindex);
    const programs = missingPrograms(attachment, { told: true });
    if (programs.length > 0) await this.#restore(attachment, programs);
    this.#lookAtEgress();
  }

  async #attach(ifindex: number): Promise<void> {
    const { parts, log, changed, free, keepsFilters } = this.#context;
    free(ifindex);
    this.#attachment = await attach(this.#options, ifindex, { ...parts, keepsFilters: keepsFilters() });
    this.#handOver = NO_HAND_OVER;
    this.#lookAtEgress();
    changed();
    if (this.#isTakenOff) {
      this.#isTakenOff = false;
      this.#restored++;
      log.warn("dataplane.port.restored", { ...this.report });
    } else {
      log.info("dataplane.port.attached", { ...this.report });
    }
  }

  /**
   * Puts back what somebody took off; at once the first time, later not oftener than he is looked after. What is still there goes
   * on meanwhile, but for filters, which cannot be told from those of others then.
   * @throws {DataplaneError} as `attach`; then nothing of ours is there
   */
  async #restore({ report, ...programs }: Attachment, missing: readonly PortProgram[]): Promise<void> {
    const { parts, log, changed } = this.#context;
    const { ifindex } = report;
    const all = [programs, ...programs.edge];
    const linked = all.filter(({ link }) => link.pinnable);
    log.warn("dataplane.port.taken-off", { interface: this.#options.interface, ifindex, programs: missing });
    this.#isTakenOff = true;
    this.#rest();
    for (const { link } of linked) link[Symbol.dispose]();
    this.#leaving = all.filter(({ link }) => !link.pinnable);
    try {
      this.#detachLeaving();
      await this.#attach(ifindex);
    } catch (cause) {
      this.#attachment = undefined;
      this.#handOver = NO_HAND_OVER;
      parts.table.clear(ifindex);
      changed();
      for (const { pin } of linked) detachPinned(parts.native, pin);
      throw cause;
    }
  }

  #detachLeaving(): void {
    for (let [first] = this.#leaving; first !== undefined; [first] = this.#leaving) {
      first.link.detach();
      this.#leaving = this.#leaving.slice(1);
    }
  }

  /** Whether packets may still be handed over there, past what others put at the egress. */
  #lookAtEgress(): void {
    const { parts, log, changed } = this.#context;
    const [attachment, before] = [this.#attachment, this.#handOver];
    if (attachment === undefined) return;
    this.#programs = parts.native.bpf.egressPrograms(attachment.report.ifindex);
    const handOver = handOverOf(this.#options, attachment, parts.native);
    if (handOver.allowed === before.allowed && handOver.reason === before.reason) return;
    this.#handOver = handOver;
    changed();
    log.info("dataplane.port.egress", { interface: this.#options.interface, ...handOver });
  }

  /** The interface is gone, and its program with it; or it has another name, and loses it. */
  lose(): void {
    const attachment = this.#attachment;
    if (attachment === undefined) return;
    const { parts, log, changed } = this.#context;
    const { ifindex } = attachment.report;
    parts.table.clear(ifindex);
    const all = [attachment, ...attachment.edge];
    this.#leaving = all.filter(({ link }) => !link.pinnable);
    for (const { link, pin } of all.filter((program) => program.link.pinnable)) {
      link[Symbol.dispose]();
      removePin(pin);
    }
    this.#forget(missing(this.#options));
    changed();
    log.warn("dataplane.port.lost", { interface: this.#options.interface, ifindex });
    this.#detachLeaving();
  }

  #forget(absence: PortReport): void {
    this.#attachment = undefined;
    this.#handOver = NO_HAND_OVER;
    this.#isTakenOff = false;
    this.#absence = absence;
  }

  /** As before it was looked at: what an earlier process had there stays. */
  takeBack(): void {
    const attachment = this.#attachment;
    if (attachment === undefined) return;
    this.#forget(missing(this.#options));
    if (attachment.report.adopted) letGo(attachment);
    else detach(attachment);
  }

  /** It is a port no more: takes the program off. */
  giveUp(): void {
    const attachment = this.#attachment;
    if (attachment === undefined) return;
    this.#context.parts.table.clear(attachment.report.ifindex);
    ignoringGone(() => detach(attachment));
    this.#forget(missing(this.#options));
    this.#context.log.info("dataplane.port.detached", { interface: this.#options.interface });
  }

  /** The data plane goes: takes the program off and removes the pin. */
  remove(): void {
    const attachment = this.#attachment;
    if (attachment === undefined) return;
    this.#context.parts.table.clear(attachment.report.ifindex);
    detach(attachment);
    this.#forget(unattached(this.#options, "the data plane was removed"));
  }

  /** The programs stay where they are. */
  letGo(): void {
    if (this.#attachment !== undefined) letGo(this.#attachment);
  }
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
