import { networkInterfaces } from "node:os";
import {
  keysOf,
  LineFault,
  type Model,
  type Place,
  type SchemaNode,
  splitWords,
  valueAt,
  type Word,
} from "../../words/index.ts";
import { COMMANDS, COMMIT_WORDS, commandOf, FORMS, LOAD_WORDS } from "./commands.ts";
import { brief, type Explained } from "./help.ts";
import { typeWords, valuesOf, type YangType } from "./type-words.ts";

/** What a completion looks up; faults of it end in no completion. */
export interface CompletionSource {
  /** The document with the entries of a list, or the values of a leaf. */
  document(place: Place): Promise<unknown>;
}

export interface Completion {
  /** The word that is being typed, as far as it is there. */
  readonly word: string;
  readonly candidates: readonly Explained[];
}

const NOTHING: Completion = { word: "", candidates: [] };
/** More than anybody reads. */
const MOST_VALUES = 500;

/** What can stand at the end of a line of a configure session. */
export async function completeLine(
  model: Model,
  source: CompletionSource,
  from: Place,
  line: string,
): Promise<Completion> {
  const all = splitWords(line, { open: true });
  const last = all.at(-1);
  const isTyping = last !== undefined && last.end === line.length && (!last.quoted || !closes(line, last));
  const words = isTyping ? all.slice(0, -1) : all;
  const word = isTyping ? last.text : "";
  const offer = (candidates: readonly Explained[]): Completion => ({
    word,
    candidates: candidates.filter(({ text }) => text.startsWith(word)),
  });
  const [first] = words;
  if (first === undefined) return offer(COMMANDS.map(({ name, help }) => ({ text: name, help })));
  const command = commandOf(first.text);
  switch (command?.takes) {
    case "assignment":
    case "path":
    case "entry":
      return offer(await completePath(model, source, from, words, 1, command.name as "set" | "delete" | "edit"));
    case "help":
    case "show": {
      const bar = words.findIndex(({ text, quoted }) => text === "|" && !quoted);
      if (bar >= 0) return bar === words.length - 1 ? offer(FORMS.map(explained)) : NOTHING;
      return offer(await completePath(model, source, from, words, 1, "show"));
    }
    case "load":
      return words.length === 1 ? offer(LOAD_WORDS.map(explained)) : NOTHING;
    case "commit":
      return words.at(-1)!.text === "comment" ? NOTHING : offer(COMMIT_WORDS.map(explained));
    default:
      return NOTHING;
  }
}

const explained = ({ name, help }: { readonly name: string; readonly help: string }): Explained => ({
  text: name,
  help,
});

const closes = (line: string, { start, end }: Word): boolean => end - start > 1 && line.endsWith('"');

/**
 * What can stand behind the words of a path: names of nodes, keys that there are, values.
 * Words that fit nothing are followed by nothing.
 */
export async function completePath(
  model: Model,
  source: CompletionSource,
  from: Place,
  words: readonly Word[],
  at: number,
  purpose: "set" | "delete" | "edit" | "show",
): Promise<readonly Explained[]> {
  let base = from;
  let next = at;
  try {
    for (;;) {
      const read = model.readPath(base, words, next);
      next = read.next;
      const { place, expected } = read;
      if (expected === "key") return await keyCandidates(source, place, purpose);
      if (expected !== "value") return nodeCandidates(model, place, purpose);
      const { node } = place.at(-1)!;
      if (purpose === "show" || purpose === "edit") return [];
      const value = valueEnd(words, next, node);
      if (value === undefined) return await valueCandidates(model, source, place, purpose);
      // Behind a value: further leaves of the same node.
      if (purpose === "delete") return [];
      next = value;
      base = place.slice(0, -1);
      if (next >= words.length) return nodeCandidates(model, base, purpose);
    }
  } catch (error) {
    if (error instanceof LineFault) return [];
    throw error;
  }
}

