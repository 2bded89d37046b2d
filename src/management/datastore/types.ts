import type { Milliseconds, Seconds } from "../../base/index.ts";
import type { Answer } from "./error.ts";
import type { OperationOutput, OperationRequest } from "./operation.ts";

/*
 * The one door to the configuration, as NETCONF, gNMI, the command line, the configuration file and SIGHUP see it.
 * Nothing here is of one protocol: data is text in an encoding, paths are data paths in the notation of RFC 7951
 * (`/semrd-router:router/semrd-agent:agents/agent[id='…']/tenant`), faults are values.
 */

/** Text in one of the encodings of YANG data. @see RFC 7951 (JSON), RFC 7950 (XML) */
export type DataFormat = "json" | "xml";

/**
 * `startup` is the file that the router was started with. `running` is what it is to do, `intended` the same (nothing
 * is templated or inactive), `operational` what it does: a value that waits for a restart shows there as it was.
 */
export type Datastore = "startup" | "candidate" | "private-candidate" | "running" | "intended" | "operational";

/** Where a configuration can be edited. `running` is edited by a transaction of its own (`:writable-running`). */
export type EditTarget = "candidate" | "private-candidate" | "running" | "startup";

export type Protocol = "netconf" | "gnmi" | "cli" | "control" | "file" | "system";

/** Who asks. Made by `openSession`, ended by `closeSession`, which undoes what must not outlive it. */
export interface Session {
  /** Unique while the daemon runs, never 0; the session-id of NETCONF. */
  readonly id: number;
  readonly user: string;
  readonly protocol: Protocol;
  /** For people: an address and port, a user of this host, a file. */
  readonly source: string;
  /** Groups that the way of logging in has told of, besides those that are configured. */
  readonly groups?: readonly string[];
  /** Access control is not for it: whoever may become the user of this process repairs what it kept out. @see RFC 8341 §3.3.3 */
  readonly isRecovery?: true;
}

// ------------------------------------------------------------------------------------------------ reading

export interface GetOptions {
  readonly format: DataFormat;
  /**
   * What to answer with; absent: everything. `paths`: data paths, whose list keys may be missing (all entries).
   * `subtree`: a subtree filter (RFC 6241 §6) as text of the same format. `xpath`: an expression with its prefixes.
   */
  readonly select?: { readonly paths: readonly string[] } | { readonly subtree: string } | XPathSelection;
  /** Absent: `explicit`. @see RFC 6243 §2 */
  readonly defaults?: "explicit" | "trim" | "report-all" | "report-all-tagged";
  /** Only for `operational`. Absent: `all`. */
  readonly content?: "config" | "state" | "all";
  /** Levels of what was selected, 1 for that alone; absent: all. */
  readonly depth?: number;
  /** Only for `operational`. */
  readonly origin?: OriginOptions;
  /** Only for `operational`: without what may be as much as there are routes. */
  readonly tables?: "left-out";
}

/** An expression, and the namespaces (or modules) of its prefixes. */
export interface XPathSelection {
  readonly xpath: string;
  readonly namespaces: Readonly<Record<string, string>>;
}

/**
 * Where configuration that is in use comes from: `intended`, `default`, `learned` (an agent that has registered, a
 * neighbour that has connected), or `unknown`: what was configured and waits for a restart to go.
 *
 * @see RFC 8342 §5.3.4
 */
export type Origin = "intended" | "default" | "learned" | "unknown";

/** @see RFC 8526 §3.1.1 */
export interface OriginOptions {
  /** Say it with each node whose origin is not that of the node it stands in. */
  readonly annotate?: boolean;
  /** Only configuration of these, or all but of these; state is there anyway. */
  readonly only?: readonly Origin[];
  readonly others?: readonly Origin[];
}

export interface Data {
  /** As it was printed, in UTF-8: much of it is sent on without becoming a string. */
  readonly octets: Uint8Array;
  /** The same as a string, made anew each time. */
  readonly text: string;
  readonly transactionId: TransactionId;
}

// ------------------------------------------------------------------------------------------------ editing

/** Changes whenever the content of its datastore does; across restarts too. Opaque. */
export type TransactionId = string;

/** @see RFC 6241 §7.2; RFC 8526 §3.1.2 */
export interface EditOptions {
  readonly format: DataFormat;
  readonly defaultOperation?: "merge" | "replace" | "none";
  readonly testOption?: "test-then-set" | "set" | "test-only";
  /** An edit is carried out whole or not at all, whatever is asked for here. */
  readonly errorOption?: "stop-on-error" | "continue-on-error" | "rollback-on-error";
}

