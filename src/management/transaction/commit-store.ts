import { type Log, type Milliseconds, messageOf } from "../../base/index.ts";
import type { CommitEntry, Protocol } from "../datastore/index.ts";

/** The files of one folder. Each step is one that a crash can come before or after. */
export interface StoreFiles {
  /** Of the folder, for who has to do something about it. */
  readonly path?: string;
  /** `undefined` where there is none of that name. */
  read(name: string): Promise<string | undefined>;
  /** Makes or overwrites the file; its octets are durable afterwards, its name is not. */
  write(name: string, content: string | Uint8Array): Promise<void>;
  /** Replaces `to` at once. */
  rename(from: string, to: string): Promise<void>;
  /** Names that were made, renamed or removed are durable afterwards. */
  syncNames(): Promise<void>;
  /** Nothing happens where there is none. */
  remove(name: string): Promise<void>;
  list(): Promise<readonly string[]>;
}

/** The confirmed commit that waits, as it is kept. */
export interface StoredPending {
  readonly commit: number;
  readonly rollback: number;
  /** Wall clock. */
  readonly deadline: Milliseconds;
  /** From the last commit or extension to the deadline: the clock may be set back meanwhile. */
  readonly timeout: Milliseconds;
  readonly user: string;
  readonly protocol: Protocol;
  readonly persist?: string;
}

/** Everything that one rename changes. */
interface Head {
  readonly format: 1;
  /** Tells the commits of this store from those of one that was here before. */
  readonly lineage: string;
  /** Newest first: of these the documents are kept. */
  readonly documents: readonly number[];
  /** Newest first: of these the entries are kept. */
  readonly entries: readonly number[];
  readonly pending?: StoredPending;
  /** Of the startup file when it was last taken over or written, and the commit that it was then. */
  readonly startup?: { readonly digest: string; readonly commit: number };
}

const HEAD = "head.json";
const NEXT_HEAD = "head.json.new";
const KEPT_DOCUMENTS = 21;
const KEPT_ENTRIES = 200;

/** A store that another version wrote, or that was damaged. */
export class CommitStoreError extends Error {
  readonly code = "management.store-unreadable";
}

/**
 * Commits on disk: each a document of RFC 7951 JSON (`7.json`) with its log entry (`7.entry.json`), and `head.json`, which
 * names those that count. A commit is done when the new head has its name; a crash before leaves files that nothing
 * names, which the next commit overwrites or the next start removes.
 */
export class CommitStore {
  readonly #files: StoreFiles;
  readonly #log: Log;
  #head: Head;
  /** Newest first, as the head has them. */
  #entries: CommitEntry[];
  /** What no commit names any more is gone: nobody waits for it but who writes next. */
  #swept: Promise<void> = Promise.resolve();

  private constructor(files: StoreFiles, log: Log, head: Head, entries: CommitEntry[]) {
    this.#files = files;
    this.#log = log;
    this.#head = head;
    this.#entries = entries;
  }

  /** `lineage`: for a store that is new. @throws {CommitStoreError} with what to do about it */
  static async open(files: StoreFiles, lineage: string, log: Log): Promise<CommitStore> {
    const text = await files.read(HEAD);
    if (text === undefined) return new CommitStore(files, log, { format: 1, lineage, documents: [], entries: [] }, []);
    const head = parsed<Head>(text);
    const where = files.path === undefined ? "" : ` in ${files.path}`;
    const advice = "move that folder away, and the router starts from its file";
    if (head === undefined || typeof head !== "object" || head === null)
      throw new CommitStoreError(`${HEAD}${where} is damaged: ${advice}`);
    if (head.format !== 1)
      throw new CommitStoreError(
        `${HEAD}${where} has format ${head.format}, which is that of another version of semrd: start that one, or ${advice}`,
      );
    const entries: CommitEntry[] = [];
    for (const id of head.entries) {
      const entry = parsed<CommitEntry>((await files.read(entryName(id))) ?? "");
      if (entry?.id === id) entries.push(entry);
      else {
        const effect = `commit ${id} is not in the log of commits; what it configured is not concerned`;
        log.error("management.entry-unreadable", { file: `${entryName(id)}${where}`, effect });
      }
    }
    const store = new CommitStore(files, log, head, entries);
    await store.#removeUnnamed();
    return store;
  }

