import {
  type Access,
  type Answer,
  answered,
  type Datastore,
  formatPath,
  type Model,
  type Tree,
  type Verdict,
} from "../datastore/index.ts";

/** Roles whose part of running is kept. */
const MOST_KEPT = 8;

type Hidden = Access["hidden"];

interface Wanted {
  readonly from: Datastore | number;
  readonly within?: readonly string[];
}

/**
 * What somebody may read of trees: nobody is told what is secret. Of running it is kept until the next commit: it is asked
 * for again and again.
 */
export class ReadableTrees implements AsyncDisposable {
  readonly #model: Model;
  readonly #running: { readonly commit: number; readonly tree: Tree };
  readonly #secrets: Hidden;
  /** What is hidden from somebody and what is secret, by the first: always the same array. */
  readonly #together = new WeakMap<Hidden, Hidden>();
  /** What is hidden from somebody besides what is secret, by the same. */
  readonly #besides = new WeakMap<Hidden, Hidden>();
  /** By what is hidden; oldest first. */
  readonly #kept = new Map<Hidden, { readonly of: Tree; readonly tree: Promise<Answer<Tree>> }>();
  /** The last tree that was found to have no secrets, by its number. */
  #clean: number | undefined;

  /** `secrets`: what is hidden from everybody. */
  constructor(
    model: Model,
    running: { readonly commit: number; readonly tree: Tree },
    secrets: readonly Verdict[] = [],
  ) {
    this.#model = model;
    this.#running = running;
    this.#secrets = secrets;
  }

  /**
   * What `access` may read of `tree`, for the caller to dispose; `tree` stays the caller's. `within`: paths of all that
   * is wanted of it.
   */
  of(tree: Tree, access: Access | undefined, wanted: Wanted): Promise<Answer<Tree>> {
    return this.#without(this.#hiddenFrom(access), tree, wanted);
  }

  /**
   * As {@link of}, for the router itself to put elsewhere: with the secrets of what may be read. Nobody is told them by that, and
   * whoever may not write them can only copy them to where they are already.
   */
  forCopy(tree: Tree, access: Access, wanted: Wanted): Promise<Answer<Tree>> {
    const { hidden } = access;
    let besides = this.#besides.get(hidden);
    if (besides === undefined) {
      const secret = new Set(this.#secrets.map(({ path }) => formatPath(path)));
      const others = hidden.filter(({ path }) => !secret.has(formatPath(path)));
      besides = others.length === hidden.length ? hidden : others;
      this.#besides.set(hidden, besides);
    }
    return this.#without(besides, tree, wanted);
  }

  #hiddenFrom(access: Access | undefined): Hidden {
    if (access === undefined || access.hidden.length === 0) return this.#secrets;
    if (this.#secrets.length === 0) return access.hidden;
    let all = this.#together.get(access.hidden);
    if (all === undefined) {
      const secret = new Set(this.#secrets.map(({ path }) => formatPath(path)));
      all = [...access.hidden.filter(({ path }) => !secret.has(formatPath(path))), ...this.#secrets];
      this.#together.set(access.hidden, all);
    }
    return all;
  }

  async #without(hidden: Hidden, tree: Tree, { from, within }: Wanted): Promise<Answer<Tree>> {
    if (hidden.length === 0) return answered(tree.share());
    if (hidden === this.#secrets && !(await this.#hasSecrets(tree))) return answered(tree.share());
    if (within !== undefined || (from !== "running" && from !== "intended"))
      return this.#model.restrict(tree, hidden, within);
    const known = this.#kept.get(hidden);
    if (known?.of === this.#running.tree) {
      const kept = await known.tree;
      // Meanwhile it may have been given up for that of another commit.
      if (kept.ok && this.#kept.get(hidden) === known) return answered(kept.value.share());
      if (!kept.ok) return kept;
      return this.#model.restrict(tree, hidden);
    }
    // The one that a commit has made meanwhile, where there is one: what is kept is of the newest.
    const { tree: running } = this.#running;
    const made = { of: running, tree: this.#model.restrict(running, hidden) };
    this.#kept.delete(hidden);
    this.#kept.set(hidden, made);
    const oldest = this.#kept.keys().next().value!;
    const given = [known, this.#kept.size > MOST_KEPT ? this.#kept.get(oldest) : undefined];
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(oldest);
    const restricted = await made.tree;
    const shared = restricted.ok ? answered(restricted.value.share()) : restricted;
    for (const gone of given) await dispose(gone?.tree);
    return shared;
  }

  async #hasSecrets(tree: Tree): Promise<boolean> {
    if (this.#clean === tree.number) return false;
    const paths = this.#secrets.map(({ path }) => path);
    const has = await this.#model.has(tree, paths);
    if (!has) this.#clean = tree.number;
    return has;
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
