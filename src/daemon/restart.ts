import { type Clock, type Log, type Milliseconds, milliseconds, type Timer } from "../base/index.ts";
import {
  ConfigurationError,
  formatFault,
  loadConfiguration,
  type Management,
  type RestartControl,
  type RestartOrder,
} from "../management/index.ts";

/** What a process leaves to the one that takes its place. */
export interface RestartRecord {
  /** Restarts since somebody else started the router. */
  readonly count: number;
  readonly last?: RestartOrder;
}

export interface RestarterParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Of the process before this one. */
  readonly before: RestartRecord;
  /** Why the router would not come back as it is; absent if it would. */
  readonly check: () => Promise<string | undefined>;
  /** Ends this process for another in its place. */
  readonly restart: (record: RestartRecord) => void;
}

/** The restart of this process: one at a time, now or later, until it is cancelled. */
export class Restarter implements RestartControl, Disposable {
  readonly #parts: RestarterParts;
  #pending: { readonly order: RestartOrder & { readonly at: Milliseconds }; readonly timer: Timer } | undefined;
  /** An order is being checked. */
  #isBusy = false;

  constructor(parts: RestarterParts) {
    this.#parts = parts;
  }

  get pending(): RestartControl["pending"] {
    return this.#pending?.order;
  }

  get count(): number {
    return this.#parts.before.count;
  }

  get last(): RestartOrder | undefined {
    return this.#parts.before.last;
  }

  async order(
    order: RestartOrder,
    { after, force }: { readonly after: Milliseconds; readonly force: boolean },
  ): Promise<string | undefined> {
    if (this.#isBusy) return "another restart is being ordered just now";
    const known = this.#pending?.order;
    if (known !== undefined) {
      const at = new Date(known.at).toISOString();
      return `${known.user} has ordered a restart for ${at} already: cancel it first`;
    }
    this.#isBusy = true;
    try {
      const reason = force ? undefined : await this.#parts.check();
      if (reason !== undefined) return `${reason}; force restarts all the same`;
    } finally {
      this.#isBusy = false;
    }
    const { clock, log, before, restart } = this.#parts;
    const timer = clock.after(after, () => {
      this.#pending = undefined;
      log.warn("router.restarting", { ...order, effect: "the tables of the data plane go on forwarding" });
      restart({ count: before.count + 1, last: order });
    });
    this.#pending = { order: { ...order, at: milliseconds(clock.wall() + after) }, timer };
    log.warn("router.restart-ordered", { ...order, inMilliseconds: after });
    return undefined;
  }

  cancel(): boolean {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.timer.cancel();
    if (pending !== undefined) this.#parts.log.warn("router.restart-cancelled", { ...pending.order });
    return pending !== undefined;
  }

  [Symbol.dispose](): void {
    this.#pending?.timer.cancel();
    this.#pending = undefined;
  }
}

/** What a restart would lose or fail at, for {@link RestarterParts.check}. */
export async function againstRestart(file: string, management: Management): Promise<string | undefined> {
  const pending = management.pendingCommit();
  if (pending !== undefined && pending.persist === undefined) {
    return `the commit of ${pending.user} that nobody has confirmed yet would be undone`;
  }
  try {
    await loadConfiguration(file);
    return undefined;
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause;
    const [first] = cause.faults;
    const why = first === undefined ? cause.message : formatFault(first);
    return `the router would not start again: its file ${file} cannot be used (${why})`;
  }
}
