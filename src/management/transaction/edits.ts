import {
  type AccessControl,
  type Answer,
  answered,
  type EditTarget,
  letGo,
  type Model,
  type Session,
  type Tree,
} from "../datastore/index.ts";
import { held } from "./held.ts";
import type { KeptSecrets, Sent } from "./kept-secrets.ts";
import type { ReadableTrees } from "./readable-trees.ts";
import type { Source, Workspace } from "./workspace.ts";

export interface EditsParts {
  readonly model: Model;
  readonly access: AccessControl | undefined;
  readonly workspace: Workspace;
  readonly readable: ReadableTrees;
  readonly secrets: KeptSecrets;
}

/** What a datastore becomes by an edit or a copy, and whether that is somebody's to do. Puts it nowhere. */
export class Edits {
  readonly #parts: EditsParts;

  constructor(parts: EditsParts) {
    this.#parts = parts;
  }

  /** What `target` becomes by `edit`, for the caller to dispose; `sent` is what the edit is of. */
  async edited(
    session: Session,
    target: EditTarget,
    sent: Sent,
    edit: (tree: Tree) => Promise<Answer<Tree>>,
  ): Promise<Answer<Tree>> {
    const found = await this.#parts.workspace.tree(session, target);
    if (!found.ok) return found;
    using tree = held(found.value);
    const edited = await edit(tree.tree);
    if (!edited.ok) return this.told(session, edited);
    const whole = await this.#parts.secrets.in(tree.tree, edited.value, sent);
    if (!whole.ok) return whole;
    const allowed = await this.#mayBecome(session, tree.tree, whole.value);
    if (allowed.ok) return whole;
    letGo(whole.value);
    return allowed;
  }

  /** What is put where a datastore, a commit or text is copied to, for the caller to dispose. @see RFC 8341 §3.2.6 */
  async copied(session: Session, from: Source, to: EditTarget): Promise<Answer<Tree>> {
    const { workspace, readable, secrets } = this.#parts;
    const found = await workspace.tree(session, from);
    if (!found.ok || (from === "running" && to === "startup")) return found;
    const access = this.#parts.access?.of(session);
    if (access === undefined && typeof from !== "object") return found;
    let source: Answer<Tree> = found;
    if (access !== undefined && typeof from === "string") {
      using all = held(found.value);
      source = await readable.forCopy(all.tree, access, { from });
      if (!source.ok) return source;
    }
    const before = await workspace.tree(session, to);
    using old = before.ok ? held(before.value) : undefined;
    if (old !== undefined && typeof from === "object") {
      source = await secrets.in(old.tree, source.value, from.text);
      if (!source.ok) return source;
    }
    // A startup file that cannot be read can be replaced by whoever may do everything.
    if (access === undefined) return source;
    const allowed = old === undefined ? before : await this.#mayBecome(session, old.tree, source.value);
    if (allowed.ok) return source;
    letGo(source.value);
    return allowed;
  }

  /** A refusal as far as the session may read what it is about. */
  told<T>(session: Session, refusal: Extract<Answer<T>, { ok: false }>): Answer<T> {
    const access = this.#parts.access?.of(session);
    return access === undefined ? refusal : { ok: false, faults: access.told(refusal.faults) };
  }

  async #mayBecome(session: Session, before: Tree, after: Tree): Promise<Answer<void>> {
    const access = this.#parts.access?.of(session);
    if (access === undefined || access.writesAll) return answered(undefined);
    return access.writing(await this.#parts.model.diff(before, after));
  }
}
