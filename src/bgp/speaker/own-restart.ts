import { type Clock, type Log, seconds, type Timer, toMilliseconds } from "../../base/index.ts";
import {
  type DeferralEvent,
  NO_DEFERRAL,
  type OwnRestart,
  type SelectionDeferral,
  startDeferral,
  stepDeferral,
} from "../session/index.ts";
import type { SpeakerOptions } from "./options.ts";

/** Learnt routes may be advertised, or End-of-RIB may be due. */
export type RestartChange = "selection-settled" | "local-converged" | "restarting-heard";

/**
 * How long End-of-RIB is kept back for neighbours that restart as well, whose routes it promises. Three that pass routes on to each
 * other would wait in a circle; each alone has said its own by then.
 */
const RESTARTING_TIME = seconds(10);

/** What the neighbours are told about this router's own restart, and what has to wait for its end. @see RFC 4724 §4.1 */
export class OwnRestartControl implements Disposable {
  readonly #start: SpeakerOptions["start"];
  /** For the next OPENs. */
  gracefulRestart: SpeakerOptions["gracefulRestart"];
  readonly #log: Log;
  readonly #onChange: (what: RestartChange) => void;
  readonly #timer: Timer | undefined;
  readonly #settled = Promise.withResolvers<void>();
  readonly settled: Promise<void> = this.#settled.promise;
  readonly #heard = Promise.withResolvers<void>();
  /** Also those that are restarting themselves, and those that do not say when they are done, have said what they know. */
  readonly heard: Promise<void> = this.#heard.promise;
  readonly #clock: Clock;
  #deferral: SelectionDeferral;
  /** The same with those that are restarting themselves, and with those of ranges. */
  #hearing: SelectionDeferral;
  /** Runs from when End-of-RIB would be due without those. */
  #restartingTimer: Timer | undefined;
  #isRestartingOver = false;
  #localConverged = false;

  constructor(options: SpeakerOptions, clock: Clock, log: Log, onChange: (what: RestartChange) => void) {
    const { start, gracefulRestart, peers, ranges = [] } = options;
    this.#start = start;
    this.#clock = clock;
    this.gracefulRestart = gracefulRestart;
    this.#log = log;
    this.#onChange = onChange;
    const waits = start.restarted && gracefulRestart !== undefined;
    // Nobody waits for those that are shut down.
    const known = peers.flatMap(({ address, enabled }) => (enabled === false ? [] : [address]));
    this.#deferral = waits ? startDeferral(known) : NO_DEFERRAL;
    // Who had come from a range is not known any more: for all of them there is the time.
    this.#hearing = waits ? startDeferral([...known, ...ranges.map(({ name }) => name)]) : NO_DEFERRAL;
    this.#timer = waits
      ? clock.after(toMilliseconds(gracefulRestart.selectionDeferralTime), () => this.#expired())
      : undefined;
    this.#resolve();
  }

  get deferral(): SelectionDeferral {
    return this.#deferral;
  }

  /** Learnt routes wait until the neighbours have said theirs; own routes never wait. */
  get mayAdvertiseLearnt(): boolean {
    return this.#deferral.state === "done";
  }

  /** A router that did not restart says End-of-RIB as soon as everything is out. */
  get mayEndRib(): boolean {
    return !this.#start.restarted || (this.#localConverged && this.#deferral.state === "done");
  }

  /** Neighbours that are restarting as well, or do not say when they are done: End-of-RIB is kept back from those who would have their routes by us. */
  get keptBackFor(): readonly string[] {
    return this.#isRestartingOver ? [] : this.#hearing.waiting;
  }

  /** For the next OPEN. */
  get own(): OwnRestart | undefined {
    const { gracefulRestart } = this;
    if (gracefulRestart === undefined) return undefined;
    return {
      restartTime: gracefulRestart.restartTime,
      restarting: !this.mayEndRib,
      keepOverNotification: gracefulRestart.keepOverNotification ?? false,
      ...(gracefulRestart.longLivedStaleTime === undefined
        ? {}
        : { longLivedStaleTime: gracefulRestart.longLivedStaleTime }),
      // Once it has converged, what it forwards is preserved over the loss of a mere session.
      forwardingPreserved: this.#start.forwardingPreserved || this.#localConverged,
    };
  }

  localStateConverged(): void {
    if (this.#localConverged) return;
    this.#localConverged = true;
    this.#waitForRestarting();
    this.#onChange("local-converged");
  }

  event(event: DeferralEvent): void {
    if (this.#hearing.state === "done") return;
    const [deferral, hearing] = [this.#deferral, this.#hearing];
    this.#deferral = stepDeferral(deferral, event);
    this.#hearing = stepDeferral(hearing, event, "awaited");
    this.#resolve();
    this.#waitForRestarting();
    if (this.#deferral.state !== deferral.state) this.#onChange("selection-settled");
    else if (this.#hearing.waiting.length < hearing.waiting.length) this.#onChange("restarting-heard");
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#restartingTimer?.cancel();
    this.#settled.resolve();
    this.#heard.resolve();
  }

  #resolve(): void {
    if (this.#deferral.state === "done") this.#settled.resolve();
    if (this.#hearing.state === "done") this.#heard.resolve();
  }

  #waitForRestarting(): void {
    if (!this.mayEndRib || this.keptBackFor.length === 0) return;
    this.#restartingTimer ??= this.#clock.after(toMilliseconds(RESTARTING_TIME), () => {
      this.#isRestartingOver = true;
      this.#onChange("restarting-heard");
    });
  }

  #expired(): void {
    if (this.mayEndRib && this.#hearing.state === "done") return;
    const { waiting } = this.#hearing;
    this.#log.warn("bgp.restart.deferral-expired", { waiting, localConverged: this.#localConverged });
    this.#localConverged = true;
    if (this.#hearing.state === "done") this.#onChange("local-converged");
    else this.event({ type: "SelectionDeferralTimer_Expires" });
  }
}