/** The word behind a value that is there whole. */
function valueEnd(words: readonly Word[], at: number, node: SchemaNode): number | undefined {
  if (node.type?.base === "empty") return at;
  if (words[at] === undefined) return undefined;
  if (node.kind !== "leaf-list" || words[at].text !== "[") return at + 1;
  const end = words.findIndex(({ text }, i) => i > at && text === "]");
  return end < 0 ? undefined : end + 1;
}

function nodeCandidates(model: Model, place: Place, purpose: string): readonly Explained[] {
  const keys = place.at(-1)?.node.keys ?? [];
  return model
    .children(place)
    .filter(({ name, kind }) => !keys.includes(name) && (purpose !== "edit" || kind === "container" || kind === "list"))
    .map((node) => ({ text: model.nameOf(place, node), help: brief(node) }));
}

async function keyCandidates(source: CompletionSource, place: Place, purpose: string): Promise<readonly Explained[]> {
  const { node, keys } = place.at(-1)!;
  const list: Place = [...place.slice(0, -1), { node, keys: [] }];
  const entries = (valueAt(await source.document(list), list) ?? []) as readonly Readonly<Record<string, unknown>>[];
  const known = entries.map((entry) => keysOf(entry, node)).filter((own) => keys.every((key, i) => own[i] === key));
  const there = [...new Set(known.map((own) => own[keys.length]!))].slice(0, MOST_VALUES);
  const name = node.keys![keys.length]!;
  const leaf = node.children?.find((child) => child.name === name);
  const help = leaf === undefined ? name : brief(leaf);
  const listed = leaf?.type === undefined || purpose !== "set" ? [] : valuesOf(leaf.type);
  const ports = node.name === "interface" && purpose === "set" ? Object.keys(networkInterfaces()) : [];
  const fresh = [...listed, ...ports.map((text) => ({ text, help: "interface of this host" }))];
  return [...there.map((text) => ({ text, help })), ...fresh.filter(({ text }) => !there.includes(text))];
}

async function valueCandidates(
  model: Model,
  source: CompletionSource,
  place: Place,
  purpose: string,
): Promise<readonly Explained[]> {
  const { node } = place.at(-1)!;
  if (purpose === "delete") {
    if (node.kind !== "leaf-list") return [];
    const values = (valueAt(await source.document(place), place) ?? []) as readonly unknown[];
    return values.map((value) => ({ text: String(value), help: "" }));
  }
  if (node.type === undefined) return [];
  const listed = valuesOf(node.type);
  const referred = await Promise.all(pathsOf(node.type).map((path) => referredValues(model, source, place, path)));
  return [...listed, ...new Set(referred.flat())]
    .slice(0, MOST_VALUES)
    .map((one) => (typeof one === "string" ? { text: one, help: typeWords(node.type!) } : one));
}

const pathsOf = (type: YangType): readonly string[] =>
  type.path !== undefined ? [type.path] : (type.union ?? []).flatMap(pathsOf);

/** The values that a reference may have, where its path leads to a key of a list. @see RFC 7950 §9.9 */
async function referredValues(
  model: Model,
  source: CompletionSource,
  from: Place,
  path: string,
): Promise<readonly string[]> {
  const names = path.split("/").map((name) => name.replace(/^.*:/, ""));
  let place: Place = path.startsWith("/") ? [] : from;
  for (const name of names.slice(path.startsWith("/") ? 1 : 0, -1)) {
    if (name === "..") {
      place = place.slice(0, -1);
      continue;
    }
    const node = model.children(place).find((child) => child.name === name);
    if (node === undefined) return [];
    place = [...place, { node, keys: [] }];
  }
  if (place.at(-1)?.node.kind !== "list") return [];
  const entries = valueAt(await source.document(place), place) as readonly Record<string, unknown>[] | undefined;
  return (entries ?? []).map((entry) => String(entry[names.at(-1)!]));
}
