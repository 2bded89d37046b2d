import type { Path } from "../datastore/index.ts";
import type { StateRow } from "../state/index.ts";
import { jsonValue } from "../yang/schema-index.ts";
import { elemOctets, nodesOf, type Pattern } from "./paths.ts";
import type { SchemaNode, SchemaRoot } from "./schema-tree.ts";
import { type ValueEncoding, valueOctets } from "./values.ts";
import { updateOctets } from "./wire.ts";

export type Json = Readonly<Record<string, unknown>>;

/** A leaf as it is sent. */
export interface Leaf {
  /** Its path, for comparing. */
  readonly key: string;
  /** Fields `path` and `val` of an Update. */
  readonly octets: Buffer;
}

/** Where a node is. */
export interface Place {
  readonly key: string;
  /** `elem` fields from the top. */
  readonly elems: Buffer;
  /** Number of its steps. */
  readonly depth: number;
}

export const TOP: Place = { key: "", elems: Buffer.alloc(0), depth: 0 };

/** The place of a child. `keys` for a list entry. */
export function below(place: Place, node: SchemaNode, keys: Readonly<Record<string, string>> = {}): Place {
  let key = `${place.key}/${node.name}`;
  for (const name of node.keys) if (keys[name] !== undefined) key += `[${name}=${JSON.stringify(keys[name])}]`;
  return { key, elems: Buffer.concat([place.elems, elemOctets(node, keys)]), depth: place.depth + 1 };
}

/** Something of a document that a pattern fits. */
export interface Match {
  readonly place: Place;
  /** Absent for all data. */
  readonly node: SchemaNode | undefined;
  /** A list entry's own value, a container's, a leaf's, a leaf-list's. */
  readonly value: unknown;
  readonly keys: readonly Readonly<Record<string, string>>[];
}

/** Keys of an entry as paths have them: canonical text. */
export function keysOf(node: SchemaNode, entry: Json): Record<string, string> {
  return Object.fromEntries(node.keys.map((key) => [key, keyText(entry[key])]));
}

/** An identity stands in JSON with its module, and in paths too. */
const keyText = (value: unknown): string => (value === undefined || value === null ? "" : String(value));

/** What of a document (RFC 7951) a pattern fits, in its order. */
export function matches(document: Json, pattern: Pattern): Generator<Match, void, void> {
  return within({ place: TOP, node: undefined, value: document, keys: [] }, pattern);
}

/** What is `pattern` below a match. */
export function* within(at: Match, pattern: Pattern, index = 0): Generator<Match, void, void> {
  const step = pattern[index];
  if (step === undefined) {
    yield at;
    return;
  }
  for (const child of childrenOf(at, step.node)) {
    if (Object.entries(step.keys).every(([key, value]) => child.keys.at(-1)?.[key] === value))
      yield* within(child, pattern, index + 1);
  }
}

function* childrenOf({ place, value, keys }: Match, node: SchemaNode): Generator<Match, void, void> {
  const object = value as Json;
  const found = object[node.member] ?? object[node.qualified];
  if (found === undefined) return;
  if (node.schema.kind !== "list") {
    yield { place: below(place, node), node, value: found, keys: [...keys, {}] };
    return;
  }
  for (const entry of found as readonly Json[]) {
    const own = keysOf(node, entry);
    yield { place: below(place, node, own), node, value: entry, keys: [...keys, own] };
  }
}

export interface LeafOptions {
  readonly encoding: ValueEncoding;
  /** Levels below what was asked for; absent: all. */
  readonly depth?: number;
}

/** Makes leaves, as they are sent, of JSON values. */
export class LeafMaker {
  readonly #root: SchemaRoot;

  constructor(root: SchemaRoot) {
    this.#root = root;
  }

