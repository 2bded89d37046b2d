import { type Log, messageOf, type Seconds } from "../../base/index.ts";
import {
  type Answer,
  answered,
  type Change,
  type CommitEntry,
  type CommitOptions,
  type CommitResult,
  type Consequence,
  type Data,
  type Datastore,
  type DatastoreInfo,
  type EditOptions,
  type EditStep,
  type EditTarget,
  fault,
  type GetOptions,
  type Lockable,
  Locks,
  letGo,
  type Management,
  type ManagementEvent,
  type OperationOutput,
  type OperationRequest,
  type PartialLock,
  type PendingCommit,
  refused,
  type Session,
  SessionTable,
  type TransactionId,
  type Watch,
  type XPathSelection,
} from "../datastore/index.ts";
import { Committer } from "./committer.ts";
import { Editing } from "./editing.ts";
import { Edits } from "./edits.ts";
import { held } from "./held.ts";
import { KeptSecrets } from "./kept-secrets.ts";
import { Locking } from "./locking.ts";
import { type Beginning, begin, type OpeningParts } from "./opening.ts";
import type { Provider } from "./provider.ts";
import { ReadableTrees } from "./readable-trees.ts";
import { Reading } from "./reading.ts";
import { Running } from "./running.ts";
import { type Source, Workspace } from "./workspace.ts";

export type EngineParts<B, C> = OpeningParts<B, C>;

/** `Management` with what the daemon needs besides. */
export interface Engine<B, C> extends Management, AsyncDisposable {
  /** What the router begins with. */
  readonly initial: B;
  /** Lets changes through to the parts, in this order; before, there must be none. */
  attach(providers: readonly Provider<C>[]): void;
  /** Makes the startup file running, as one transaction: SIGHUP. */
  reload(session: Session): Promise<Answer<CommitResult>>;
}

/** Finds out what the router begins with. Faults are those of the startup file. */
export async function openEngine<B, C>(parts: EngineParts<B, C>): Promise<Answer<Engine<B, C>>> {
  const beginning = await begin(parts);
  if (!beginning.ok) return beginning;
  return answered(new DatastoreEngine(parts, beginning.value));
}

