import { letGo, type Tree } from "./model.ts";

/**
 * A configuration that is being worked on. Until it is first changed it is running, whatever that becomes.
 *
 * It remembers running as it was at the first change, so that what others committed since can be told from what was
 * changed here.
 */
export class Candidate {
  #work: { tree: Tree; readonly base: Tree; readonly baseCommit: number } | undefined;
  #edits = 0;

  get isModified(): boolean {
    return this.#work !== undefined;
  }

  /** Running at the first change; absent while unmodified. Borrowed. */
  get base(): { readonly tree: Tree; readonly commit: number } | undefined {
    return this.#work && { tree: this.#work.base, commit: this.#work.baseCommit };
  }

  /** Counts changes. */
  get edits(): number {
    return this.#edits;
  }

  /** What it holds; `running` while unmodified. Borrowed. */
  tree(running: Tree): Tree {
    return this.#work?.tree ?? running;
  }

  /** Takes `tree`. */
  become(tree: Tree, running: { readonly tree: Tree; readonly commit: number }): void {
    this.#edits++;
    const before = this.#work;
    if (before === undefined) this.#work = { tree, base: running.tree.share(), baseCommit: running.commit };
    else {
      const old = before.tree;
      before.tree = tree;
      letGo(old);
    }
  }

  /** Begins anew from running. */
  discard(): void {
    const before = this.#work;
    this.#work = undefined;
    if (before === undefined) return;
    this.#edits++;
    letGo(before.tree);
    letGo(before.base);
  }
}
