import type { Datastore, Management, Session } from "../datastore/index.ts";
import type { StateRow } from "../state/index.ts";
import { type Json, keyLeaves, keysOf } from "./leaves.ts";
import { dataPathText, type Pattern } from "./paths.ts";
import type { SchemaNode, SchemaRoot } from "./schema-tree.ts";
import { must } from "./status.ts";

/**
 * The configuration that a pattern selects, RFC 7951; `from`: a number is a commit. Containers are given as they are configured, a single leaf also with
 * its default value, as that is the answer to the question.
 *
 * @throws {GnmiError} for what the datastores refuse
 */
export async function readConfiguration(
  management: Management,
  session: Session,
  pattern: Pattern,
  text: string,
  from: Datastore | number = "running",
): Promise<Json> {
  const last = pattern.at(-1)?.node.schema;
  const isLeaf = last?.kind === "leaf" || last?.kind === "leaf-list";
  const path = dataPathText(pattern, text);
  const { text: printed } = must(
    await management.get(session, from, {
      format: "json",
      ...(pattern.length === 0 ? {} : { select: { paths: [path] } }),
      ...(isLeaf ? { defaults: "report-all" as const } : {}),
    }),
  );
  return printed.trim() === "" ? {} : (JSON.parse(printed) as Json);
}

type Mutable = Record<string, unknown>;

/** A document that rows of state are put into. */
export class Document {
  readonly content: Mutable;
  readonly #root: SchemaRoot;
  /** Entries of lists by their keys. */
  readonly #entries = new WeakMap<object, Map<string, Mutable>>();

  constructor(root: SchemaRoot, content: Json = {}) {
    this.#root = root;
    this.content = content as Mutable;
  }

  /** Takes the row's value over: what is in it and in the document is the row's. */
  put(row: StateRow): void {
    let here = this.content;
    let parent = this.#root;
    for (const { name, keys = {} } of row.path) {
      const node = parent.byName.get(name);
      if (node === undefined) return;
      here = this.#into(here, node, keys);
      parent = node;
    }
    merge(here, row.value);
  }

  #into(here: Mutable, node: SchemaNode, keys: Readonly<Record<string, string>>): Mutable {
    if (node.schema.kind !== "list") {
      here[node.member] ??= {};
      return here[node.member] as Mutable;
    }
    here[node.member] ??= [];
    const list = here[node.member] as Mutable[];
    let known = this.#entries.get(list);
    if (known === undefined) {
      known = new Map(list.map((entry) => [keyText(node, keysOf(node, entry)), entry]));
      this.#entries.set(list, known);
    }
    const text = keyText(node, keys);
    let entry = known.get(text);
    if (entry === undefined) {
      entry = { ...keyLeaves(node, keys) };
      known.set(text, entry);
      list.push(entry);
    }
    return entry;
  }
}

const keyText = (node: SchemaNode, keys: Readonly<Record<string, string>>): string =>
  JSON.stringify(node.keys.map((key) => keys[key]));

function merge(into: Mutable, from: Json): void {
  for (const [name, value] of Object.entries(from)) {
    const there = into[name];
    if (isObject(there) && isObject(value)) merge(there, value);
    else into[name] = isObject(value) ? structuredClone(value) : value;
  }
}

const isObject = (value: unknown): value is Mutable =>
  typeof value === "object" && value !== null && !Array.isArray(value);
