import { messageOf } from "../../base/index.ts";
import {
  type Answer,
  answered,
  Candidate,
  type DataFormat,
  type Datastore,
  fault,
  letGo,
  type ManagementFault,
  type Model,
  refused,
  type Session,
  type TransactionId,
  type Tree,
} from "../datastore/index.ts";
import type { CommitStore } from "./commit-store.ts";

/** The file that the router was started with. */
export interface StartupFile {
  readonly path: string;
  /** Rejects with a reason for people. */
  read(): Promise<StartupText>;
  /** Replaces it at once; the answer is its new digest. Rejects with a reason for people. */
  write(text: string): Promise<string>;
  /** What is wrong with it, by line; nothing where nothing is found. Asked when it was refused. */
  faults?(): Promise<readonly ManagementFault[]>;
}

export interface StartupText {
  readonly text: string;
  readonly digest: string;
  /** Present: others of the host than its owner can read it. */
  readonly isOpen?: true;
}

/** Something whose data is asked for: a datastore, a commit of the log, or text. */
export type Source = Datastore | number | { readonly text: string; readonly format: DataFormat };

type Refusal = Extract<Answer<never>, { ok: false }>;

interface RunningTrees {
  readonly tree: Tree;
  readonly commit: number;
  inUse(): Promise<Tree>;
}

/** Every configuration besides running: the candidates, the startup file, earlier commits. */
export class Workspace {
  readonly shared = new Candidate();
  readonly #private = new Map<number, Candidate>();
  readonly #model: Model;
  readonly #store: CommitStore;
  readonly #startup: StartupFile;
  readonly #running: RunningTrees;
  #startupDigest: string | undefined;

  constructor(model: Model, store: CommitStore, startup: StartupFile, running: RunningTrees) {
    this.#model = model;
    this.#store = store;
    this.#startup = startup;
    this.#running = running;
    this.#startupDigest = store.startup;
  }

  /** The candidate of that name; the private one is made when it is first asked for. */
  candidate(session: Session, which: "candidate" | "private-candidate"): Candidate {
    if (which === "candidate") return this.shared;
    const known = this.#private.get(session.id);
    if (known !== undefined) return known;
    const made = new Candidate();
    this.#private.set(session.id, made);
    return made;
  }

  /** Whichever the session has changed: its private one, else the shared one. */
  hasPrivate(session: Session): boolean {
    return this.#private.get(session.id)?.isModified === true;
  }

  forget(session: Session): void {
    const own = this.#private.get(session.id);
    this.#private.delete(session.id);
    own?.discard();
  }

  /** A handle on what `source` holds, for the caller to dispose. */
  async tree(session: Session, source: Source): Promise<Answer<Tree>> {
    if (typeof source === "object") return this.#model.parse(source.text, source.format);
    if (typeof source === "number") return this.#committed(source);
    switch (source) {
      case "candidate":
      case "private-candidate":
        return answered(this.candidate(session, source).tree(this.#running.tree).share());
      case "running":
      case "intended":
        return answered(this.#running.tree.share());
      case "operational":
        return answered(await this.#running.inUse());
      case "startup":
        return this.#startupTree();
    }
  }

  async #committed(commit: number): Promise<Answer<Tree>> {
    const text = await this.#store.document(commit);
    if (text !== undefined) return this.#model.parse(text, "json");
    const kept = this.#store.documents;
    const message = `the configuration of commit ${commit} is not kept: there are ${kept.at(-1)} to ${kept[0]}`;
    return refused(fault("invalid-value", message, { errorType: "protocol", appTag: "no-such-commit" }));
  }

  async #startupTree(): Promise<Answer<Tree>> {
    const file = await this.readStartup();
    return file.ok ? this.#model.parse(file.value.text, "json") : file;
  }

  async readStartup(): Promise<Answer<StartupText>> {
    try {
      const file = await this.#startup.read();
      this.#startupDigest = file.digest;
      return answered(file);
    } catch (cause) {
      return refused(fault("operation-failed", `${this.#startup.path} cannot be read: ${messageOf(cause)}`));
    }
  }

  /** A refusal of the startup file for whoever mends it: the lines that are wrong, where they can be told. */
  async startupRefusal(refusal: Refusal): Promise<Refusal> {
    const found = (await this.#startup.faults?.()) ?? [];
    const { errorTag } = refusal.faults[0]!;
    return found.length === 0 ? refusal : { ok: false, faults: found.map((each) => ({ ...each, errorTag })) };
  }

  /** Of what was last read or written. */
  get startupId(): TransactionId {
    return this.#startupDigest ?? "unknown";
  }

  /** Whether running is what the startup file has. */
  get isSaved(): boolean {
    return this.#store.saved === this.#running.commit;
  }

  /** `tree` stays the caller's. */
  async writeStartup(tree: Tree): Promise<Answer<TransactionId>> {
    const valid = await this.#model.validate(tree);
    if (!valid.ok) return valid;
    letGo(valid.value);
    const text = await this.#model.write(tree, { indent: true });
    const isRunning = (await this.#model.diff(this.#running.tree, tree)).length === 0;
    try {
      this.#startupDigest = await this.#startup.write(text);
      // Another file than running is taken over at the next start, as one that was edited by hand is.
      if (isRunning) await this.#store.setStartup(this.#startupDigest);
    } catch (cause) {
      return refused(fault("operation-failed", `${this.#startup.path} cannot be written: ${messageOf(cause)}`));
    }
    return answered(this.#startupDigest);
  }
}
