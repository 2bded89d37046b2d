import { type Clock, type Log, milliseconds, type Seconds, seconds } from "../../base/index.ts";
import {
  type AccessControl,
  type Answer,
  answered,
  type Candidate,
  type Change,
  type CommitEntry,
  type CommitOptions,
  type CommitResult,
  fault,
  formatPath,
  type Locks,
  letGo,
  type ManagementEvent,
  type ManagementFault,
  type Model,
  type PendingCommit,
  refused,
  type Session,
  type Tree,
} from "../datastore/index.ts";
import { changeWithout, firstMeeting, type IsSecret, stepsOf } from "./changes.ts";
import type { CommitStore, StoredPending } from "./commit-store.ts";
import { ConfirmedCommit, timeLeft } from "./confirmed.ts";
import { held } from "./held.ts";
import type { Occasion, Plan, Running } from "./running.ts";
import type { Workspace } from "./workspace.ts";

export interface CommitterParts<B, C> {
  readonly model: Model;
  readonly running: Running<B, C>;
  readonly store: CommitStore;
  readonly workspace: Workspace;
  readonly locks: Locks;
  readonly clock: Clock;
  readonly log: Log;
  readonly access: AccessControl | undefined;
  readonly isSecret: IsSecret;
  readonly publish: (event: ManagementEvent) => void;
  /** Runs what is given after everything that was asked for before. */
  readonly inTurn: <T>(run: () => Promise<T>) => Promise<T>;
}

type ConfirmedEvent = Extract<ManagementEvent, { readonly type: "confirmed-commit" }>["event"];

const SYSTEM: Omit<Session, "id"> = { user: "system", protocol: "system", source: "confirmed commit" };
const TRY_AGAIN = milliseconds(30_000);

/** Makes other configurations running: commits, with or without confirmation, and the way back. */
export class Committer<B, C> {
  readonly #parts: CommitterParts<B, C>;
  readonly #confirmed: ConfirmedCommit;

  constructor(parts: CommitterParts<B, C>) {
    this.#parts = parts;
    this.#confirmed = new ConfirmedCommit(parts.clock, () => void parts.inTurn(() => this.#timedOut()));
  }

  get pending(): PendingCommit | undefined {
    return this.#confirmed.pending;
  }

  /** Why something else cannot be done while one waits. */
  inUse(): ManagementFault {
    return this.#confirmed.inUse();
  }

  /** An earlier process has left this. */
  resume(pending: StoredPending | undefined): void {
    if (pending === undefined) return;
    this.#confirmed.set(pending, undefined, timeLeft(pending, this.#parts.clock.wall()));
  }

  /** What a session changed becomes running, or what waits is confirmed. */
  async commit(session: Session, options: CommitOptions, candidate: Candidate, isShared: boolean) {
    const { locks } = this.#parts;
    const kept = isShared ? locks.keepsOut(session, "candidate") : undefined;
    if (kept !== undefined) return refused(kept);
    const rebased = await this.#onRunning(candidate);
    if (!rebased.ok) return rebased;
    using tree = held(rebased.value);
    const result = await this.replace(session, tree.tree, options, { cause: "commit" });
    if (result.ok) candidate.discard();
    return result;
  }

  /** `tree`, which stays the caller's, becomes running as one transaction. */
  async replace(
    session: Session,
    tree: Tree,
    options: CommitOptions,
    also: Pick<Occasion, "cause" | "startup">,
  ): Promise<Answer<CommitResult>> {
    const { running, locks, access } = this.#parts;
    const authority = this.#confirmed.authority(session, options.persistId);
    if (!authority.ok) return authority;
    if (options.expected !== undefined && options.expected !== running.transactionId) {
      const message = `running has changed: its transaction id is ${running.transactionId}, not ${options.expected}`;
      return refused(fault("operation-failed", message, { appTag: "transaction-id-mismatch" }));
    }
    const own = access?.of(session);
    const plan = await running.plan(tree, own && ((changes) => own.writing(changes)));
    if (!plan.ok) return own === undefined ? plan : { ok: false, faults: own.told(plan.faults) };
    if (plan.value.changes.length === 0) {
      letGo(plan.value.tree);
      const kept = locks.keepsOut(session, "running");
      if (kept !== undefined) return refused(kept);
      return this.#settle(session, options, also);
    }
    return this.#carryOut(session, plan.value, options, also);
  }