  /** All leaves at and below a match. */
  *of(match: Match, options: LeafOptions): Generator<Leaf, void, void> {
    const { node, place, value } = match;
    if (node === undefined) {
      yield* this.#members(this.#root, place, value as Json, options, options.depth ?? Number.POSITIVE_INFINITY);
    } else if (node.schema.kind === "leaf" || node.schema.kind === "leaf-list") {
      yield { key: place.key, octets: wholePath(place, valueOctets(options.encoding, node.schema.type, value)) };
    } else if (node.schema.kind === "container" || node.schema.kind === "list") {
      yield* this.#members(node, place, value as Json, options, options.depth ?? Number.POSITIVE_INFINITY);
    }
  }

  /** Those of a row that a pattern fits. */
  *ofRow(row: StateRow, pattern: Pattern, options: LeafOptions): Generator<Leaf, void, void> {
    const at = this.rowMatch(row, pattern);
    if (at === undefined) return;
    const below = pattern.slice(row.path.length);
    // Depth counts from what was asked for, which may be above the row.
    const used = Math.max(0, row.path.length - pattern.length);
    const depth = options.depth === undefined ? undefined : options.depth - used;
    if (depth !== undefined && depth <= 0) return;
    const own: LeafOptions = {
      encoding: options.encoding,
      ...(depth === undefined ? {} : { depth }),
    };
    for (const match of within(at, below)) yield* this.of(match, own);
  }

  /** A row as a match, its keys with it where nobody else has them; absent where the pattern does not fit it. */
  rowMatch(row: StateRow, pattern: Pattern): Match | undefined {
    const nodes = nodesOf(this.#root, row.path);
    if (nodes === undefined || nodes.length === 0) return undefined;
    let place = TOP;
    const keys: Readonly<Record<string, string>>[] = [];
    for (const [i, node] of nodes.entries()) {
      const own = row.path[i]!.keys ?? {};
      const wanted = pattern[i];
      if (wanted !== undefined) {
        if (wanted.node !== node) return undefined;
        for (const [key, value] of Object.entries(wanted.keys)) if (own[key] !== value) return undefined;
      }
      place = below(place, node, own);
      keys.push(own);
    }
    const node = nodes.at(-1)!;
    const hasKeys = node.keys.length > 0 && !node.schema.config;
    return { place, node, keys, value: hasKeys ? { ...keyLeaves(node, keys.at(-1)!), ...row.value } : row.value };
  }

  /** The place of any path; absent where the model has no such node. */
  placeOf(path: Path): { readonly place: Place; readonly node: SchemaNode | undefined } | undefined {
    const nodes = nodesOf(this.#root, path);
    if (nodes === undefined) return undefined;
    let place = TOP;
    for (const [i, node] of nodes.entries()) place = below(place, node, path[i]!.keys ?? {});
    return { place, node: nodes.at(-1) };
  }

  *#members(
    parent: SchemaRoot,
    place: Place,
    value: Json,
    options: LeafOptions,
    depth: number,
  ): Generator<Leaf, void, void> {
    if (depth <= 0) return;
    for (const [member, child] of Object.entries(value)) {
      const node = parent.byName.get(member);
      if (node === undefined) continue; // metadata
      const { kind, type } = node.schema;
      if (kind === "leaf" || kind === "leaf-list") {
        const octets = updateOctets(place.elems, node.elem, valueOctets(options.encoding, type, child));
        yield { key: `${place.key}/${node.name}`, octets };
      } else if (kind === "list") {
        for (const entry of child as readonly Json[])
          yield* this.#members(node, below(place, node, keysOf(node, entry)), entry, options, depth - 1);
      } else if (kind === "container") {
        yield* this.#members(node, below(place, node), child as Json, options, depth - 1);
      }
    }
  }
}

const NONE = Buffer.alloc(0);

const wholePath = ({ elems }: Place, value: Buffer): Buffer => updateOctets(elems, NONE, value);

/** Keys as leaves, RFC 7951. */
export function keyLeaves(node: SchemaNode, keys: Readonly<Record<string, string>>): Json {
  return Object.fromEntries(
    node.keys.flatMap((key) => {
      const text = keys[key];
      const leaf = node.byName.get(key) ?? node.byName.get(`${node.schema.module}:${key}`);
      return text === undefined ? [] : [[key, jsonValue(leaf?.schema.type, text)]];
    }),
  );
}
