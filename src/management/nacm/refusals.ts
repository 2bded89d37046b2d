import type { Path, PathStep, TreeChange } from "../datastore/index.ts";
import { formatPath, localName } from "../datastore/index.ts";
import type { AccessOperation } from "./configuration.ts";
import type { Role } from "./role.ts";
import { type AccessNode, nodesAt } from "./schema.ts";

/** A node that may not be changed as it would be. */
export interface Refusal {
  readonly path: Path;
  readonly operation: AccessOperation;
}

type Json = Readonly<Record<string, unknown>>;

const OPERATIONS = { create: "create", delete: "delete", change: "update", move: "update" } as const;

/**
 * What of a difference a role may not bring about; `undefined` for each node that was looked at and is allowed, so that
 * the work can be done in slices. What only follows from a choice is nobody's doing.
 *
 * @see RFC 8341 §3.2.5, §3.2.8
 */
export function* refusals(role: Role, changes: readonly TreeChange[]): Generator<Refusal | undefined, void, void> {
  let created: ReadonlySet<string> | undefined;
  for (const change of changes) {
    const nodes = nodesAt(role.schema, change.path);
    const node = nodes?.at(-1);
    const operation = OPERATIONS[change.operation];
    if (node === undefined) {
      yield { path: change.path, operation };
      continue;
    }
    if (operation === "delete" && node.cases.length > 0) {
      created ??= createdCases(role, changes);
      const parent = formatPath(change.path.slice(0, -1));
      if (node.cases.some(({ choice, name }) => isReplaced(created!, `${parent} ${choice.name}`, name))) continue;
    }
    const value = operation === "delete" ? change.old : change.value;
    yield* below(role, node, change.path, operation, value);
  }
}

function* below(
  role: Role,
  node: AccessNode,
  path: Path,
  operation: AccessOperation,
  value: unknown,
): Generator<Refusal | undefined, void, void> {
  if (role.allowsAll(node, operation)) {
    yield undefined;
    return;
  }
  if (!node.isImplied && !role.allows(node, operation, path)) {
    yield { path, operation };
    return;
  }
  yield undefined;
  // An entry that has another place has nothing else in it.
  if (operation === "update" || typeof value !== "object" || value === null || Array.isArray(value)) return;
  for (const { child, step, value: inside } of members(node, value as Json))
    yield* below(role, child, [...path, step], operation, inside);
}

interface Member {
  readonly child: AccessNode;
  readonly step: PathStep;
  readonly value: unknown;
}

/** The nodes in a container or list entry, without keys; entries of lists one by one. */
function* members(node: { readonly children: AccessNode["children"] }, value: Json): Generator<Member, void, void> {
  for (const [name, member] of Object.entries(value)) {
    const child = node.children.get(name);
    if (child === undefined || child.isKey) continue;
    if (child.kind === "list") {
      for (const entry of member as readonly Json[])
        yield { child, step: { ...child.step, keys: keysOf(child, entry) }, value: entry };
    } else if (child.kind === "leaf-list") {
      for (const one of member as readonly unknown[])
        yield { child, step: { ...child.step, value: String(one) }, value: one };
    } else yield { child, step: child.step, value: member };
  }
}

/** As paths have them. */
export function keysOf({ keys, module }: AccessNode, entry: Json): Record<string, string> {
  return Object.fromEntries(keys.map((key) => [key, String(entry[key] ?? entry[`${module}:${key}`] ?? "")]));
}

/** Choices, by the path that they are in, with the cases of which something was made. */
function createdCases(role: Role, changes: readonly TreeChange[]): ReadonlySet<string> {
  const created = new Set<string>();
  for (const { operation, path } of changes) {
    if (operation !== "create") continue;
    const parent = formatPath(path.slice(0, -1));
    for (const { choice, name } of nodesAt(role.schema, path)?.at(-1)?.cases ?? [])
      created.add(`${parent} ${choice.name} ${localName({ name })}`);
  }
  return created;
}

function isReplaced(created: ReadonlySet<string>, choice: string, name: string): boolean {
  for (const one of created)
    if (one.startsWith(`${choice} `) && one !== `${choice} ${localName({ name })}`) return true;
  return false;
}
