import type { YangSchemaNode } from "../../../native/api.ts";
import { localName, type Path, type PathStep, type Verdict } from "../datastore/index.ts";

/** A node that rules decide about: data, an action, or a notification inside data. */
export interface AccessNode {
  readonly step: PathStep;
  readonly module: string;
  readonly kind: YangSchemaNode["kind"];
  readonly parent: AccessNode | undefined;
  readonly depth: number;
  /** Of a list; bare. */
  readonly keys: readonly string[];
  /** A key is decided about with its entry. */
  readonly isKey: boolean;
  /** It is there whenever its parent is, so nobody makes or removes it. @see RFC 7950 §7.5.1 */
  readonly isImplied: boolean;
  /** Extensions of the model, its own or of what it stands in. @see RFC 8341 §3.2.3 */
  readonly denyAll: boolean;
  readonly denyWrite: boolean;
  /** Cases that it stands in, innermost last. */
  readonly cases: readonly { readonly choice: YangSchemaNode; readonly name: string }[];
  /** By `module:name`, and by bare name where its module is that of this node. */
  readonly children: ReadonlyMap<string, AccessNode>;
}

/** Everything of a model that access is decided about. */
export interface AccessSchema {
  readonly children: ReadonlyMap<string, AccessNode>;
  /** Each once, as {@link AccessSchema.children} has two names for some. */
  readonly top: readonly AccessNode[];
  /** Operations and notifications, `module:name`, that are only for those whom a rule lets. */
  readonly denied: ReadonlySet<string>;
}

const DECIDED = new Set<YangSchemaNode["kind"]>([
  "container",
  "list",
  "leaf",
  "leaf-list",
  "anydata",
  "anyxml",
  "action",
  "notification",
]);

const KEYSTORE = "semrd-keystore";
const DENY_ALL = "ietf-netconf-acm:default-deny-all";

/** What rules go by of the model: its nodes, and the operations and notifications that nobody gets without a rule. */
export function accessSchema(nodes: readonly YangSchemaNode[]): AccessSchema {
  const children = level(nodes, undefined);
  // Notifications at the top are no nodes of the data: rules name them by their module.
  for (const [name, { kind }] of children) if (kind === "notification" || kind === "action") children.delete(name);
  const denied = nodes.flatMap(({ kind, module, name, extensions }) => {
    const isOne = kind === "rpc" || kind === "notification";
    return isOne && extensions?.includes(DENY_ALL) === true ? [`${module}:${bare(name)}`] : [];
  });
  return { children, top: each(children), denied: new Set(denied) };
}

function level(nodes: readonly YangSchemaNode[], parent: AccessNode | undefined): Map<string, AccessNode> {
  const children = new Map<string, AccessNode>();
  for (const { node, cases } of nodes.flatMap((node) => found(node, []))) {
    const made = accessNode(node, parent, cases);
    children.set(made.step.name, made);
    if (made.module === parent?.module) children.set(localName(made.step), made);
  }
  return children;
}

interface Found {
  readonly node: YangSchemaNode;
  readonly cases: AccessNode["cases"];
}

/** Choices and cases are in no path. */
function found(node: YangSchemaNode, cases: AccessNode["cases"], choice?: YangSchemaNode): Found[] {
  if (node.kind === "choice") return (node.children ?? []).flatMap((child) => found(child, cases, node));
  const own = choice === undefined ? cases : [...cases, { choice, name: node.name }];
  if (node.kind === "case") return (node.children ?? []).flatMap((child) => found(child, own));
  return DECIDED.has(node.kind) ? [{ node, cases: own }] : [];
}

function accessNode(node: YangSchemaNode, parent: AccessNode | undefined, cases: AccessNode["cases"]): AccessNode {
  const name = bare(node.name);
  const has = (extension: string): boolean => node.extensions?.includes(`ietf-netconf-acm:${extension}`) === true;
  const made = {
    step: { name: `${node.module}:${name}` },
    ...{ module: node.module, kind: node.kind, parent, cases },
    depth: (parent?.depth ?? 0) + 1,
    keys: (node.keys ?? []).map(bare),
    isKey: parent?.keys.includes(name) === true && node.module === parent.module,
    isImplied: node.kind === "container" && node.presence !== true,
    denyAll: has("default-deny-all") || parent?.denyAll === true,
    denyWrite: has("default-deny-write") || parent?.denyWrite === true,
    children: new Map<string, AccessNode>(),
  };
  // What an action or a notification has in it is not decided about by itself.
  const isData = node.kind !== "action" && node.kind !== "notification";
  if (isData) made.children = level(node.children ?? [], made);
  return made;
}

/**
 * What nobody is ever told: leaves of the keystore that the model keeps from everybody, whatever rules permit.
 * @see RFC 9640 §2.1.4.3
 */
export function secretsOf({ top }: AccessSchema): readonly Verdict[] {
  const secretsIn = (node: AccessNode, above: Path): readonly Verdict[] => {
    const path = [...above, node.step];
    if (node.denyAll && node.module === KEYSTORE && node.children.size === 0)
      return [{ path, cases: [], permit: false }];
    return each(node.children).flatMap((child) => secretsIn(child, path));
  };
  return top.flatMap((node) => secretsIn(node, []));
}

const bare = (name: string): string => name.slice(name.indexOf(":") + 1);

export const each = (children: ReadonlyMap<string, AccessNode>): readonly AccessNode[] => [
  ...new Set(children.values()),
];

function named(here: ReadonlyMap<string, AccessNode>, name: string): AccessNode | undefined {
  const found = each(here).filter(({ step }) => localName(step) === name);
  return found.length === 1 ? found[0] : undefined;
}

/** The nodes of a path, from the top; `undefined` where the model has none such. */
export function nodesAt(schema: AccessSchema, path: Path): readonly AccessNode[] | undefined {
  const nodes: AccessNode[] = [];
  let here: ReadonlyMap<string, AccessNode> = schema.children;
  for (const { name } of path) {
    const node = here.get(name);
    if (node === undefined) return undefined;
    nodes.push(node);
    here = node.children;
  }
  return nodes;
}

/** The node at the end of a path. A module that is none, as where a client's library lost its prefix, is passed over. */
export function nodeAt(schema: AccessSchema, path: Path): AccessNode | undefined {
  let here: ReadonlyMap<string, AccessNode> = schema.children;
  let node: AccessNode | undefined;
  for (let i = 0; i < path.length; i++) {
    node = here.get(path[i]!.name) ?? named(here, localName(path[i]!));
    if (node === undefined) return undefined;
    here = node.children;
  }
  return node;
}
