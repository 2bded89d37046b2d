import type { Clock } from "../../base/index.ts";
import {
  type AccessControl,
  type Answer,
  answered,
  type Change,
  type CommitEntry,
  type Data,
  type Datastore,
  type DatastoreInfo,
  type GetOptions,
  type Lockable,
  type Locks,
  type Model,
  type OperationalReader,
  type Session,
  type TransactionId,
} from "../datastore/index.ts";
import { changeOf, type IsSecret } from "./changes.ts";
import type { CommitStore } from "./commit-store.ts";
import { held } from "./held.ts";
import type { ReadableTrees } from "./readable-trees.ts";
import type { Running } from "./running.ts";
import type { Workspace } from "./workspace.ts";

export interface ReadingParts {
  readonly model: Model;
  /** Absent: `operational` is the configuration in use, without state. */
  readonly operational?: OperationalReader;
  readonly store: CommitStore;
  readonly running: Pick<Running<unknown, unknown>, "tree" | "transactionId" | "modified" | "hasDeferred">;
  readonly workspace: Workspace;
  readonly readable: ReadableTrees;
  readonly locks: Locks;
  readonly clock: Clock;
  readonly isSecret: IsSecret;
  /** Absent: everybody may do everything. */
  readonly access?: AccessControl;
}

const UTF8 = new TextDecoder();

const dataOf = (octets: Uint8Array, transactionId: TransactionId): Data => ({
  octets,
  transactionId,
  get text() {
    return UTF8.decode(octets);
  },
});

/** What sessions are told of datastores and commits, each as far as it may read: data, differences, identifiers, the log. */
export class Reading {
  readonly #parts: ReadingParts;
  /** Tells the candidates of this process from those of others. */
  readonly #begun: string;

  constructor(parts: ReadingParts) {
    this.#parts = parts;
    this.#begun = parts.clock.wall().toString(36);
  }

  async get(session: Session, from: Datastore | number, options: GetOptions): Promise<Answer<Data>> {
    const found = await this.#parts.workspace.tree(session, from);
    if (!found.ok) return found;
    const transactionId =
      typeof from === "number"
        ? (this.#parts.store.entries.find(({ id }) => id === from)?.transactionId ?? String(from))
        : this.transactionId(session, from);
    using all = held(found.value);
    const access = this.#parts.access?.of(session);
    const within = options.select !== undefined && "paths" in options.select ? options.select.paths : undefined;
    const isRunning = from === "operational" && !this.#parts.running.hasDeferred;
    const readable = await this.#parts.readable.of(all.tree, access, {
      from: isRunning ? "running" : from,
      ...(within === undefined ? {} : { within }),
    });
    if (!readable.ok) return readable;
    using tree = held(readable.value);
    const { operational, model } = this.#parts;
    using intended = options.origin === undefined ? undefined : held(this.#parts.running.tree.share());
    const sources = intended && { intended: intended.tree, applied: all.tree };
    const printed = await (from === "operational" && operational !== undefined
      ? operational.read(tree.tree, options, access, sources)
      : model.read(tree.tree, options));
    return printed.ok ? answered(dataOf(printed.value, transactionId)) : printed;
  }

  info(): readonly DatastoreInfo[] {
    const { transactionId, modified } = this.#parts.running;
    const { shared, startupId } = this.#parts.workspace;
    const lock = (of: Lockable) => {
      const holder = this.#parts.locks.holder(of);
      const since = this.#parts.locks.since(of);
      return holder === undefined || since === undefined ? {} : { lockedBy: holder, lockedSince: since };
    };
    const running = { transactionId, lastModified: modified };
    const partialLocks = this.#parts.locks.partial;
    const candidateId = shared.isModified ? `${transactionId}+${this.#begun}-${shared.edits}` : transactionId;
    return [
      {
        ...{ datastore: "running", ...running, ...lock("running"), modified: !this.#parts.workspace.isSaved },
        ...(partialLocks.length === 0 ? {} : { partialLocks }),
      },
      { datastore: "intended", ...running, modified: false },
      { datastore: "operational", ...running, modified: false },
      { datastore: "startup", ...running, ...lock("startup"), transactionId: startupId, modified: false },
      {
        ...{ datastore: "candidate", ...running, ...lock("candidate") },
        ...{ transactionId: candidateId, modified: shared.isModified },
      },
    ];
  }

  /** Which state of that datastore this is. */
  transactionId(session: Session, of: Datastore): TransactionId {
    if (of === "startup") return this.#parts.workspace.startupId;
    if (of !== "candidate" && of !== "private-candidate") return this.#parts.running.transactionId;
    const { isModified, edits } = this.#parts.workspace.candidate(session, of);
    return isModified
      ? `${this.#parts.running.transactionId}+${this.#begun}-${edits}`
      : this.#parts.running.transactionId;
  }

  async compare(session: Session, before: Datastore | number, after: Datastore | number): Promise<Answer<Change[]>> {
    const first = await this.#parts.workspace.tree(session, before);
    if (!first.ok) return first;
    using old = held(first.value);
    const second = await this.#parts.workspace.tree(session, after);
    if (!second.ok) return second;
    using next = held(second.value);
    const changes = await this.#parts.model.diff(old.tree, next.tree);
    const told = changes.map((change) => changeOf(change, this.#parts.isSecret));
    return answered([...(this.#parts.access?.of(session)?.readableChanges(told) ?? told)]);
  }

  kept(): readonly CommitEntry[] {
    const { documents, entries } = this.#parts.store;
    return entries.filter(({ id }) => documents.includes(id));
  }

  log(limit?: number, session?: Session): readonly CommitEntry[] {
    const entries = this.#parts.store.entries.slice(0, limit);
    const access = session === undefined ? undefined : this.#parts.access?.of(session);
    if (access === undefined) return entries;
    return entries.map((entry) => ({ ...entry, changes: access.readableChanges(entry.changes) }));
  }
}
