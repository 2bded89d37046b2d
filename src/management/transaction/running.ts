import { type Clock, type Log, type Milliseconds, messageOf, Slices } from "../../base/index.ts";
import {
  type Answer,
  answered,
  type Change,
  type CommitEntry,
  type Consequence,
  type EditStep,
  formatPath,
  letGo,
  type ManagementFault,
  type Model,
  type Session,
  type TransactionId,
  type Tree,
  type TreeChange,
} from "../datastore/index.ts";
import { carryOut } from "./carry-out.ts";
import { changeOf, type IsSecret } from "./changes.ts";
import type { CommitStore, StoredPending } from "./commit-store.ts";
import type { Provider } from "./provider.ts";

/** Puts a validated tree into the words of the router's parts. `B`: a configuration, `C`: a change of one, `E`: what of it is known early. */
export interface Binder<B, C, E = unknown> {
  /** Everything, without a configuration before it. */
  bind(tree: Tree): Promise<Answer<B>>;
  /** Whether a fault of {@link bind} is one of a file that the configuration names, which can be put right without another one. Absent: none is. */
  isOfFiles?(fault: ManagementFault): boolean;
  /** What can be read of changes while they are validated; refuses nothing. For {@link change} of the same. */
  begin(before: B, changes: readonly TreeChange[]): Promise<E | undefined>;
  /** What differs from `before`. Also says what no model can: conditions over hashes, files that are not there. */
  change(
    before: B,
    tree: Tree,
    changes: readonly TreeChange[],
    begun: E | undefined,
  ): Promise<Answer<{ readonly after: B; readonly change: C }>>;
}

export interface RunningParts<B, C> {
  readonly model: Model;
  readonly binder: Binder<B, C>;
  readonly store: CommitStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly isSecret: IsSecret;
  /** Told after each commit whether it was made durable, and why not. */
  readonly durable?: (failure?: string) => void;
}

/** What making a tree running would mean. Owns its tree until it is carried out or dropped. */
export interface Plan<B, C> {
  readonly tree: Tree;
  readonly changes: readonly TreeChange[];
  readonly after: B;
  readonly change: C;
  readonly consequences: readonly Consequence[];
}

/** Why running changes. */
export interface Occasion {
  readonly session: Pick<Session, "user" | "protocol" | "source">;
  readonly cause: CommitEntry["cause"];
  readonly comment?: string;
  /** What waits for confirmation once this is done; the rollback is filled in. */
  readonly pending?: (commit: number, before: number) => StoredPending | undefined;
  /** Digest of the startup file that this is. */
  readonly startup?: string;
}

/** A tree that was found valid. */
interface Checked {
  readonly of: number;
  readonly changes: readonly TreeChange[];
  /** With its default values. */
  readonly valid: Tree;
  /** What its binder has read of it early. */
  readonly begun: unknown;
}

/** With more changes than this, what is done with them begins on a turn of its own. */
const MANY = 100;

/** A log entry has so many changes at most. */
const LOGGED_CHANGES = 1000;

/** The running configuration: its tree, the same in the words of the parts, and how it becomes another one. */
export class Running<B, C> {
  readonly #parts: RunningParts<B, C>;
  readonly #providers: Provider<C>[] = [];
  #tree: Tree;
  #bound: B;
  #modified: Milliseconds;
  /** What the router still does otherwise, by path: the value until the restart, `undefined` for none. */
  readonly #deferred = new Map<string, unknown>();

  /** The last tree that was found valid after running, with its default values: who validates mostly commits next. */
  #checked: Checked | undefined;

  constructor(parts: RunningParts<B, C>, begin: { readonly tree: Tree; readonly bound: B }) {
    this.#parts = parts;
    this.#tree = begin.tree;
    this.#bound = begin.bound;
    this.#modified = parts.store.entries[0]?.time ?? parts.clock.wall();
  }

  /** In the order in which they are to be applied. */
  attach(providers: readonly Provider<C>[]): void {
    this.#providers.push(...providers);
  }

  /** Borrowed. */
  get tree(): Tree {
    return this.#tree;
  }

  get commit(): number {
    return this.#parts.store.current;
  }

  get transactionId(): TransactionId {
    return `${this.#parts.store.lineage}-${this.commit}`;
  }

  get modified(): Milliseconds {
    return this.#modified;
  }

  /** Whether something of it waits for the restart. */
  get hasDeferred(): boolean {
    return this.#deferred.size > 0;
  }

  /** Running, but with the values that the router has until its restart. For the caller to dispose. */
  async inUse(): Promise<Tree> {
    if (this.#deferred.size === 0) return this.#tree.share();
    const steps = Array.from(this.#deferred, ([path, value]): EditStep => {
      if (value === undefined) return { operation: "remove", path };
      return { operation: "replace", path, value: JSON.stringify(value) };
    });
    const tree = await this.#parts.model.editSteps(this.#tree, steps);
    if (!tree.ok) throw new Error(`what is in use does not fit the model: ${tree.faults[0]!.message}`);
    return tree.value;
  }

