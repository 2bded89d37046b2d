import type { SchemaNode } from "./schema-node.ts";
import { LineFault, quotedWord, stepsOfPath, type Word } from "./words.ts";

export interface PlaceStep {
  readonly node: SchemaNode;
  /** Of a list, in the order of its keys; fewer where the path ends early. */
  readonly keys: readonly string[];
}

/** A node of the configuration; empty for all of it. */
export type Place = readonly PlaceStep[];

/** What a path may go on with. */
export type Expected = "node" | "key" | "value" | "end";

/** A word that is the key of a list. */
export interface KeyWord {
  /** Names down to the key, without modules and entries: `/router/bgp/neighbors/neighbor/address`. */
  readonly names: string;
  readonly word: Word;
}

export interface ReadPath {
  readonly place: Place;
  readonly expected: Expected;
  /** First word that is not of the path. */
  readonly next: number;
  readonly keyWords: readonly KeyWord[];
}

/** The tree of what can be configured, and how paths in it are read. */
export class Model {
  readonly #nodes: readonly SchemaNode[];
  /** Where paths begin: the router need not be named, nor what is alone at the top. */
  readonly top: Place;

  constructor(nodes: readonly SchemaNode[]) {
    this.#nodes = nodes;
    const first = nodes.find(({ name }) => name === "router") ?? (nodes.length === 1 ? nodes[0] : undefined);
    this.top = first?.kind === "container" ? [{ node: first, keys: [] }] : [];
  }

  children(place: Place): readonly SchemaNode[] {
    return place.length === 0 ? this.#nodes : (place.at(-1)!.node.children ?? []);
  }

  /** As it has to be written: with its module where two of the same name stand beside each other. */
  nameOf(place: Place, node: SchemaNode): string {
    const same = this.children(place).filter(({ name }) => name === node.name);
    return same.length > 1 ? `${node.module}:${node.name}` : node.name;
  }

  /**
   * Reads as much of a path as there is from `words[at]` on: names of nodes, behind a list its keys in order, up to a leaf or the
   * last word. A word that begins with `/` where a path begins is one in the notation of RFC 7951.
   *
   * @throws {LineFault} for the word that fits nothing
   */
  readPath(from: Place, words: readonly Word[], at: number): ReadPath {
    const first = words[at];
    if (first?.text.startsWith("/") !== true || first.quoted) return this.#read(from, words, at);
    const steps = stepsOfPath(first);
    const [named] = steps;
    const begin = named !== undefined && this.#isTop(named.text) ? [] : this.top;
    const { place, expected, next, keyWords } = this.#read(begin, steps, 0);
    if (next < steps.length) throw new LineFault(`${place.at(-1)!.node.name} has nothing below it`, steps[next]!);
    // Words may go on where the path ends.
    if (expected !== "node") return { place, expected, next: at + 1, keyWords };
    const further = this.#read(place, words, at + 1);
    return { ...further, keyWords: [...keyWords, ...further.keyWords] };
  }

