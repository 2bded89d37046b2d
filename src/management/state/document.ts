import type { Path, PathStep } from "../datastore/index.ts";
import type { StateRow } from "./source.ts";

/** One step as JSON has it. */
export interface DocumentStep {
  /** Its name in its parent. */
  readonly member: string;
  readonly isList: boolean;
  /** The value of a key, as JSON has it. */
  key(name: string, text: string): unknown;
}

/** The steps of a path in JSON, asked once for each place of the model. */
export type StepsOf = (path: Path) => readonly DocumentStep[];

/** What is in a node; most have no others in them, so there are maps only where they are needed. */
class Node {
  /** Members that are text already, with commas between them. */
  text: string;
  /** A row of it is in. */
  isFilled = false;
  inner: Map<string, Node> | undefined;
  lists: Map<string, Map<string, Node>> | undefined;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * Rows as one RFC 7951 document. Rows become text as they come, so that a large document is not made in one go; rows of
 * one node are put together.
 */
export class StateDocument {
  readonly #stepsOf: StepsOf;
  readonly #steps = new Map<string, readonly DocumentStep[]>();
  readonly #root = new Node("");

  constructor(stepsOf: StepsOf) {
    this.#stepsOf = stepsOf;
  }

  add({ path, value }: StateRow): void {
    const steps = this.#stepsAt(path);
    let node = this.#root;
    for (const [i, step] of path.entries()) node = entered(node, steps[i]!, step);
    if (node.isFilled) return; // selected in two ways
    node.isFilled = true;
    const members = Object.entries(value).filter(([, member]) => member !== undefined && !isEmptyList(member));
    if (members.length === 0) return;
    const text = JSON.stringify(Object.fromEntries(members)).slice(1, -1);
    node.text = node.text === "" ? text : `${node.text},${text}`;
  }

  /** The document in pieces. */
  *pieces(): Generator<string, void, void> {
    yield* piecesOf(this.#root);
  }

  #stepsAt(path: Path): readonly DocumentStep[] {
    const place = path.map(({ name }) => name).join(" ");
    const known = this.#steps.get(place);
    if (known !== undefined) return known;
    const steps = this.#stepsOf(path);
    this.#steps.set(place, steps);
    return steps;
  }
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function entered(node: Node, { member, isList, key }: DocumentStep, { keys = {} }: PathStep): Node {
  if (!isList) {
    node.inner ??= new Map();
    return made(node.inner, member, () => new Node(""));
  }
  node.lists ??= new Map();
  const list = made(node.lists, member, () => new Map<string, Node>());
  let text = "";
  for (const name in keys) {
    if (text !== "") text += ",";
    text += `"${name}":${JSON.stringify(key(name, keys[name]!))}`;
  }
  // What its keys are as text is what it is known by.
  return made(list, text, () => new Node(text));
}

function made<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = make();
  map.set(key, value);
  return value;
}

function* piecesOf({ text, inner, lists }: Node): Generator<string, void, void> {
  if (inner === undefined && lists === undefined) {
    yield `{${text}}`;
    return;
  }
  yield `{${text}`;
  let between = text === "" ? "" : ",";
  for (const [member, node] of inner ?? []) {
    yield `${between}${JSON.stringify(member)}:`;
    yield* piecesOf(node);
    between = ",";
  }
  for (const [member, entries] of lists ?? []) {
    yield `${between}${JSON.stringify(member)}:[`;
    let comma = "";
    for (const entry of entries.values()) {
      if (comma !== "") yield comma;
      yield* piecesOf(entry);
      comma = ",";
    }
    yield "]";
    between = ",";
  }
  yield "}";
}