  /** Nothing differs; what waits may still be confirmed or given more time, or something waits from now on. @see RFC 6241 §8.4.1 */
  async #settle(
    session: Session,
    options: CommitOptions,
    { startup }: Pick<Occasion, "startup">,
  ): Promise<Answer<CommitResult>> {
    const { store, running } = this.#parts;
    if (startup !== undefined) await store.setStartup(startup);
    const waiting = this.#confirmed.stored;
    if (waiting !== undefined || options.confirmed !== undefined) {
      const { commit, rollback } = waiting ?? { commit: store.current, rollback: store.current };
      const next = this.#confirmed.next(session, options, commit, rollback);
      const event = waiting === undefined ? "start" : "extend";
      const set = await this.#setPending(next, session, next === undefined ? "complete" : event);
      if (!set.ok) return set;
    }
    return answered({ transactionId: running.transactionId, consequences: [] });
  }

  async #carryOut(
    session: Session,
    plan: Plan<B, C>,
    options: CommitOptions,
    also: Pick<Occasion, "cause" | "startup">,
  ): Promise<Answer<CommitResult>> {
    const { running, locks } = this.#parts;
    const kept = locks.keepsOut(session, "running", plan.changes);
    if (kept !== undefined) {
      letGo(plan.tree);
      return refused(kept);
    }
    const { changes, consequences } = plan;
    const had = this.#confirmed.stored !== undefined;
    const { comment } = options;
    const done = await running.carryOut(plan, {
      session,
      ...also,
      ...(comment === undefined ? {} : { comment }),
      pending: (commit, before) => this.#confirmed.next(session, options, commit, before),
    });
    if (!done.ok) return done;
    const entry = done.value;
    const { pending } = this.#parts.store;
    this.#confirmed.set(pending, session);
    this.#tell(entry, changes);
    if (pending !== undefined) this.#tellConfirmed(had ? "extend" : "start", session, pending);
    else if (had) this.#tellConfirmed("complete", session);
    return answered({ entry, transactionId: entry.transactionId, consequences });
  }

  async confirm(session: Session, persistId: string | undefined): Promise<Answer<CommitResult>> {
    const waits = this.#waiting(session, persistId);
    if (!waits.ok) return waits;
    return this.#settle(session, {}, {});
  }

  async cancel(session: Session, persistId: string | undefined): Promise<Answer<CommitResult>> {
    const waits = this.#waiting(session, persistId);
    if (!waits.ok) return waits;
    return this.#goBack(session, "cancel");
  }

  async extend(session: Session, timeout: Seconds, persistId: string | undefined): Promise<Answer<PendingCommit>> {
    const waits = this.#waiting(session, persistId);
    if (!waits.ok) return waits;
    const set = await this.#setPending(this.#confirmed.extended(timeout), session, "extend");
    return set.ok ? answered(this.#confirmed.pending!) : set;
  }

  /** The session that has to confirm is gone. @see RFC 6241 §8.4.1 */
  async sessionEnded(session: Session): Promise<void> {
    if (this.#confirmed.isOf(session)) await this.#wayBack(session, "cancel");
  }

  /** Why running may not be locked by `session` now. */
  keepsLockFrom(session: Session): ManagementFault | undefined {
    const { pending } = this.#confirmed;
    if (pending === undefined || pending.session === session.id) return undefined;
    const { message } = this.#confirmed.inUse();
    return fault("lock-denied", message, { errorType: "protocol", info: { sessionId: pending.session ?? 0 } });
  }

  stop(): void {
    this.#confirmed.stop();
  }

  #waiting(session: Session, persistId: string | undefined): Answer<void> {
    const authority = this.#confirmed.authority(session, persistId);
    if (!authority.ok) return authority;
    if (authority.value === "follow-up") return answered(undefined);
    return refused(fault("operation-failed", "no confirmed commit is waiting", { appTag: "no-confirmed-commit" }));
  }

  async #setPending(
    next: StoredPending | undefined,
    session: Session | undefined,
    event: ConfirmedEvent,
  ): Promise<Answer<void>> {
    try {
      await this.#parts.store.setPending(next);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      return refused(fault("resource-denied", `this could not be made durable: ${reason}`));
    }
    this.#confirmed.set(next, session);
    this.#tellConfirmed(event, session, next);
    return answered(undefined);
  }

  async #timedOut(): Promise<void> {
    if (this.#confirmed.stored !== undefined) await this.#wayBack(undefined, "confirm-timeout");
  }

  /** Nobody is there who could be told of a failure: it is logged, and tried again. */
  async #wayBack(session: Session | undefined, cause: "cancel" | "confirm-timeout"): Promise<void> {
    const { log } = this.#parts;
    const done = await this.#goBack(session, cause);
    if (done.ok) return;
    log.error("management.rollback-failed", {
      reasons: done.faults.map(({ message }) => message),
      effect: "the commit that nobody confirmed is still running; going back is tried again",
    });
    this.#confirmed.retry(TRY_AGAIN);
  }

  async #goBack(session: Session | undefined, cause: "cancel" | "confirm-timeout"): Promise<Answer<CommitResult>> {
    const { store, model, running, clock } = this.#parts;
    const text = await store.document(this.#confirmed.stored!.rollback);
    if (text === undefined) return refused(fault("operation-failed", "the configuration to go back to is not there"));
    const parsed = await model.parse(text, "json");
    if (!parsed.ok) return parsed;
    using tree = held(parsed.value);
    const plan = await running.plan(tree.tree);
    if (!plan.ok) return plan;
    const { changes, consequences } = plan.value;
    const event = cause === "cancel" ? "cancel" : "timeout";
    if (changes.length === 0) {
      letGo(plan.value.tree);
      const set = await this.#setPending(undefined, session, event);
      return set.ok ? answered({ transactionId: running.transactionId, consequences: [] }) : set;
    }
    const who = session ?? { id: 0, ...SYSTEM };
    const done = await running.carryOut(plan.value, { session: who, cause, pending: () => undefined });
    if (!done.ok) return done;
    this.#confirmed.set(undefined, undefined);
    this.#parts.log.warn("management.rolled-back", { cause, commit: done.value.id, at: clock.wall() });
    this.#tell(done.value, changes);
    this.#tellConfirmed(event, session);
    return answered({ entry: done.value, transactionId: done.value.transactionId, consequences });
  }

  /** The changes are put together when somebody looks at them: there may be very many. */
  #tell(entry: CommitEntry, differences: Plan<B, C>["changes"]): void {
    const { isSecret } = this.#parts;
    let changes: readonly Change[] | undefined;
    this.#parts.publish({
      type: "configuration-changed",
      datastore: "running",
      entry,
      get changes() {
        changes ??= differences.flatMap((change) => changeWithout(change, isSecret) ?? []);
        return changes;
      },
    });
  }

  #tellConfirmed(event: ConfirmedEvent, session: Session | undefined, pending?: StoredPending): void {
    this.#parts.publish({
      type: "confirmed-commit",
      event,
      ...(session === undefined ? {} : { session }),
      ...(pending === undefined ? {} : { timeout: seconds(Math.round(pending.timeout / 1000)) }),
    });
  }

  /** The candidate with what others have committed since it was first changed. For the caller to dispose. */
  async #onRunning(candidate: Candidate): Promise<Answer<Tree>> {
    const { model, running, clock } = this.#parts;
    const { base } = candidate;
    const tree = candidate.tree(running.tree);
    if (base === undefined || base.commit === running.commit) return answered(tree.share());
    const [mine, theirs] = [await model.diff(base.tree, tree), await model.diff(base.tree, running.tree)];
    const meets = await firstMeeting(mine, theirs, clock);
    const steps = meets === undefined ? stepsOf(mine) : undefined;
    if (steps !== undefined) return model.editSteps(running.tree, steps);
    const where = meets === undefined ? {} : { path: formatPath(meets.path) };
    const message =
      "another commit has changed this since the candidate was begun: discard the candidate and edit anew";
    return refused(fault("operation-failed", message, { appTag: "candidate-conflict", ...where }));
  }
}