  #isTop(name: string): boolean {
    return this.#atTop(name) !== undefined;
  }

  #atTop(name: string): SchemaNode | undefined {
    return this.#nodes.find((node) => name === node.name || name === `${node.module}:${node.name}`);
  }

  #read(from: Place, words: readonly Word[], at: number): ReadPath {
    let place = from;
    let next = at;
    const keyWords: KeyWord[] = [];
    while (next < words.length) {
      const word = words[next]!;
      const node = this.#child(place, word);
      next++;
      if (node === undefined) {
        const top = place === this.top ? this.#atTop(word.text) : undefined;
        if (top === undefined) throw this.#unknown(place, word);
        place = [{ node: top, keys: [] }]; // beside the router, or the router, named although it need not be
        continue;
      }
      const names = node.keys ?? [];
      const keys = word.keys === undefined ? [] : keysInOrder(node, word.keys, word);
      while (word.keys === undefined && keys.length < names.length && next < words.length) keys.push(words[next++]!);
      place = [...place, { node, keys: keys.map(({ text }) => text) }];
      keys.forEach((key, i) => void keyWords.push({ names: `${namesOf(place)}/${names[i]}`, word: key }));
      if (node.kind === "list" && keys.length < names.length) return { place, expected: "key", next, keyWords };
      if (node.kind !== "list" && node.kind !== "container") return { place, expected: "value", next, keyWords };
    }
    return { place, expected: this.children(place).length > 0 ? "node" : "end", next, keyWords };
  }

  #child(place: Place, { text }: Word): SchemaNode | undefined {
    const found = this.children(place).filter((node) =>
      text.includes(":") ? text === `${node.module}:${node.name}` : text === node.name,
    );
    return found.length === 1 ? found[0] : undefined;
  }

  #unknown(place: Place, word: Word): LineFault {
    const all = this.children(place);
    const same = all.filter(({ name }) => name === word.text);
    const where = place.length <= this.top.length ? "at the top" : `in ${this.words(place)}`;
    if (same.length > 1) {
      const names = same.map(({ module, name }) => `${module}:${name}`);
      return new LineFault(`there are several ${word.text} ${where}: write ${names.join(" or ")}`, word);
    }
    const near = nearest(
      word.text,
      all.map((node) => this.nameOf(place, node)),
    );
    const advice = near === undefined ? "press Tab or type ? to see what is there" : `is ${near} meant?`;
    return new LineFault(`there is no ${JSON.stringify(word.text)} ${where}: ${advice}`, word);
  }

  /** A place in words, from the top. */
  words(place: Place): string {
    return this.wordsBelow(place[0]?.node === this.top[0]?.node ? this.top : [], place);
  }

  /** What has to be written at `above` to come to `place`. */
  wordsBelow(above: Place, place: Place): string {
    return place
      .slice(above.length)
      .flatMap(({ node, keys }, i) => [
        this.nameOf(place.slice(0, above.length + i), node),
        ...keys.map((key) => quotedWord(key)),
      ])
      .join(" ");
  }
}

/** The data path of a place. @see RFC 7951 §6.11 */
export function dataPath(place: Place): string {
  let text = "";
  let module = "";
  for (const { node, keys } of place) {
    text += `/${node.module === module ? node.name : `${node.module}:${node.name}`}`;
    keys.forEach((key, i) => {
      text += `[${node.keys![i]}=${key.includes("'") ? `"${key}"` : `'${key}'`}]`;
    });
    module = node.module;
  }
  return text === "" ? "/" : text;
}

/** As the node is named in JSON, below a node of `module`. @see RFC 7951 §4 */
export const memberName = (node: SchemaNode, module: string | undefined): string =>
  node.module === module ? node.name : `${node.module}:${node.name}`;

/** @see KeyWord */
const namesOf = (place: Place): string => place.map(({ node }) => `/${node.name}`).join("");

function keysInOrder(node: SchemaNode, given: ReadonlyMap<string, Word>, word: Word): Word[] {
  if (node.kind === "leaf-list")
    throw new LineFault(`write the value of ${node.name} as a word of its own behind the path`, word);
  const names = node.keys ?? [];
  for (const [name, value] of given)
    if (!names.includes(name)) throw new LineFault(`${name} is no key of ${node.name}`, value);
  const missing = names.filter((name) => !given.has(name));
  if (missing.length > 0) throw new LineFault(`the key ${missing.join(", ")} of ${node.name} is missing`, word);
  return names.map((name) => given.get(name)!);
}

/** The name that differs by the fewest characters, if those are few. */
export function nearest(text: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const name of names) {
    const far = name.startsWith(text) ? 0 : distance(text, name, least);
    if (far < least) [best, least] = [name, far];
  }
  return best;
}

/** Edits from one to the other, of which two letters that have changed places are one, or `limit` where they are as many. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? before[j - 2]! + 1 : limit;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, changed, swapped));
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
