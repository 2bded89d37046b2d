import { fieldOctets } from "../../base/index.ts";
import { formatPath, type Path } from "../datastore/index.ts";
import type { GnmiPath, PathElem } from "./messages.ts";
import type { SchemaNode, SchemaRoot } from "./schema-tree.ts";
import { GnmiError } from "./status.ts";

/** One step that a node of the schema fits; a key that is missing or `*` may be anything. */
export interface PatternStep {
  readonly node: SchemaNode;
  readonly keys: Readonly<Record<string, string>>;
}

/** A path without wildcards in names, from the top; empty for all data. */
export type Pattern = readonly PatternStep[];

/** What a client asked about. */
export interface Wanted {
  readonly patterns: readonly Pattern[];
  /** Whether the path could mean more than one node. */
  readonly isWild: boolean;
  /** Whether it has `*` or `...` for a name. */
  readonly hasOpenName: boolean;
  /** For messages: as it was asked for. */
  readonly text: string;
}

/** Elements of one path; deeper ones are nothing in any model. */
const MOST_ELEMENTS = 128;
/** `...` in one path. */
const MOST_ANYWHERE = 3;
/** Patterns that the wildcards of one path become. */
const MOST_PATTERNS = 2_048;
/** Our own origin: as good as none. */
const OWN_ORIGIN = "semrd";

/** A path of gNMI in the usual notation, for people. */
function pathText(path: GnmiPath): string {
  const elems = path.elem.map(({ name, key }) => {
    const keys = Object.entries(key ?? {}).map(([k, value]) => `[${k}=${value.replace(/[\\\]]/g, "\\$&")}]`);
    return `/${name}${keys.join("")}`;
  });
  return elems.length === 0 ? "/" : elems.join("");
}

/**
 * The path with its prefix before it, with the module of the origin named at its first element.
 * @throws {GnmiError} INVALID_ARGUMENT
 */
export function joined(prefix: GnmiPath | null, path: GnmiPath | null): GnmiPath {
  const own = path ?? { elem: [] };
  if ((own.target ?? "") !== "") {
    throw new GnmiError("INVALID_ARGUMENT", "target stands in the prefix, not in a path (gNMI specification §2.2.2.1)");
  }
  const [before, after] = [prefix?.origin ?? "", own.origin ?? ""];
  if (before !== "" && after !== "" && before !== after) {
    throw new GnmiError("INVALID_ARGUMENT", `the origins ${before} of the prefix and ${after} of a path differ`);
  }
  for (const { element = [], elem } of [prefix ?? { elem: [] }, own]) {
    if (element.length > 0 && elem.length === 0) {
      throw new GnmiError("INVALID_ARGUMENT", "paths in the field element are those of gNMI 0.3: use elem");
    }
  }
  const elem = [...(prefix?.elem ?? []), ...own.elem];
  if (elem.length > MOST_ELEMENTS) {
    throw new GnmiError("INVALID_ARGUMENT", `a path has ${elem.length} elements; ${MOST_ELEMENTS} is the most`);
  }
  return { origin: after === "" ? before : after, elem };
}

/** Answers what a path of a client means by the schema. */
export class PathReader {
  readonly #root: SchemaRoot;
  readonly #modules: ReadonlySet<string>;

  constructor(root: SchemaRoot, modules: Iterable<string>) {
    this.#root = root;
    this.#modules = new Set(modules);
  }

  /** `target` is only echoed. @throws {GnmiError} INVALID_ARGUMENT, NOT_FOUND where the model has no such node */
  read(prefix: GnmiPath | null, path: GnmiPath | null): Wanted {
    const full = joined(prefix, path);
    const text = pathText(full);
    const elems = this.#withOrigin(full, text);
    const anywhere = elems.filter(({ name }) => name === "...").length;
    if (anywhere > MOST_ANYWHERE) {
      throw new GnmiError("INVALID_ARGUMENT", `${text}: ${MOST_ANYWHERE} of ... is the most`);
    }
    const found = new Map<string, Pattern>();
    this.#expand(this.#root, { elems, before: [], isOpen: false }, text, found);
    const isWild = elems.some(({ name, key }) => isAny(name) || Object.values(key ?? {}).includes("*"));
    const patterns = [...found.values()];
    const hasOpenKeys = patterns.some((pattern) =>
      pattern.some(({ node, keys }) => node.keys.some((k) => !(k in keys))),
    );
    const hasOpenName = elems.some(({ name }) => isAny(name));
    return { patterns, isWild: isWild || hasOpenKeys, hasOpenName, text };
  }

