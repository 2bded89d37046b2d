import type { SchemaNode, SchemaRoot } from "../../../src/management/gnmi/schema-tree.ts";
import { jsonValue } from "../../../src/management/yang/schema-index.ts";
import { gnmiPath } from "./gnmi-router.ts";

type Json = Record<string, unknown>;

/** One document of leaves by path, values as RFC 7951 has them. @throws {Error} for a path that the schema has not, or without a key */
export function leafDocument(root: SchemaRoot, leaves: readonly [string, unknown][]): Json {
  const document: Json = {};
  for (const [path, value] of leaves) put(document, root, path, value);
  return document;
}

function put(document: Json, root: SchemaRoot, path: string, value: unknown): void {
  const { elem } = gnmiPath(path);
  let here = document;
  let parent = root;
  for (const [i, { name, key }] of elem.entries()) {
    const node = parent.byName.get(name);
    if (node === undefined) throw new Error(`${path}: there is no ${name} in the schema`);
    const missing = node.keys.filter((k) => key[k] === undefined);
    if (missing.length > 0) throw new Error(`${path}: ${name} lacks its key ${missing}`);
    if (i === elem.length - 1) here[node.member] = value;
    else here = node.keys.length > 0 ? entryOf(here, node, key) : memberOf<Json>(here, node.member, {});
    parent = node;
  }
}

function entryOf(here: Json, node: SchemaNode, keys: Record<string, string>): Json {
  const list = memberOf<Json[]>(here, node.member, []);
  const own = Object.fromEntries(
    node.keys.map((key) => [key, jsonValue(node.byName.get(key)?.schema.type, keys[key]!)]),
  );
  const found = list.find((entry) => node.keys.every((key) => String(entry[key]) === keys[key]));
  if (found !== undefined) return found;
  list.push(own);
  return own;
}

function memberOf<T>(here: Json, member: string, empty: T): T {
  here[member] ??= empty;
  return here[member] as T;
}