  /** `tree` stays the caller's. `mayChange`: asked before anything else is looked at. */
  async plan(
    tree: Tree,
    mayChange?: (changes: readonly TreeChange[]) => Promise<Answer<void>>,
  ): Promise<Answer<Plan<B, C>>> {
    const checked = await this.#check(tree, mayChange);
    if (!checked.ok) return checked;
    const { changes, begun } = checked.value;
    const valid = checked.value.valid.share();
    let kept = false;
    try {
      const bound = await this.#parts.binder.change(this.#bound, valid, changes, begun);
      if (!bound.ok) return bound;
      const consequences: Consequence[] = [];
      const faults = [];
      for (const provider of this.#providers) {
        const answer = await provider.plan(bound.value.change);
        if (answer.ok) consequences.push(...answer.value);
        else faults.push(...answer.faults);
      }
      if (faults.length > 0) return { ok: false, faults };
      kept = true;
      return answered({ tree: valid, changes, ...bound.value, consequences });
    } finally {
      if (!kept) letGo(valid);
    }
  }

  /** Whether `tree` could follow running, as far as the model says; a plan of it does not ask again. */
  async validate(tree: Tree): Promise<Answer<void>> {
    const checked = await this.#check(tree);
    return checked.ok ? answered(undefined) : checked;
  }

  /** What the model says of a tree after running, which is remembered: borrowed. */
  async #check(
    tree: Tree,
    mayChange?: (changes: readonly TreeChange[]) => Promise<Answer<void>>,
  ): Promise<Answer<Checked>> {
    const known = this.#checked;
    if (known?.of === tree.number) {
      const allowed = await mayChange?.(known.changes);
      return allowed?.ok === false ? allowed : answered(known);
    }
    const { model, binder } = this.#parts;
    const changes = await model.diff(this.#tree, tree);
    // The model has a thread of its own: meanwhile it is looked who may do this, and what it says.
    const validation = model.validate(tree, { valid: this.#tree, changes });
    const { allowed, begun } = await unlessItFails(validation, async () => {
      const answer = await mayChange?.(changes);
      return {
        allowed: answer,
        begun: answer?.ok === false ? undefined : await binder.begin(this.#bound, changes),
      };
    });
    const valid = await validation;
    if (allowed?.ok === false) {
      if (valid.ok) letGo(valid.value);
      return allowed;
    }
    if (!valid.ok) return valid;
    this.forget();
    this.#checked = { of: tree.number, changes, valid: valid.value, begun };
    return answered(this.#checked);
  }

  /** Gives up what was validated and is not committed. */
  forget(): void {
    letGo(this.#checked?.valid);
    this.#checked = undefined;
  }

  /** Makes the planned tree running, or leaves everything as it was. Takes the plan's tree in either case. */
  async carryOut(plan: Plan<B, C>, occasion: Occasion): Promise<Answer<CommitEntry>> {
    const { model, store, clock, log } = this.#parts;
    const before = store.current;
    const time = clock.wall();
    const entry = await this.#entry(plan, occasion, time);
    const pending = occasion.pending?.(entry.id, before);
    const document = model.document(plan.tree);
    document.catch(() => undefined); // whoever persists it is told
    const persist = async (): Promise<void> => {
      const also = occasion.startup === undefined ? { pending } : { pending, startup: occasion.startup };
      try {
        await store.commit(entry, await document, also);
      } catch (cause) {
        this.#parts.durable?.(messageOf(cause));
        throw cause;
      }
      this.#parts.durable?.();
    };
    const done = await carryOut(this.#providers, plan.change, persist, log);
    if (!done.ok) {
      letGo(plan.tree);
      return done;
    }
    const old = this.#tree;
    this.#tree = plan.tree;
    this.#bound = plan.after;
    this.#modified = time;
    this.#noteDeferred(plan);
    this.forget();
    letGo(old);
    return answered(entry);
  }

  async #entry(plan: Plan<B, C>, { session, cause, comment }: Occasion, time: Milliseconds): Promise<CommitEntry> {
    const { store, isSecret, clock } = this.#parts;
    const id = store.current + 1;
    const slices = new Slices(clock);
    const changes: Change[] = [];
    if (plan.changes.length > MANY) await slices.next();
    for (const change of plan.changes.slice(0, LOGGED_CHANGES)) {
      if (slices.isOver) await slices.next();
      changes.push(changeOf(change, isSecret));
    }
    return {
      id,
      transactionId: `${store.lineage}-${id}`,
      time,
      user: session.user,
      protocol: session.protocol,
      source: session.source,
      ...(comment === undefined ? {} : { comment }),
      cause,
      changes,
      changeCount: plan.changes.length,
    };
  }

  #noteDeferred({ changes, consequences }: Plan<B, C>): void {
    const waiting = new Set(consequences.filter(({ when }) => when === "at-restart").map(({ path }) => path));
    if (waiting.size === 0 && this.#deferred.size === 0) return;
    for (const change of changes) {
      const path = formatPath(change.path);
      if (!waiting.has(path)) this.#deferred.delete(path);
      else if (!this.#deferred.has(path)) this.#deferred.set(path, change.old);
    }
  }
}

/** What `work` answers; where it throws, the tree that is on its way meanwhile is disposed. */
async function unlessItFails<T>(tree: Promise<Answer<Tree>>, work: () => Promise<T>): Promise<T> {
  tree.catch(() => undefined); // awaited afterwards
  try {
    return await work();
  } catch (cause) {
    const late = await tree.catch(() => undefined);
    if (late?.ok === true) await late.value.dispose();
    throw cause;
  }
}