  #withOrigin({ origin = "", elem }: GnmiPath, text: string): readonly PathElem[] {
    const [first] = elem;
    if (origin === "" || origin === OWN_ORIGIN) return elem;
    if (!this.#modules.has(origin)) {
      const message = `${text}: there is no origin ${origin} here; leave it out, or name a module of Capabilities`;
      const isKnown = origin === "cli" || origin === "openconfig"; // cli is for Get and Set
      throw new GnmiError(isKnown ? "UNIMPLEMENTED" : "INVALID_ARGUMENT", message);
    }
    // As clients write that read "module:name/…" so.
    const qualified = `${origin}:${first?.name ?? ""}`;
    return first !== undefined && this.#root.byName.has(qualified)
      ? [{ ...first, name: qualified }, ...elem.slice(1)]
      : elem;
  }

  /** `isOpen`: a wildcard is before, so that a name which is not there only means that this is not a branch meant. */
  #expand(
    here: SchemaRoot,
    {
      elems,
      before,
      isOpen,
    }: { readonly elems: readonly PathElem[]; readonly before: Pattern; readonly isOpen: boolean },
    text: string,
    found: Map<string, Pattern>,
  ): void {
    const [elem, ...rest] = elems;
    if (elem === undefined) {
      if (found.size >= MOST_PATTERNS) {
        throw new GnmiError("INVALID_ARGUMENT", `${text}: its wildcards fit too many kinds of nodes; ask for less`);
      }
      found.set(before.map(({ node, keys }) => `${node.qualified}${JSON.stringify(keys)}`).join("/"), before);
      return;
    }
    const keys = elem.key ?? {};
    const into = (node: SchemaNode, next: readonly PathElem[], given: typeof keys, open: boolean): void =>
      this.#expand(node, { elems: next, before: [...before, { node, keys: set(given) }], isOpen: open }, text, found);
    if (elem.name === "...") {
      // At the end it is everything below, which its top stands for.
      this.#expand(here, { elems: rest, before, isOpen: rest.length > 0 || isOpen }, text, found);
      if (rest.length > 0) for (const node of here.children) into(node, elems, {}, true);
      return;
    }
    if (elem.name === "*") {
      for (const node of here.children) {
        if (Object.keys(keys).every((key) => node.keys.includes(key))) into(node, rest, keys, true);
      }
      return;
    }
    const node = here.byName.get(elem.name);
    if (node === undefined) {
      if (isOpen) return;
      throw new GnmiError("NOT_FOUND", `${text}: the model has no node ${elem.name} there`);
    }
    const stray = Object.keys(keys).find((key) => !node.keys.includes(key));
    if (stray !== undefined) {
      if (isOpen) return;
      throw new GnmiError("INVALID_ARGUMENT", `${text}: ${stray} is no key of ${elem.name}`);
    }
    into(node, rest, keys, isOpen);
  }
}

const isAny = (name: string): boolean => name === "*" || name === "...";

/** Those that say something. */
const set = (keys: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(keys).filter(([, value]) => value !== "*"));

/** The pattern as a path of the datastores. */
export function dataPath(pattern: Pattern): Path {
  return pattern.map(({ node, keys }) => {
    const isOpen = Object.keys(keys).length === 0;
    return { name: node.qualified, ...(isOpen ? {} : { keys }) };
  });
}

/** @throws {GnmiError} INVALID_ARGUMENT for a key that the notation of paths cannot say */
export function dataPathText(pattern: Pattern, text: string): string {
  for (const { keys } of pattern) {
    for (const [key, value] of Object.entries(keys)) {
      if (value.includes("'") && value.includes('"'))
        throw new GnmiError("INVALID_ARGUMENT", `${text}: the key ${key} has both kinds of quotation marks`);
    }
  }
  return formatPath(dataPath(pattern));
}

/** Schema nodes of a path of the datastores; absent where the model has none such. */
export function nodesOf(root: SchemaRoot, path: Path): readonly SchemaNode[] | undefined {
  const nodes: SchemaNode[] = [];
  let here: SchemaRoot = root;
  for (const { name } of path) {
    const node = here.byName.get(name);
    if (node === undefined) return undefined;
    nodes.push(node);
    here = node;
  }
  return nodes;
}

/** `elem` of a Path for one node with its keys. */
export function elemOctets(node: SchemaNode, keys: Readonly<Record<string, string>>): Uint8Array {
  if (node.keys.length === 0) return node.elem;
  const entries = node.keys.flatMap((key) => {
    const value = keys[key];
    if (value === undefined) return [];
    return [fieldOctets(2, fieldOctets(1, Buffer.from(key)), fieldOctets(2, Buffer.from(value)))];
  });
  return fieldOctets(3, fieldOctets(1, Buffer.from(node.name)), ...entries);
}
