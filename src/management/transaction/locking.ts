import type { Clock } from "../../base/index.ts";
import {
  type AccessControl,
  type Answer,
  fault,
  type Lockable,
  type Locks,
  type Model,
  type PartialLock,
  refused,
  type Session,
  type XPathSelection,
} from "../datastore/index.ts";
import type { Committer } from "./committer.ts";
import { lockedNodes } from "./partial-lock.ts";
import type { ReadableTrees } from "./readable-trees.ts";
import type { Running } from "./running.ts";
import type { Workspace } from "./workspace.ts";

/** Evaluations of the expressions of a partial lock, while running changes under them. */
const MOST_TRIES = 3;

export interface LockingParts {
  readonly model: Model;
  readonly locks: Locks;
  readonly running: Pick<Running<unknown, unknown>, "tree">;
  readonly workspace: Workspace;
  readonly committer: Pick<Committer<unknown, unknown>, "keepsLockFrom">;
  readonly readable: ReadableTrees;
  readonly clock: Clock;
  /** Absent: everybody may do everything. */
  readonly access?: AccessControl;
}

/** Whether a session may have a lock now: what waits, what nobody has committed and what it may write decide. */
export class Locking {
  readonly #parts: LockingParts;

  constructor(parts: LockingParts) {
    this.#parts = parts;
  }

  /** @see RFC 6241 §7.5 */
  lock(session: Session, target: Lockable): Answer<void> {
    if (target === "running") {
      const kept = this.#parts.committer.keepsLockFrom(session);
      if (kept !== undefined) return refused(kept);
    }
    if (
      target === "candidate" &&
      this.#parts.locks.holder(target) === undefined &&
      this.#parts.workspace.shared.isModified
    ) {
      const message = "the candidate has changes that nobody has committed: commit or discard them first";
      return refused(fault("lock-denied", message, { errorType: "protocol", info: { sessionId: 0 } }));
    }
    return this.#parts.locks.lock(session, target, this.#parts.clock.wall());
  }

  /** @see RFC 5717 §2.4.1 */
  async partialLock(session: Session, selections: readonly (string | XPathSelection)[]): Promise<Answer<PartialLock>> {
    const kept = this.#parts.committer.keepsLockFrom(session);
    if (kept !== undefined) return refused(kept);
    // An expression takes its time: nobody's commit waits for it, and it counts if none was made meanwhile.
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { number } = this.#parts.running.tree;
      const access = this.#parts.access?.of(session);
      const selected = await lockedNodes(selections, this.#parts.running.tree, { ...this.#parts, access });
      if (!selected.ok) return selected;
      if (this.#parts.running.tree.number !== number) continue;
      return this.#parts.locks.lockPaths(session, selected.value, this.#parts.clock.wall());
    }
    return refused(fault("operation-failed", "running changes all the time: try again"));
  }
}
