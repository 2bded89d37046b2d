import type { Access, Verdict } from "./access.ts";
import type { Answer } from "./error.ts";
import type { Path, PathStep } from "./path.ts";
import type { DataFormat, EditOptions, EditStep, GetOptions, XPathSelection } from "./types.ts";

/**
 * Configuration data that never changes; an edit is a new tree. Each handle has one owner, who disposes it; it is not
 * used afterwards.
 */
export interface Tree {
  /** Nothing but default values. */
  readonly empty: boolean;
  /** The same for all handles on the same data, and for no others, ever. */
  readonly number: number;
  /** Another handle on the same data. */
  share(): Tree;
  dispose(): Promise<void>;
}

/** Gives up a handle. A large tree takes a while to be freed, on the model's own thread: nobody waits for that. */
export function letGo(tree: Tree | undefined): void {
  void tree?.dispose();
}

/** One difference between two trees; a subtree that came or went is one of its topmost node. */
export interface TreeChange {
  readonly operation: "create" | "delete" | "change" | "move";
  readonly path: Path;
  /** JSON value (RFC 7951) of the node, default values left out. */
  readonly value?: unknown;
  readonly old?: unknown;
  /** Of a created or moved entry of a user-ordered list: its neighbour before it, absent for the first. */
  readonly after?: PathStep;
}

/** What is configured, and what of it is in use: they differ by what waits for a restart. */
export interface OriginSources {
  readonly intended: Tree;
  readonly applied: Tree;
}

/** Reads what the router does. */
export interface OperationalReader {
  /**
   * What `options` select of the configuration in use, which stays the caller's, and of state; with `access` only the state
   * that may be read: the configuration has been restricted already. `sources` are what it comes from, unrestricted.
   */
  read(inUse: Tree, options: GetOptions, access?: Access, sources?: OriginSources): Promise<Answer<Uint8Array>>;
}

/** What the datastores ask of a data model. All work is done off the main thread. Refusals are values. */
export interface Model {
  /** Reads the form of a whole document; references, conditions and mandatory nodes are for {@link validate}. */
  parse(text: string, format: DataFormat): Promise<Answer<Tree>>;
  /** `tree` stays as it is. */
  edit(tree: Tree, text: string, options: EditOptions): Promise<Answer<Tree>>;
  editSteps(tree: Tree, steps: readonly EditStep[]): Promise<Answer<Tree>>;
  /**
   * The tree with its default values, or every fault that could be told apart. `since`: a tree that is the outcome of
   * this, and how the new one differs from it, so that what cannot be affected need not be looked at.
   */
  validate(
    tree: Tree,
    since?: { readonly valid: Tree; readonly changes: readonly TreeChange[] },
  ): Promise<Answer<Tree>>;
  /** Whether there is a node at one of the paths, which are names only. */
  has(tree: Tree, paths: readonly Path[]): Promise<boolean>;
  /** Without what is hidden, and what stands in that. `within`: only that is wanted of the tree. */
  restrict(tree: Tree, hidden: readonly Verdict[], within?: readonly string[]): Promise<Answer<Tree>>;
  /**
   * Where the nodes are that a path or an expression selects, those within another left out.
   * An expression that is no set of nodes is `invalid-value`, with app-tag `not-a-node-set`.
   */
  nodes(tree: Tree, selection: Path | XPathSelection): Promise<Answer<readonly Path[]>>;
  /** A data path with every module, which may be left out where a name alone is clear; refused where there is no such node. */
  whole(path: Path): Answer<Path>;
  /** From `before` to `after`; default values do not count as there. */
  diff(before: Tree, after: Tree): Promise<readonly TreeChange[]>;
  /** What `options` select of the tree, in UTF-8. */
  read(tree: Tree, options: GetOptions): Promise<Answer<Uint8Array>>;
  /** The whole document as it is kept: RFC 7951 JSON without default values, in UTF-8. */
  document(tree: Tree): Promise<Uint8Array>;
  /** The same as text. */
  write(tree: Tree, options?: { readonly indent: boolean }): Promise<string>;
}
