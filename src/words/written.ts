import { type Model, memberName, type Place } from "./place.ts";
import { printable } from "./printable.ts";
import type { SchemaNode } from "./schema-node.ts";
import { quotedWord, stepsOfPath } from "./words.ts";

type Json = Readonly<Record<string, unknown>>;

/** A value of a leaf as one word of a command line, in quotes where it needs them. */
export const word = (value: unknown): string => quotedWord(printable(scalar(value)));

const scalar = (value: unknown): string =>
  typeof value === "string" ? value : Array.isArray(value) ? "" : JSON.stringify(value);

/** What a document from the top says about a place; `undefined` where there is nothing. */
export function valueAt(document: unknown, place: Place): unknown {
  let here = document;
  let module: string | undefined;
  for (const { node, keys } of place) {
    here = (here as Json | undefined)?.[memberName(node, module)];
    if (keys.length > 0) here = (here as readonly Json[] | undefined)?.find((entry) => hasKeys(entry, node, keys));
    if (here === undefined) return undefined;
    module = node.module;
  }
  return here;
}

/** The keys of an entry of a list, in the order of the model. */
export const keysOf = (entry: Json, node: SchemaNode): string[] => (node.keys ?? []).map((key) => scalar(entry[key]));

const hasKeys = (entry: Json, node: SchemaNode, keys: readonly string[]): boolean =>
  keys.every((key, i) => scalar(entry[node.keys![i]!]) === key);

interface Member {
  readonly name: string;
  readonly node: SchemaNode;
  readonly value: unknown;
}

/** Members in the order of the model, keys of the entry left out. */
function membersOf(model: Model, place: Place, value: Json): Member[] {
  const module = place.at(-1)?.node.module;
  const keys = place.at(-1)?.node.keys ?? [];
  return model.children(place).flatMap((node) => {
    const own = value[memberName(node, module)];
    if (own === undefined || keys.includes(node.name)) return [];
    return [{ name: model.nameOf(place, node), node, value: own }];
  });
}

/** A part of the configuration with braces, as `show` prints it. */
export function bracesView(model: Model, place: Place, value: unknown, indent = ""): string {
  const last = place.at(-1);
  if (last?.node.kind === "list" && last.keys.length === 0)
    return (value as readonly Json[])
      .map((entry) => block(model, place.slice(0, -1), last.node, entry, indent))
      .join("");
  if (last !== undefined && last.node.kind !== "container" && last.node.kind !== "list")
    return `${indent}${leafLine(last.node.name, value)}`;
  return membersOf(model, place, value as Json)
    .map(({ name, node, value: own }) => {
      if (node.kind === "list")
        return (own as readonly Json[]).map((entry) => block(model, place, node, entry, indent)).join("");
      if (node.kind === "container") {
        const inner = bracesView(model, [...place, { node, keys: [] }], own, `${indent}    `);
        return inner === "" ? `${indent}${name};\n` : `${indent}${name} {\n${inner}${indent}}\n`;
      }
      return `${indent}${leafLine(name, own)}`;
    })
    .join("");
}

function block(model: Model, place: Place, node: SchemaNode, entry: Json, indent: string): string {
  const keys = keysOf(entry, node);
  const head = [model.nameOf(place, node), ...keys.map(word)].join(" ");
  const inner = bracesView(model, [...place, { node, keys }], entry, `${indent}    `);
  return inner === "" ? `${indent}${head};\n` : `${indent}${head} {\n${inner}${indent}}\n`;
}

function leafLine(name: string, value: unknown): string {
  const text = valueWords(value);
  return text === "" ? `${name};\n` : `${name} ${text};\n`;
}

/** A value as `set` takes it; empty for a leaf that has none. */
export function valueWords(value: unknown): string {
  if (!Array.isArray(value)) return word(value);
  if (value.length === 1 && value[0] === null) return "";
  return value.length === 1 ? word(value[0]) : `[ ${value.map(word).join(" ")} ]`;
}

/** The paths and values that make a part of the configuration, one a line, each from `base`: what `set` takes. */
export const wordLines = (model: Model, base: Place, place: Place, value: unknown): string[] => [
  ...eachWordLine(model, base, place, value),
];

/** {@link wordLines} one by one, for who cannot wait for all of a large configuration. */
export function* eachWordLine(
  model: Model,
  base: Place,
  place: Place,
  value: unknown,
): Generator<string, void, undefined> {
  // What stands beside the router is not below it.
  const isBelow = (of: Place): boolean => base.every(({ node }, i) => of[i]?.node === node);
  const here = (of: Place): string => (isBelow(of) ? model.wordsBelow(base, of) : model.words(of));
  const last = place.at(-1);
  if (last?.node.kind === "list" && last.keys.length === 0) {
    const above = place.slice(0, -1);
    for (const entry of value as readonly Json[])
      yield* eachWordLine(model, base, [...above, { node: last.node, keys: keysOf(entry, last.node) }], entry);
    return;
  }
  if (last !== undefined && last.node.kind !== "container" && last.node.kind !== "list") {
    yield `${here(place)} ${valueWords(value)}`.trimEnd();
    return;
  }
  let isEmpty = true;
  for (const { node, value: own } of membersOf(model, place, value as Json)) {
    for (const line of eachWordLine(model, base, [...place, { node, keys: [] }], own)) {
      isEmpty = false;
      yield line;
    }
  }
  if (isEmpty && (last?.node.kind === "list" || last?.node.presence === true)) yield here(place);
}

/** The place that a data path of the router means; `entry` is the value of a leaf-list that it ends with. */
export function placeOfPath(model: Model, path: string): { readonly place: Place; readonly entry?: string } {
  const plain = { text: path, start: 0, end: path.length, quoted: false };
  const entry = stepsOfPath(plain).at(-1)?.keys?.get(".");
  const text = entry === undefined ? path : path.slice(0, path.lastIndexOf("[", entry.start));
  const { place } = model.readPath(model.top, [{ ...plain, text }], 0);
  return { place, ...(entry === undefined ? {} : { entry: entry.text }) };
}
