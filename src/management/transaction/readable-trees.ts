import { type Access, type Answer, answered, type Datastore, type Model, type Tree } from "../datastore/index.ts";

/** Roles whose part of running is kept. */
const MOST_KEPT = 8;

/** What somebody may read of trees. Of running it is kept until the next commit: it is asked for again and again. */
export class ReadableTrees implements AsyncDisposable {
  readonly #model: Model;
  readonly #running: { readonly commit: number; readonly tree: Tree };
  /** By what is hidden; oldest first. */
  readonly #kept = new Map<Access["hidden"], { readonly of: Tree; readonly tree: Promise<Answer<Tree>> }>();

  constructor(model: Model, running: { readonly commit: number; readonly tree: Tree }) {
    this.#model = model;
    this.#running = running;
  }

  /**
   * What `access` may read of `tree`, for the caller to dispose; `tree` stays the caller's. `within`: paths of all that
   * is wanted of it.
   */
  async of(
    tree: Tree,
    access: Access | undefined,
    { from, within }: { readonly from: Datastore | number; readonly within?: readonly string[] },
  ): Promise<Answer<Tree>> {
    if (access === undefined || access.hidden.length === 0) return answered(tree.share());
    if (within !== undefined || (from !== "running" && from !== "intended"))
      return this.#model.restrict(tree, access.hidden, within);
    const known = this.#kept.get(access.hidden);
    if (known?.of === this.#running.tree) {
      const kept = await known.tree;
      // Meanwhile it may have been given up for that of another commit.
      if (kept.ok && this.#kept.get(access.hidden) === known) return answered(kept.value.share());
      if (!kept.ok) return kept;
      return this.#model.restrict(tree, access.hidden);
    }
    // The one that a commit has made meanwhile, where there is one: what is kept is of the newest.
    const { tree: running } = this.#running;
    const made = { of: running, tree: this.#model.restrict(running, access.hidden) };
    this.#kept.delete(access.hidden);
    this.#kept.set(access.hidden, made);
    const oldest = this.#kept.keys().next().value!;
    const given = [known, this.#kept.size > MOST_KEPT ? this.#kept.get(oldest) : undefined];
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(oldest);
    const restricted = await made.tree;
    const shared = restricted.ok ? answered(restricted.value.share()) : restricted;
    for (const gone of given) await dispose(gone?.tree);
    return shared;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#kept.values()];
    this.#kept.clear();
    for (const { tree } of all) await dispose(tree);
  }
}

async function dispose(tree: Promise<Answer<Tree>> | undefined): Promise<void> {
  const made = await tree;
  if (made?.ok === true) await made.value.dispose();
}
