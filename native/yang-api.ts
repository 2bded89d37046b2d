/**
 * The YANG part of the addon. A context is one set of modules with a thread of its own; trees are immutable snapshots
 * of data, so that whoever holds one reads the same data however long a commit takes. Every change makes a new tree.
 */

import type { YangModule, YangModuleState, YangSchemaNode } from "./yang-schema-api.ts";

/** @see RFC 6241 appendix A */
export type YangErrorTag =
  | "bad-attribute"
  | "bad-element"
  | "data-exists"
  | "data-missing"
  | "invalid-value"
  | "malformed-message"
  | "missing-attribute"
  | "missing-element"
  | "operation-failed"
  | "operation-not-supported"
  | "resource-denied"
  | "too-big"
  | "unknown-attribute"
  | "unknown-element"
  | "unknown-namespace";

/** One thing that was wrong. */
export interface YangFault {
  readonly errorTag: YangErrorTag;
  readonly errorType: "rpc" | "protocol" | "application";
  readonly message: string;
  /**
   * Data path in libyang's notation (`/m:list[key='x']/leaf`: a module's name where it changes), the schema path of a
   * node that is missing, `undefined` for errors of the text itself (then `line` is set).
   */
  readonly path?: string;
  /** Of the `must`, range, pattern… that was not met, or of RFC 7950 section 15. */
  readonly appTag?: string;
  readonly line?: number;
  readonly badElement?: string;
  readonly badAttribute?: string;
  readonly badNamespace?: string;
}

/** How every promise here is rejected where the data is at fault; `code` is `"EYANG"`. `faults` is never empty. */
export interface YangError extends Error {
  readonly code: "EYANG";
  readonly faults: readonly YangFault[];
}

/**
 * An immutable data tree. Each handle must be disposed; the memory goes with the last one, on the lane's thread, at the
 * latest with the context.
 */
export interface YangTree extends AsyncDisposable {
  /** True when nothing was given: an empty document, or default values only. */
  readonly empty: boolean;
  /** The same for all handles on the same data, and for no others of the context, ever. */
  readonly number: number;
  /** Another handle on the same data, for another owner. Costs nothing. */
  share(): YangTree;
  dispose(): Promise<void>;
}

export type YangFormat = "json" | "xml";

/**
 * `implicit-tagged`: all, with a tag at those that nobody has set, so that what is read again is the same tree; the tags of
 * `report-all-tagged` are also at values that were set to the default.
 * @see RFC 6243 section 3
 */
export type YangDefaults = "explicit" | "trim" | "report-all" | "report-all-tagged" | "implicit-tagged";

/** One node of a path. */
export interface YangStep {
  /** `module:name`; the module may be left out where it is that of the step before. `*` any node, `...` any depth. */
  readonly name: string;
  /** Of a list entry, canonical, by name; in a pattern an absent key or `*` matches all. */
  readonly keys?: Readonly<Record<string, string>>;
  /** Of a leaf-list entry, canonical. */
  readonly value?: string;
}

/** From the top; empty for all data. */
export type YangPath = readonly YangStep[];

/** What decides about the instances of one schema node: the first case that fits, else `permit`. */
export interface YangVerdict {
  /** Names only. */
  readonly path: YangPath;
  /** Paths of the node or of what it stands in, whose keys may be missing, or begin so; without wildcards in names. */
  readonly cases: readonly {
    readonly path: readonly (YangStep & { readonly starts?: Readonly<Record<string, string>> })[];
    readonly permit: boolean;
  }[];
  readonly permit: boolean;
}

/**
 * One difference. A subtree that came or went as a whole is one change of its topmost node.
 * - `create`: `value`; `delete`: `old`; `change` (a leaf): both; `move` (a user-ordered entry that was there): `after`.
 */
export interface YangChange {
  readonly operation: "create" | "delete" | "change" | "move";
  readonly path: YangPath;
  /** Of the node itself. */
  readonly module: string;
  /**
   * RFC 7951 JSON of the node without its name: an object for a container or list entry, a value for a leaf or
   * leaf-list entry. Default values are not in it.
   */
  readonly value?: unknown;
  readonly old?: unknown;
  /** Of a created or moved entry of a user-ordered list: its neighbour before it, absent for the first. */
  readonly after?: YangStep;
}

/** One node that a path matched. */
export interface YangMatch {
  readonly path: YangPath;
  /** As `YangChange.value`. */
  readonly value: unknown;
}

