import { dataPath, type KeyWord, type Model, type Place } from "./place.ts";
import { LineFault, type Word } from "./words.ts";

/** One step of an edit as the control socket takes it, and the words that it came from. */
export interface WordedStep {
  readonly step: {
    readonly operation: "merge" | "delete";
    readonly path: string;
    readonly text?: string;
    readonly value?: unknown;
  };
  readonly start: number;
  readonly end: number;
  /** On the way to it. */
  readonly keyWords: readonly KeyWord[];
}

/**
 * What `set` means: a path and its value, and behind it further leaves of the same node: `tenants tenant acme index 2 …`.
 * Values of a leaf-list stand one by one, or several in `[ ]`.
 *
 * @throws {LineFault}
 */
export function readAssignments(model: Model, from: Place, words: readonly Word[], at: number): WordedStep[] {
  if (at >= words.length) throw new LineFault("set what? a path and a value are expected", endOf(words));
  const steps: WordedStep[] = [];
  let base = from;
  let next = at;
  while (next < words.length) {
    const first = words[next]!;
    const read = model.readPath(base, words, next);
    const { place, keyWords } = read;
    const node = place.at(-1)?.node;
    next = read.next;
    const last = words[next - 1]!;
    if (node === undefined || read.expected === "key") throw missingKey(place, last);
    if (read.expected !== "value") {
      if (node.kind === "container" && node.presence !== true)
        throw new LineFault(`${node.name} has no value of its own: name a leaf in it`, last);
      steps.push({
        step: { operation: "merge", path: dataPath(place), value: {} },
        start: first.start,
        end: last.end,
        keyWords,
      });
      continue;
    }
    if (node.kind === "anydata" || node.kind === "anyxml")
      throw new LineFault(`${node.name} cannot be set by words: use semrctl config edit`, last);
    if (node.type?.base === "empty") {
      steps.push({
        step: { operation: "merge", path: dataPath(place), text: "" },
        start: last.start,
        end: last.end,
        keyWords,
      });
    } else {
      const values = readValues(words, next, node.kind === "leaf-list", node.name);
      next = values.next;
      for (const { text, start, end } of values.words)
        steps.push({ step: { operation: "merge", path: dataPath(place), text }, start, end, keyWords });
    }
    base = place.slice(0, -1);
  }
  return steps;
}

function readValues(words: readonly Word[], at: number, several: boolean, name: string) {
  const first = words[at];
  if (first === undefined) throw new LineFault(`a value of ${name} is expected`, endOf(words));
  if (!several || first.quoted || first.text !== "[") return { words: [first], next: at + 1 };
  const end = words.findIndex(({ text, quoted }, i) => i > at && !quoted && text === "]");
  if (end < 0) throw new LineFault("this list of values has no ] at its end", first);
  if (end === at + 1) throw new LineFault("a list of values has at least one", first);
  return { words: words.slice(at + 1, end), next: end + 1 };
}

/**
 * What `delete` means: a node with all that is below it; a list without keys for all of its entries; a leaf-list with
 * one of its values for that alone.
 *
 * @throws {LineFault}
 */
export function readDeletion(model: Model, from: Place, words: readonly Word[], at: number): WordedStep {
  const { place, expected, next, keyWords } = model.readPath(from, words, at);
  const node = place.at(-1)?.node;
  if (at >= words.length || node === undefined || place.length <= model.top.length)
    throw new LineFault("delete what? a path is expected; the whole configuration cannot be deleted", endOf(words));
  if (expected === "key" && place.at(-1)!.keys.length > 0) throw missingKey(place, words[next - 1]!);
  let path = dataPath(place);
  let rest = next;
  if (node.kind === "leaf-list" && next < words.length) {
    const { text } = words[next]!;
    path += `[.=${text.includes("'") ? `"${text}"` : `'${text}'`}]`;
    rest++;
  }
  if (rest < words.length) throw new LineFault(`nothing is expected behind ${node.name} here`, words[rest]!);
  return { step: { operation: "delete", path }, start: words[at]!.start, end: words.at(-1)!.end, keyWords };
}

/** @throws {LineFault} where a path ends among the keys of a list, or goes on behind its end */
export function readPlace(
  model: Model,
  from: Place,
  words: readonly Word[],
  at: number,
  options: { readonly list: "whole" | "entry" },
): Place {
  const { place, expected, next } = model.readPath(from, words, at);
  const given = place.at(-1)?.keys.length ?? 0;
  if (expected === "key" && (options.list === "entry" || given > 0)) throw missingKey(place, words[next - 1]!);
  if (next < words.length) throw new LineFault("nothing is expected behind this path", words[next]!);
  return place;
}

function missingKey(place: Place, last: Word): LineFault {
  const { node, keys } = place.at(-1)!;
  const missing = node.keys?.slice(keys.length) ?? [];
  return new LineFault(`${node.name} is a list: its ${missing.join(" and ")} is expected next`, {
    start: last.end + 1,
    end: last.end + 2,
  });
}

function endOf(words: readonly Word[]) {
  const end = words.at(-1)?.end ?? 0;
  return { start: end + 1, end: end + 2 };
}
