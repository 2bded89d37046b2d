import { type Clock, type Milliseconds, messageOf, milliseconds, momentOf, type Timer } from "../../base/index.ts";
import type { ExecutorLog } from "./executor-log.ts";
import type { PlanHistory } from "./plan-history.ts";
import type { Session } from "./session.ts";

const EACH = milliseconds(600_000);
/** Objects that are looked at in one turn. */
const SLICE = 256;

export interface AuditorParts {
  readonly clock: Clock;
  readonly history: PlanHistory;
  readonly executorLog: ExecutorLog;
}

export interface AuditorOptions {
  /** Absent: each ten minutes. */
  readonly every: Milliseconds | undefined;
  /** Something is not as it was acknowledged: it counts as refused. */
  differs(): void;
}

/** Asks an executor now and then what it holds, while there is a session. */
export class Auditor {
  readonly #parts: AuditorParts;
  readonly #options: AuditorOptions;
  #session: Session | undefined;
  #timer: Timer | undefined;
  #isAsking = false;

  constructor(parts: AuditorParts, options: AuditorOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  begin(session: Session): void {
    this.#session = session;
    this.#arm();
  }

  /** The session is over. */
  rest(): void {
    this.#session = undefined;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.after(this.#options.every ?? EACH, () => {
      const session = this.#session;
      if (session === undefined) return;
      this.#arm();
      if (this.#isAsking) return;
      this.#isAsking = true;
      this.#audit(session)
        .catch((cause: unknown) => this.#parts.executorLog.notAudited(messageOf(cause)))
        .finally(() => {
          this.#isAsking = false;
        });
    });
  }

  async #audit(session: Session): Promise<void> {
    const { history, clock, executorLog } = this.#parts;
    const audit = history.beginAudit();
    if (audit === undefined) return;
    await session.read(Number.MAX_SAFE_INTEGER, (operation) => audit.take(operation));
    let left = SLICE;
    for (const operation of history.whole()) {
      audit.missing(operation);
      if (--left > 0) continue;
      left = SLICE;
      await new Promise<void>((resolve) => clock.soon(resolve));
      if (this.#session !== session) return;
    }
    const mistakes = history.endAudit(audit, momentOf(clock));
    for (const { operation, reason } of mistakes) executorLog.mistaken(operation, reason);
    executorLog.differs(history.differences.size);
    if (history.differences.size > 0) this.#options.differs();
  }
}