export interface YangPrintOptions {
  /** Default: explicit. */
  readonly defaults?: YangDefaults;
  readonly indent?: boolean;
  /** Only configuration, only state (with the containers and keys it stands in). Default: all. */
  readonly content?: "config" | "nonconfig" | "all";
  /** Only this of the tree, as {@link YangContext.filter} selects it. */
  readonly filter?: string;
  /** Only this of the tree, as {@link YangContext.keep} does; not with a filter. */
  readonly keep?: readonly YangPath[];
  /** Levels of what was selected, or of the tree; 1: the selected nodes, with their keys. Default: all. */
  readonly levels?: number;
  readonly origin?: YangPrintOrigin;
}

/** Where configuration comes from, by the names of ietf-origin. @see RFC 8342 section 5.3.4 */
export type YangOrigin = "intended" | "default" | "learned" | "unknown";

/** What is printed is configuration in use, and state. What neither tree has of it, the router has learnt. */
export interface YangPrintOrigin {
  /** What is configured. */
  readonly intended: YangTree;
  /** Of what was configured, what is in use. */
  readonly applied: YangTree;
  /** Say it with the nodes (RFC 7952 annotation `origin`); wants the module ietf-origin. */
  readonly annotate?: boolean;
  /** Only configuration of these, or all but of these; state stays, and what something that stays stands in. */
  readonly only?: readonly YangOrigin[];
  readonly others?: readonly YangOrigin[];
}

export interface YangEditOptions {
  /** Default: merge. @see RFC 6241 section 7.2 */
  readonly defaultOperation?: "merge" | "replace" | "none";
}

