import { type Clock, type Log, type Timer, toMilliseconds } from "../../base/index.ts";
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
export type RestartChange = "selection-settled" | "local-converged";

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
  #deferral: SelectionDeferral;
  #localConverged = false;

  constructor(options: SpeakerOptions, clock: Clock, log: Log, onChange: (what: RestartChange) => void) {
    const { start, gracefulRestart, peers } = options;
    this.#start = start;
    this.gracefulRestart = gracefulRestart;
    this.#log = log;
    this.#onChange = onChange;
    const waits = start.restarted && gracefulRestart !== undefined;
    this.#deferral = waits ? startDeferral(peers.map(({ address }) => address)) : NO_DEFERRAL;
    this.#timer = waits
      ? clock.after(toMilliseconds(gracefulRestart.selectionDeferralTime), () => this.#expired())
      : undefined;
    if (this.#deferral.state === "done") this.#settled.resolve();
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
    this.#onChange("local-converged");
  }

  event(event: DeferralEvent): void {
    if (this.#deferral.state === "done") return;
    this.#deferral = stepDeferral(this.#deferral, event);
    if (this.#deferral.state !== "done") return;
    this.#settled.resolve();
    this.#onChange("selection-settled");
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#settled.resolve();
  }

  #expired(): void {
    if (this.mayEndRib) return;
    const { waiting } = this.#deferral;
    this.#log.warn("bgp.restart.deferral-expired", { waiting, localConverged: this.#localConverged });
    this.#localConverged = true;
    if (this.#deferral.state === "done") this.#onChange("local-converged");
    else this.event({ type: "SelectionDeferralTimer_Expires" });
  }
}