  /** Nothing is done to the files any more, until the next commit. */
  get settled(): Promise<void> {
    return this.#swept;
  }

  get lineage(): string {
    return this.#head.lineage;
  }

  /** Of the configuration that runs; 0: nothing was ever committed. */
  get current(): number {
    return this.#head.documents[0] ?? 0;
  }

  /** Newest first. */
  get entries(): readonly CommitEntry[] {
    return this.#entries;
  }

  get pending(): StoredPending | undefined {
    return this.#head.pending;
  }

  /** Digest of the startup file when it was last the same as running. */
  get startup(): string | undefined {
    return this.#head.startup?.digest;
  }

  /** The commit that it was then. */
  get saved(): number | undefined {
    return this.#head.startup?.commit;
  }

  /** Commits whose document is kept, newest first. */
  get documents(): readonly number[] {
    return this.#head.documents;
  }

  async document(commit: number): Promise<string | undefined> {
    if (!this.#head.documents.includes(commit)) return undefined;
    return this.#files.read(documentName(commit));
  }

  /** Durable when it resolves; on a rejection nothing has changed. */
  async commit(
    entry: CommitEntry,
    document: Uint8Array,
    also: { readonly pending: StoredPending | undefined; readonly startup?: string },
  ): Promise<void> {
    await this.#swept;
    try {
      await this.#putCommit(entry, document, also);
    } catch (cause) {
      // What it has left takes room that the next one may need.
      await this.#removeUnnamed();
      throw cause;
    }
    this.#entries = [entry, ...this.#entries].slice(0, KEPT_ENTRIES);
    this.#swept = this.#removeUnnamed();
  }

  async #putCommit(
    entry: CommitEntry,
    document: Uint8Array,
    also: { readonly pending: StoredPending | undefined; readonly startup?: string },
  ): Promise<void> {
    const { id } = entry;
    await together([
      this.#files.write(documentName(id), document),
      this.#files.write(entryName(id), JSON.stringify(entry)),
    ]);
    await this.#files.syncNames();
    const { pending } = also;
    const startup = also.startup === undefined ? this.#head.startup : { digest: also.startup, commit: id };
    const documents = [id, ...this.#head.documents];
    await this.#putHead({
      format: 1,
      lineage: this.lineage,
      documents: documents.filter((kept, i) => i < KEPT_DOCUMENTS || kept === pending?.rollback),
      entries: [id, ...this.#head.entries].slice(0, KEPT_ENTRIES),
      ...(pending === undefined ? {} : { pending }),
      ...(startup === undefined ? {} : { startup }),
    });
  }

  async setPending(pending: StoredPending | undefined): Promise<void> {
    await this.#swept;
    const { pending: _, ...rest } = this.#head;
    await this.#putHead(pending === undefined ? rest : { ...rest, pending });
  }

  /** The startup file of this digest is running. */
  async setStartup(startup: string): Promise<void> {
    await this.#swept;
    await this.#putHead({ ...this.#head, startup: { digest: startup, commit: this.current } });
  }

  async #putHead(head: Head): Promise<void> {
    await this.#files.write(NEXT_HEAD, JSON.stringify(head));
    await this.#files.rename(NEXT_HEAD, HEAD);
    this.#head = head;
    // It is done, and every later start sees it; only a loss of power could still take it back.
    try {
      await this.#files.syncNames();
    } catch (cause) {
      this.#log.error("management.commit-not-synced", { reason: messageOf(cause) });
    }
  }

  /** What is left over harms nobody. */
  async #removeUnnamed(): Promise<void> {
    try {
      await this.#sweep();
    } catch (cause) {
      this.#log.warn("management.sweep-failed", { reason: messageOf(cause) });
    }
  }

  async #sweep(): Promise<void> {
    const named = new Set([HEAD, ...this.#head.documents.map(documentName), ...this.#head.entries.map(entryName)]);
    for (const name of await this.#files.list()) {
      if (!named.has(name) && /^(\d+\.(entry\.)?json|head\.json\.new)$/.test(name)) await this.#files.remove(name);
    }
  }
}

/** When all of it has ended, also what fails. */
async function together(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find(({ status }) => status === "rejected");
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}

const documentName = (commit: number): string => `${commit}.json`;
const entryName = (commit: number): string => `${commit}.entry.json`;

/** `undefined`: the file is not there, or damaged. */
function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