/** A remote operation that came in, with its parameters checked. */
export interface YangRequest {
  readonly kind: "rpc" | "action";
  readonly module: string;
  readonly name: string;
  /** Of an action: the node that it is called on. Of an rpc: empty. */
  readonly target: YangPath;
  /** RFC 7951 JSON of the input with default values; without anydata and anyxml. */
  readonly input: Readonly<Record<string, unknown>>;
  /**
   * The anydata and anyxml parameters by their path in the input (`config`, `source/config`), each as XML text of the
   * element itself with every namespace that was in scope declared on it: what `edit` and `filter` take. Its attributes are
   * named as they are written there, declarations too.
   */
  readonly documents: Readonly<
    Record<string, { readonly xml: string; readonly attributes: Readonly<Record<string, string>> }>
  >;
  /** Absent for none. Parameters that are leaf-lists, as they were written, each with the namespaces that were in scope by prefix: for expressions. */
  readonly entries?: Readonly<
    Record<string, readonly { readonly text: string; readonly namespaces: Readonly<Record<string, string>> }[]>
  >;
  /** Attributes of `<rpc>` as they were written, namespace declarations too: to be sent back. */
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * One immutable context with a thread of its own; jobs run one at a time in order. Disposing cancels the jobs that
 * wait (rejection with code `"ECANCELED"`), lets the one under way end, and frees every tree.
 */
export interface YangContext extends AsyncDisposable {
  readonly modules: readonly YangModuleState[];
  /** Trees that live in the memory of the lane. */
  treeCount(): Promise<number>;
  /**
   * Parses and, unless `validate` is false, validates configuration data (`state` allows state data too). Unknown
   * nodes are errors, and so is text that is not JSON by RFC 8259: libyang alone takes a truncated text for a shorter
   * one. Rejects with a {@link YangError}.
   */
  parse(
    text: string,
    format: YangFormat,
    options?: { readonly validate?: boolean; readonly state?: boolean },
  ): Promise<YangTree>;
  /**
   * What `tree` (without one: nothing) becomes by an edit. `text` is the element `config` of an edit-config or what
   * stands in it, or RFC 7951 JSON of the same with RFC 7952 metadata; operations by the attribute `operation` of
   * RFC 6241 section 7.2, places in user-ordered lists by `insert`, `key` and `value` of RFC 7950 section 7.8.6. Not validated: references, conditions and
   * mandatory nodes are for {@link validate}. Nothing has changed when it is rejected; then all faults of independent subtrees are told.
   */
  edit(tree: YangTree | undefined, text: string, format: YangFormat, options?: YangEditOptions): Promise<YangTree>;
  /** The tree with default values, or rejects with all faults that do not follow from one another. */
  validate(tree: YangTree, options?: { readonly state?: boolean }): Promise<YangTree>;
  /** From `old` to `new`, in the order of the model; default values do not count as there. Linear in the trees. */
  diff(old: YangTree | undefined, new_: YangTree | undefined): Promise<readonly YangChange[]>;
  /** What is in either; where both have a leaf, that of `other`. `drop`: without what matches it in `tree`. */
  merge(tree: YangTree, other: YangTree, options?: { readonly drop?: readonly YangPath[] }): Promise<YangTree>;
  /** Only what the paths match, with the keys and containers it stands in. Wildcards as in {@link YangStep}. */
  keep(tree: YangTree, paths: readonly YangPath[]): Promise<YangTree>;
  /** All but what the paths match. */
  drop(tree: YangTree, paths: readonly YangPath[]): Promise<YangTree>;
  /** All but what is not permitted, with all in it; nodes without a verdict are. Keys stay with their entry. */
  restrict(tree: YangTree, verdicts: readonly YangVerdict[]): Promise<YangTree>;
  /** What a subtree filter selects: the element `filter` or what stands in it. @see RFC 6241 section 6 */
  filter(tree: YangTree, xml: string): Promise<YangTree>;
  /** The nodes that a path matches, in the order of the tree. */
  select(
    tree: YangTree,
    path: YangPath,
    options?: Pick<YangPrintOptions, "defaults" | "content">,
  ): Promise<readonly YangMatch[]>;
  /**
   * What an XPath expression selects, with the keys and containers it stands in. `prefixes` by prefix are
   * namespaces or names of modules; `levels` as those of printing. Unbounded in time: client expressions belong in a
   * process that can be killed.
   */
  xpath(
    tree: YangTree,
    expression: string,
    prefixes?: Readonly<Record<string, string>>,
    levels?: number,
  ): Promise<YangTree>;
  /**
   * Where the nodes are that an XPath expression selects, without those that stand in another one; `prefixes` and time as with
   * {@link xpath}. An expression that is no set of nodes is `invalid-value` with app-tag `not-a-node-set`.
   */
  xpathNodes(
    tree: YangTree,
    expression: string,
    prefixes?: Readonly<Record<string, string>>,
  ): Promise<readonly YangPath[]>;
  print(tree: YangTree, format: YangFormat, options?: YangPrintOptions): Promise<string>;
  /** As {@link print}, in UTF-8, without a copy: for large answers. */
  printOctets(tree: YangTree, format: YangFormat, options?: YangPrintOptions): Promise<Uint8Array>;
  /**
   * An `<rpc>` as NETCONF has it, its `<action>` (RFC 7950 section 7.15.2) too. Conditions, references and the target
   * of an action are checked against `data`.
   */
  parseRequest(xml: string, data?: YangTree): Promise<YangRequest>;
  /**
   * An rpc or, with a target, an action, whose input is RFC 7951 JSON: checks it, references and conditions against
   * `data`, and adds default values.
   */
  checkInput(target: YangPath, operation: string, input: unknown, data?: YangTree): Promise<unknown>;
  /** The content of a reply, from RFC 7951 JSON of the output: checked, references against `data`, with default values. */
  printOutput(
    target: YangPath,
    operation: string,
    output: unknown,
    format: YangFormat,
    data?: YangTree,
  ): Promise<string>;
  /** A notification from RFC 7951 JSON of what is in it; `target` for one inside data. */
  printNotification(target: YangPath, name: string, content: unknown, format: YangFormat): Promise<string>;
  /**
   * Whether an XPath expression selects any node of a notification, which is as {@link printNotification} has it. Unbounded in
   * time, as {@link xpath} is.
   */
  matchNotification(
    target: YangPath,
    name: string,
    content: unknown,
    expression: string,
    prefixes?: Readonly<Record<string, string>>,
  ): Promise<boolean>;
  /** All nodes of the implemented modules: data, operations, notifications. */
  schema(): Promise<readonly YangSchemaNode[]>;
  /** The text of a module or submodule, as its file has it. Rejects where there is none of that name or revision. */
  source(name: string, revision?: string): Promise<string>;
  /** yang-library data of RFC 8525; needs ietf-yang-library among the modules. */
  library(contentId: string): Promise<YangTree>;
  /** The schema as a tree diagram or in YANG. */
  printSchema(module: string, format: "yang" | "tree"): Promise<string>;
}

export interface Yang {
  /** Loads modules into a new context that never changes afterwards. `searchPaths`: folders with `.yang` files. */
  createContext(searchPaths: readonly string[], modules: readonly YangModule[]): Promise<YangContext>;
  /** Of the libyang that the addon was built with, e.g. "2.1.30". */
  readonly libraryVersion: string;
}