class DatastoreEngine<B, C> implements Engine<B, C> {
  readonly initial: B;
  readonly #parts: EngineParts<B, C>;
  readonly #log: Log;
  readonly #sessions = new SessionTable();
  readonly #locks = new Locks();
  readonly #running: Running<B, C>;
  readonly #workspace: Workspace;
  readonly #committer: Committer<B, C>;
  readonly #readable: ReadableTrees;
  readonly #secrets: KeptSecrets;
  readonly #edits: Edits;
  readonly #reading: Reading;
  readonly #editing: Editing;
  readonly #locking: Locking;
  readonly #watches = new Set<Watch>();
  /** The confirmed commit that an earlier process left. */
  readonly #inherited: Beginning<B>["pending"];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: EngineParts<B, C>, { pending, ...initial }: Beginning<B>) {
    const { model, store, startup, clock, log } = parts;
    this.#parts = parts;
    this.#log = log;
    this.initial = initial.bound;
    this.#inherited = pending;
    this.#running = new Running(parts, initial);
    this.#workspace = new Workspace(model, store, startup, this.#running);
    this.#readable = new ReadableTrees(model, this.#running, parts.secrets);
    this.#secrets = new KeptSecrets(model, clock, parts.secrets);
    this.#edits = new Edits({
      ...{ model, access: parts.access, workspace: this.#workspace },
      ...{ readable: this.#readable, secrets: this.#secrets },
    });
    this.#committer = new Committer({
      ...{ model, store, clock, log, running: this.#running, workspace: this.#workspace, locks: this.#locks },
      access: parts.access,
      isSecret: parts.isSecret,
      publish: (event) => this.#publish(event),
      inTurn: (run) => this.#inTurn(run),
    });
    const views = { running: this.#running, workspace: this.#workspace, locks: this.#locks, readable: this.#readable };
    this.#reading = new Reading({ ...parts, ...views });
    this.#editing = new Editing({
      ...{ ...parts, ...views, committer: this.#committer, edits: this.#edits, reading: this.#reading },
      waits: () => this.#waits(),
      inTurn: (run) => this.#inTurn(run),
    });
    this.#locking = new Locking({ ...parts, ...views, committer: this.#committer });
  }

  attach(providers: readonly Provider<C>[]): void {
    this.#running.attach(providers);
    // Only now can it be gone back.
    this.#committer.resume(this.#inherited);
  }

  openSession(who: Omit<Session, "id">): Session {
    const session = this.#sessions.open(who);
    this.#publish({ type: "session-opened", session });
    return session;
  }

  async closeSession(session: Session): Promise<void> {
    if (!this.#sessions.close(session)) return;
    await this.#inTurn(async () => {
      const { candidate } = this.#locks.release(session);
      if (candidate) this.#workspace.shared.discard(); // RFC 6241 §8.3.5.2
      this.#workspace.forget(session);
      this.#running.forget();
      await this.#committer.sessionEnded(session);
    });
    this.#publish({ type: "session-closed", session });
  }

  sessions(): readonly Session[] {
    return this.#sessions.all;
  }

  get(session: Session, from: Datastore | number, options: GetOptions): Promise<Answer<Data>> {
    return this.#reading.get(session, from, options);
  }

  info(): readonly DatastoreInfo[] {
    return this.#reading.info();
  }

  compare(session: Session, before: Datastore | number, after: Datastore | number): Promise<Answer<Change[]>> {
    return this.#reading.compare(session, before, after);
  }

  kept(): readonly CommitEntry[] {
    return this.#reading.kept();
  }

  log(limit?: number, session?: Session): readonly CommitEntry[] {
    return this.#reading.log(limit, session);
  }

  edit(session: Session, target: EditTarget, text: string, options: EditOptions): Promise<Answer<TransactionId>> {
    return this.#editing.edit(session, target, text, options);
  }

  editSteps(session: Session, target: EditTarget, steps: readonly EditStep[]): Promise<Answer<TransactionId>> {
    return this.#editing.editSteps(session, target, steps);
  }

  copy(session: Session, from: Source, to: EditTarget): Promise<Answer<TransactionId>> {
    return this.#editing.copy(session, from, to);
  }

  delete(session: Session, target: EditTarget): Promise<Answer<TransactionId>> {
    return this.#editing.delete(session, target);
  }

  discard(session: Session, target?: "candidate" | "private-candidate"): Promise<Answer<TransactionId>> {
    return this.#editing.discard(session, target);
  }

  rollback(session: Session, back: number, target?: "candidate" | "private-candidate"): Promise<Answer<TransactionId>> {
    return this.#editing.rollback(session, back, target);
  }

  transact(session: Session, steps: readonly EditStep[], options: CommitOptions = {}): Promise<Answer<CommitResult>> {
    return this.#inTurn(async () => {
      const waits = options.persistId === undefined ? this.#waits() : undefined;
      if (waits !== undefined) return refused(waits);
      const edited = await this.#parts.model.editSteps(this.#running.tree, steps);
      if (!edited.ok) return this.#edits.told(session, edited);
      const whole = await this.#secrets.in(this.#running.tree, edited.value, steps);
      if (!whole.ok) return whole;
      using tree = held(whole.value);
      return await this.#committer.replace(session, tree.tree, options, { cause: "commit" });
    });
  }

  validate(session: Session, source: Source): Promise<Answer<readonly Consequence[]>> {
    return this.#inTurn(async () => {
      const found = await this.#workspace.tree(session, source);
      if (!found.ok) return found;
      const whole =
        typeof source === "object" ? await this.#secrets.in(this.#running.tree, found.value, source.text) : found;
      if (!whole.ok) return whole;
      using tree = held(whole.value);
      const plan = await this.#running.plan(tree.tree);
      if (!plan.ok) return this.#edits.told(session, plan);
      letGo(plan.value.tree);
      return answered(plan.value.consequences);
    });
  }

  commit(
    session: Session,
    options: CommitOptions = {},
    from?: "candidate" | "private-candidate",
  ): Promise<Answer<CommitResult>> {
    return this.#inTurn(() => {
      const which = from ?? (this.#workspace.hasPrivate(session) ? "private-candidate" : "candidate");
      const candidate = this.#workspace.candidate(session, which);
      return this.#committer.commit(session, options, candidate, which === "candidate");
    });
  }

  confirm(session: Session, persistId?: string): Promise<Answer<CommitResult>> {
    return this.#inTurn(() => this.#committer.confirm(session, persistId));
  }

  cancelCommit(session: Session, persistId?: string): Promise<Answer<CommitResult>> {
    return this.#inTurn(() => this.#committer.cancel(session, persistId));
  }

  setConfirmTimeout(session: Session, timeout: Seconds, persistId?: string): Promise<Answer<PendingCommit>> {
    return this.#inTurn(() => this.#committer.extend(session, timeout, persistId));
  }

  pendingCommit(): PendingCommit | undefined {
    return this.#committer.pending;
  }

  async reload(session: Session): Promise<Answer<CommitResult>> {
    let isRead = false;
    const done = await this.#inTurn(async () => {
      const waits = this.#waits();
      if (waits !== undefined) return refused(waits);
      isRead = true;
      const file = await this.#workspace.readStartup();
      if (!file.ok) return file;
      const parsed = await this.#parts.model.parse(file.value.text, "json");
      if (!parsed.ok) return parsed;
      using tree = held(parsed.value);
      const { digest } = file.value;
      return await this.#committer.replace(session, tree.tree, {}, { cause: "reload", startup: digest });
    });
    // Nobody waits for the search: it is in nobody's turn.
    return done.ok || !isRead ? done : this.#edits.told(session, await this.#workspace.startupRefusal(done));
  }

  lock(session: Session, target: Lockable): Answer<void> {
    return this.#locking.lock(session, target);
  }

  unlock(session: Session, target: Lockable): Answer<void> {
    return this.#locks.unlock(session, target);
  }

  partialLock(session: Session, selections: readonly (string | XPathSelection)[]): Promise<Answer<PartialLock>> {
    return this.#locking.partialLock(session, selections);
  }

  partialUnlock(session: Session, lock: number): Answer<void> {
    return this.#locks.unlockPaths(session, lock);
  }

  async call(session: Session, request: OperationRequest): Promise<Answer<OperationOutput>> {
    const { operations, access } = this.#parts;
    if (request.target.length > 0) {
      const allowed = access?.of(session)?.acting(request.target, request.name);
      if (allowed?.ok === false) return allowed;
    }
    if (operations !== undefined) return operations.call(request, session);
    return refused(fault("operation-not-supported", `${request.name} is not offered`, { errorType: "protocol" }));
  }

  subscribe(watch: Watch): Disposable {
    this.#watches.add(watch);
    return { [Symbol.dispose]: () => void this.#watches.delete(watch) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#committer.stop();
    await this.#turn.catch(() => undefined);
    await this.#parts.store.settled;
    await this.#readable[Symbol.asyncDispose]();
  }

  /** A change that is no commit would be taken back with what waits, or would confirm it unasked. */
  #waits() {
    return this.#committer.pending === undefined ? undefined : this.#committer.inUse();
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(run);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  #publish(event: ManagementEvent): void {
    for (const watch of this.#watches) {
      try {
        watch(event);
      } catch (cause) {
        this.#log.error("management.watch-failed", { event: event.type, reason: messageOf(cause) });
      }
    }
  }
}
