import {
  type Answer,
  answered,
  type EditOptions,
  type EditStep,
  type EditTarget,
  fault,
  type Locks,
  letGo,
  type ManagementFault,
  type Model,
  refused,
  type Session,
  type TransactionId,
  type Tree,
} from "../datastore/index.ts";
import type { CommitStore } from "./commit-store.ts";
import type { Committer } from "./committer.ts";
import type { Edits } from "./edits.ts";
import { held } from "./held.ts";
import type { Reading } from "./reading.ts";
import type { Running } from "./running.ts";
import type { Source, Workspace } from "./workspace.ts";

export interface EditingParts {
  readonly model: Model;
  readonly store: CommitStore;
  readonly locks: Locks;
  readonly running: Running<unknown, unknown>;
  readonly workspace: Workspace;
  readonly committer: Pick<Committer<unknown, unknown>, "replace">;
  readonly edits: Edits;
  readonly reading: Reading;
  /** Why nothing but a commit can be done to running now. */
  readonly waits: () => ManagementFault | undefined;
  /** After all that was asked for before. */
  readonly inTurn: <T>(run: () => Promise<T>) => Promise<T>;
}

/** Changes to one datastore, whichever it is: by an edit, by steps, by another datastore, or by none. */
export class Editing {
  readonly #parts: EditingParts;

  constructor(parts: EditingParts) {
    this.#parts = parts;
  }

  edit(session: Session, target: EditTarget, text: string, options: EditOptions): Promise<Answer<TransactionId>> {
    return this.#parts.inTurn(async () => {
      const kept = this.#keepsOut(session, target);
      if (!kept.ok) return kept;
      const edited = await this.#parts.edits.edited(session, target, text, (tree) =>
        this.#parts.model.edit(tree, text, options),
      );
      if (!edited.ok) return edited;
      const test = options.testOption ?? "set";
      if (test !== "set") {
        const valid = await this.#parts.running.validate(edited.value);
        if (!valid.ok || test === "test-only") {
          letGo(edited.value);
          return valid.ok
            ? answered(this.#parts.reading.transactionId(session, target))
            : this.#parts.edits.told(session, valid);
        }
      }
      return this.#put(session, target, edited.value);
    });
  }

  editSteps(session: Session, target: EditTarget, steps: readonly EditStep[]): Promise<Answer<TransactionId>> {
    return this.#parts.inTurn(async () => {
      const kept = this.#keepsOut(session, target);
      if (!kept.ok) return kept;
      const edited = await this.#parts.edits.edited(session, target, steps, (tree) =>
        this.#parts.model.editSteps(tree, steps),
      );
      return edited.ok ? this.#put(session, target, edited.value) : edited;
    });
  }

  copy(session: Session, from: Source, to: EditTarget): Promise<Answer<TransactionId>> {
    return this.#parts.inTurn(async () => {
      const kept = this.#keepsOut(session, to);
      if (!kept.ok) return kept;
      const source = await this.#parts.edits.copied(session, from, to);
      return source.ok ? this.#put(session, to, source.value) : source;
    });
  }

  async delete(session: Session, target: EditTarget): Promise<Answer<TransactionId>> {
    if (target === "private-candidate") return this.discard(session, target);
    const advice = target === "candidate" ? "discard its changes instead" : "a router without one cannot run";
    return refused(fault("operation-not-supported", `${target} cannot be deleted: ${advice}`));
  }

  discard(session: Session, target: "candidate" | "private-candidate" = "candidate"): Promise<Answer<TransactionId>> {
    return this.#parts.inTurn(async () => {
      const kept = this.#keepsOut(session, target);
      if (!kept.ok) return kept;
      this.#parts.workspace.candidate(session, target).discard();
      this.#parts.running.forget();
      return answered(this.#parts.reading.transactionId(session, target));
    });
  }

  rollback(
    session: Session,
    back: number,
    target: "candidate" | "private-candidate" = "candidate",
  ): Promise<Answer<TransactionId>> {
    const commit = this.#parts.store.documents[back];
    if (commit !== undefined) return this.copy(session, commit, target);
    const most = this.#parts.store.documents.length - 1;
    const message =
      most < 1 ? "there is no earlier commit" : `${back} commits back is further than is kept: 1 to ${most}`;
    return Promise.resolve(refused(fault("invalid-value", message, { errorType: "protocol" })));
  }

  #keepsOut(session: Session, target: EditTarget): Answer<void> {
    if (target === "private-candidate") return answered(undefined);
    const kept =
      this.#parts.locks.keepsOut(session, target) ?? (target === "candidate" ? undefined : this.#parts.waits());
    return kept === undefined ? answered(undefined) : refused(kept);
  }

  /** Takes `tree`. */
  async #put(session: Session, target: EditTarget, tree: Tree): Promise<Answer<TransactionId>> {
    if (target === "candidate" || target === "private-candidate") {
      this.#parts.workspace.candidate(session, target).become(tree, this.#parts.running);
      return answered(this.#parts.reading.transactionId(session, target));
    }
    using own = held(tree);
    if (target === "startup") return await this.#parts.workspace.writeStartup(own.tree);
    const done = await this.#parts.committer.replace(session, own.tree, {}, { cause: "commit" });
    return done.ok ? answered(done.value.transactionId) : done;
  }
}