/**
 * One step of an edit by paths. `value` is JSON text (RFC 7951) of the node at `path`: a leaf's value, or the object of
 * a container or list entry (without its keys where the path has them). `text` is the value of a leaf or leaf-list entry as
 * people write it; the type of the leaf says what it is.
 *
 * `delete` and `create` fail where the node is missing or there, `remove` does not mind. All steps of `union-replace`
 * of one edit together become the whole configuration.
 */
export type EditStep =
  | { readonly operation: "delete" | "remove"; readonly path: string }
  | {
      readonly operation: "create" | "merge" | "replace" | "union-replace";
      readonly path: string;
      readonly value: string;
    }
  | { readonly operation: "create" | "merge" | "replace"; readonly path: string; readonly text: string };

/** A node that differs between two configurations: a leaf, a leaf-list value, a container or a list entry, topmost. */
export interface Change {
  /** `move`: an entry of a user-ordered list that was there has another place. */
  readonly operation: "create" | "delete" | "replace" | "move";
  readonly path: string;
  /** What is there afterwards: the JSON value (RFC 7951) of the node, defaults left out. Absent for `delete`. */
  readonly value?: unknown;
  /** What was there before. Absent for `create`. */
  readonly was?: unknown;
}

/** What a change does besides itself; said before it is done. */
export interface Consequence {
  /** `immediate` ones happen with the commit; `at-restart` is a value that waits for the next start. */
  readonly when: "immediate" | "at-restart";
  /** Stable and dotted: `bgp.session-reset`, `router.restart-needed`. */
  readonly code: string;
  readonly path: string;
  /** A sentence: "this will reset the session with 2001:db8::1". */
  readonly message: string;
}

// ------------------------------------------------------------------------------------------------ committing

export interface ConfirmedOptions {
  /** Undone unless confirmed within; absent: 600 s. */
  readonly timeout?: Seconds;
  /** Lets other sessions, of any protocol, confirm or cancel, and lets the commit outlive this one. */
  readonly persist?: string;
}

export interface CommitOptions {
  readonly confirmed?: ConfirmedOptions;
  /** Of the confirmed commit that is followed up or confirmed by this. */
  readonly persistId?: string;
  readonly comment?: string;
  /** Refuse unless this is running's transaction id. */
  readonly expected?: TransactionId;
}

export interface CommitResult {
  /** Absent where nothing differed, so that nothing was written. */
  readonly entry?: CommitEntry;
  readonly transactionId: TransactionId;
  readonly consequences: readonly Consequence[];
}

/** A line of the commit log. */
export interface CommitEntry {
  /** Counts up from 1, also over restarts. */
  readonly id: number;
  readonly transactionId: TransactionId;
  /** Wall clock. */
  readonly time: Milliseconds;
  readonly user: string;
  readonly protocol: Protocol;
  readonly source: string;
  readonly comment?: string;
  /** What brought it about besides a commit. */
  readonly cause: "commit" | "start" | "reload" | "rollback" | "confirm-timeout" | "cancel";
  /** At most 1000 of them, with secrets as stars; `changeCount` has the number. */
  readonly changes: readonly Change[];
  readonly changeCount: number;
}

/** The confirmed commit that nobody has confirmed yet. There is at most one, whatever protocol it came by. */
export interface PendingCommit {
  readonly commit: number;
  /** What it goes back to. */
  readonly rollback: number;
  readonly deadline: Milliseconds;
  readonly user: string;
  readonly protocol: Protocol;
  readonly persist?: string;
  /** Absent with `persist`, and after a restart. */
  readonly session?: number;
}

// ------------------------------------------------------------------------------------------------ events

export type ManagementEvent =
  | { readonly type: "session-opened"; readonly session: Session }
  | { readonly type: "session-closed"; readonly session: Session }
  | {
      readonly type: "configuration-changed";
      readonly datastore: "running" | "startup";
      readonly entry: CommitEntry;
      /** All of them, secrets included: for those who may read them. */
      readonly changes: readonly Change[];
    }
  /** @see RFC 6470 §2.2, netconf-confirmed-commit */
  | {
      readonly type: "confirmed-commit";
      readonly event: "start" | "extend" | "complete" | "cancel" | "timeout";
      readonly session?: Session;
      readonly timeout?: Seconds;
    };

export type Watch = (event: ManagementEvent) => void;

// ------------------------------------------------------------------------------------------------ the door

