import type { YangSchemaNode, YangSchemaType } from "../../../native/api.ts";
import { type Answer, answered, fault, formatPath, type Path, type PathStep, refused } from "../datastore/index.ts";

/** A data path with every module named, and the schema node of its end. */
export interface ResolvedPath {
  readonly path: readonly ResolvedStep[];
  readonly node: YangSchemaNode | undefined;
}

export interface ResolvedStep extends PathStep {
  readonly node: YangSchemaNode;
  /** As it is named in JSON: with its module where that is not the one of its parent. */
  readonly member: string;
}

interface Entry {
  readonly node: YangSchemaNode;
  readonly children: ReadonlyMap<string, Entry>;
}

/** The data nodes of a schema by name; choices and cases are looked through. */
export class SchemaIndex {
  readonly #top: ReadonlyMap<string, Entry>;

  constructor(nodes: readonly YangSchemaNode[]) {
    this.#top = entries(nodes);
  }

  /** Names of the nodes below a path, or at the top. */
  children(path: Path): readonly string[] {
    let here = this.#top;
    for (const { name } of path) here = here.get(name)?.children ?? new Map();
    return [...here.keys()];
  }

  /** Puts the default values that are missing into values of the node at a path, objects as RFC 7951 has them. */
  filler(path: Path): (value: Json) => Json {
    const found = this.resolve(path, { pattern: true });
    const node = found.ok ? found.value.node : undefined;
    return node === undefined ? (value) => value : (value) => filled(node, value);
  }

  /**
   * Finds what a path names. A module may be left out wherever the name alone is clear.
   * `pattern`: wildcards and missing keys are let through, and end the search for the node.
   */
  resolve(path: Path, options: { readonly pattern: boolean }): Answer<ResolvedPath> {
    const steps: ResolvedStep[] = [];
    let here = this.#top;
    let node: YangSchemaNode | undefined;
    for (const step of path) {
      const found = lookUp(here, step.name);
      if (found === undefined) return refused(unknown(steps, step, node));
      const missing = options.pattern ? [] : (found.node.keys ?? []).filter((key) => step.keys?.[key] === undefined);
      if (found.node.kind === "list" && missing.length > 0) return refused(noKey(steps, step, missing));
      const stray = Object.keys(step.keys ?? {}).find((key) => found.node.keys?.includes(key) !== true);
      if (stray !== undefined) return refused(noSuchKey(steps, step, stray));
      const name = `${found.node.module}:${bare(step.name)}`;
      const member = found.node.module === node?.module ? bare(step.name) : name;
      steps.push({ ...step, name, node: found.node, member });
      node = found.node;
      here = found.children;
    }
    return answered({ path: steps, node });
  }
}

const bare = (name: string): string => name.slice(name.indexOf(":") + 1);

function entries(nodes: readonly YangSchemaNode[]): Map<string, Entry> {
  const found = new Map<string, Entry>();
  for (const node of nodes) {
    if (node.kind === "choice" || node.kind === "case") {
      for (const [name, entry] of entries(node.children ?? [])) found.set(name, entry);
    } else if (["container", "list", "leaf", "leaf-list", "anydata", "anyxml"].includes(node.kind)) {
      found.set(`${node.module}:${bare(node.name)}`, { node, children: entries(node.children ?? []) });
    }
  }
  return found;
}

function lookUp(here: ReadonlyMap<string, Entry>, name: string): Entry | undefined {
  if (name.includes(":")) return here.get(name);
  const matches = [...here].filter(([full]) => bare(full) === name);
  return matches.length === 1 ? matches[0]![1] : undefined;
}

type Json = Readonly<Record<string, unknown>>;

interface Member {
  readonly name: string;
  readonly node: YangSchemaNode;
  /** Default value as JSON; `undefined`: none. */
  readonly fallback: unknown;
}

const MEMBERS = new WeakMap<YangSchemaNode, readonly Member[]>();

/** Children that are configuration and may have defaults in them, by what they are called in JSON. */
function membersOf(node: YangSchemaNode): readonly Member[] {
  const known = MEMBERS.get(node);
  if (known !== undefined) return known;
  const members = (node.children ?? [])
    .flatMap(through)
    .filter(({ config }) => config)
    .map((child) => ({
      name: child.module === node.module ? bare(child.name) : `${child.module}:${bare(child.name)}`,
      node: child,
      fallback: fallbackOf(child),
    }));
  MEMBERS.set(node, members);
  return members;
}

function fallbackOf({ kind, type, defaults }: YangSchemaNode): unknown {
  if (defaults === undefined) return undefined;
  if (kind === "leaf") return jsonValue(type, defaults[0]!);
  return kind === "leaf-list" ? defaults.map((text) => jsonValue(type, text)) : undefined;
}

/** Conditions (`when`) are not looked at: a default where none applies is one that nobody asks for. */
function filled(node: YangSchemaNode, value: Json): Json {
  const full: Record<string, unknown> = { ...value };
  for (const { name, node: child, fallback } of membersOf(node)) {
    const own = full[name];
    if (own === undefined && fallback !== undefined) full[name] = fallback;
    else if (child.kind === "container" && (own !== undefined || child.presence !== true)) {
      full[name] = filled(child, (own ?? {}) as Json);
    } else if (child.kind === "list" && own !== undefined) {
      full[name] = (own as readonly Json[]).map((entry) => filled(child, entry));
    }
  }
  return full;
}

/** A choice stands for what is in its cases. */
function through(node: YangSchemaNode): readonly YangSchemaNode[] {
  return node.kind === "choice" || node.kind === "case" ? (node.children ?? []).flatMap(through) : [node];
}

function unknown(before: Path, step: PathStep, parent: YangSchemaNode | undefined) {
  const where = formatPath(before);
  const message = `there is no node ${step.name} ${parent === undefined ? "at the top of the model" : `in ${where}`}`;
  return fault("unknown-element", message, { path: formatPath([...before, step]), info: { badElement: step.name } });
}

function noKey(before: Path, step: PathStep, missing: readonly string[]) {
  const message = `the key ${missing.join(", ")} of the list ${step.name} is missing in the path`;
  return fault("missing-element", message, {
    path: formatPath([...before, step]),
    info: { badElement: missing[0]! },
  });
}

function noSuchKey(before: Path, step: PathStep, key: string) {
  const message = `${key} is no key of ${step.name}`;
  return fault("unknown-element", message, { path: formatPath([...before, step]), info: { badElement: key } });
}

/** A value as RFC 7951 writes it, from its text. */
export function jsonValue(type: YangSchemaType | undefined, text: string): unknown {
  switch (type?.base) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32":
      return /^-?\d+$/.test(text) ? Number(text) : text;
    case "boolean":
      return text === "true" ? true : text === "false" ? false : text;
    case "empty":
      return [null];
    case "leafref":
      return jsonValue(type.target, text);
    default:
      return text;
  }
}
