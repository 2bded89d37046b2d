import type { SchemaNode, SchemaRoot } from "./schema-tree.ts";
import { plainJson } from "./values.ts";

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isData = ({ schema }: SchemaNode): boolean => schema.kind === "container" || schema.kind === "list";

/** Rewrites names and leaves of a value of `node`, whose members keep their order. */
function rewritten(
  node: SchemaRoot | SchemaNode,
  value: unknown,
  leaf: (node: SchemaNode, value: unknown) => unknown,
  nameOf: (node: SchemaNode) => string,
): unknown {
  if (Array.isArray(value)) return value.map((entry) => rewritten(node, entry, leaf, nameOf));
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([name, member]) => {
    const child = node.byName.get(name);
    if (child === undefined) return [name, member];
    return [nameOf(child), isData(child) ? rewritten(child, member, leaf, nameOf) : leaf(child, member)];
  });
  return Object.fromEntries(members);
}

/** An RFC 7951 value as plain JSON, as the encoding JSON of gNMI has it. */
export function toPlainJson(node: SchemaRoot | SchemaNode, value: unknown): unknown {
  if ("schema" in node && !isData(node)) return plainJson(node.schema.type, value);
  return rewritten(
    node,
    value,
    (leaf, member) => plainJson(leaf.schema.type, member),
    ({ name }) => name,
  );
}

/** Plain JSON as RFC 7951: numbers of 64 bits become text, names get their module where it changes. */
export function fromPlainJson(node: SchemaRoot | SchemaNode, value: unknown): unknown {
  if ("schema" in node && !isData(node)) return ietfLeaf(node, value);
  return rewritten(node, value, ietfLeaf, ({ member }) => member);
}

const WIDE = new Set(["int64", "uint64", "decimal64"]);

function ietfLeaf({ schema }: SchemaNode, value: unknown): unknown {
  let { type } = schema;
  while (type?.base === "leafref") type = type.target;
  const one = (member: unknown): unknown => {
    if (typeof member === "number" && WIDE.has(type?.base ?? "")) return String(member);
    return type?.base === "empty" && member === true ? [null] : member;
  };
  return Array.isArray(value) && type?.base !== "empty" ? value.map(one) : one(value);
}

/** Members at the top of a value that is sent apart from what it is in are named with their module. RFC 7951 §4 */
export function standalone(node: SchemaRoot | SchemaNode, value: unknown): unknown {
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [node.byName.get(name)?.qualified ?? name, member]),
  );
}