/** A lock of some nodes, and whose it is. @see RFC 5717 */
export interface HeldPartialLock extends PartialLock {
  readonly session: number;
  /** Wall clock. */
  readonly since: Milliseconds;
}

export interface DatastoreInfo {
  readonly datastore: Exclude<Datastore, "private-candidate">;
  readonly transactionId: TransactionId;
  readonly lastModified: Milliseconds;
  /** Session that has it locked. */
  readonly lockedBy?: number;
  /** Wall clock. */
  readonly lockedSince?: Milliseconds;
  /** Parts of running that sessions have locked; absent where there are none. */
  readonly partialLocks?: readonly HeldPartialLock[];
  /** A candidate that differs from running, or a running that differs from startup. */
  readonly modified: boolean;
}

/**
 * Datastores and transactions. Each method answers with a value or with faults; it throws only for a defect. Calls that
 * change something are carried out one after the other, in the order in which they were made.
 */
export interface Management {
  openSession(who: Omit<Session, "id">): Session;
  /** Releases its locks, forgets its private candidate, and undoes its confirmed commit unless that has a persist id. */
  closeSession(session: Session): Promise<void>;
  sessions(): readonly Session[];

  /** A number is a commit of the log: what running was then, where that is kept. */
  get(session: Session, from: Datastore | number, options: GetOptions): Promise<Answer<Data>>;
  info(): readonly DatastoreInfo[];

  edit(session: Session, target: EditTarget, text: string, options: EditOptions): Promise<Answer<TransactionId>>;
  /** The steps in their order, all or none. */
  editSteps(session: Session, target: EditTarget, steps: readonly EditStep[]): Promise<Answer<TransactionId>>;
  /** Edit of a private candidate of its own, validation and commit as one: the Set of gNMI. */
  transact(session: Session, steps: readonly EditStep[], options?: CommitOptions): Promise<Answer<CommitResult>>;
  /** Another datastore, or text, which is the whole configuration. */
  copy(
    session: Session,
    from: Datastore | { readonly text: string; readonly format: DataFormat },
    to: EditTarget,
  ): Promise<Answer<TransactionId>>;
  delete(session: Session, target: EditTarget): Promise<Answer<TransactionId>>;
  discard(session: Session, target?: "candidate" | "private-candidate"): Promise<Answer<TransactionId>>;

  /** Faults, or what committing it would bring about. Changes nothing. */
  validate(
    session: Session,
    source: Datastore | { readonly text: string; readonly format: DataFormat },
  ): Promise<Answer<readonly Consequence[]>>;
  /** `from`: absent is the candidate that the session has changed. Numbers are entries of the commit log. */
  compare(session: Session, before: Datastore | number, after: Datastore | number): Promise<Answer<readonly Change[]>>;

  commit(
    session: Session,
    options?: CommitOptions,
    from?: "candidate" | "private-candidate",
  ): Promise<Answer<CommitResult>>;
  /** The confirming commit, where nothing else is to be committed with it. */
  confirm(session: Session, persistId?: string): Promise<Answer<CommitResult>>;
  cancelCommit(session: Session, persistId?: string): Promise<Answer<CommitResult>>;
  /** Counts the time of the pending confirmed commit anew from now. */
  setConfirmTimeout(session: Session, timeout: Seconds, persistId?: string): Promise<Answer<PendingCommit>>;
  pendingCommit(): PendingCommit | undefined;

  /** Puts running as it was `back` commits ago (1: before the last) into the candidate; nothing is committed. */
  rollback(session: Session, back: number, target?: "candidate" | "private-candidate"): Promise<Answer<TransactionId>>;
  /** Commits whose configuration is kept, newest first; entries of the log. */
  kept(): readonly CommitEntry[];
  /** Newest first; with a session only what that may read of changes. */
  log(limit?: number, session?: Session): readonly CommitEntry[];

  lock(session: Session, target: "running" | "candidate" | "startup"): Answer<void>;
  unlock(session: Session, target: "running" | "candidate" | "startup"): Answer<void>;
  /** Of the nodes of running that data paths and expressions select now, whatever they would select later. @see RFC 5717 */
  partialLock(session: Session, selections: readonly (string | XPathSelection)[]): Promise<Answer<PartialLock>>;
  partialUnlock(session: Session, lock: number): Answer<void>;

  /** An rpc or action of our own modules. */
  call(session: Session, request: OperationRequest): Promise<Answer<OperationOutput>>;

  /** Calls `watch` for each event, in order, after it has happened. */
  subscribe(watch: Watch): Disposable;
}

export interface PartialLock {
  readonly id: number;
  readonly paths: readonly string[];
}
