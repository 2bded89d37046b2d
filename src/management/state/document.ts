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

class Node {
  /** Members that are text already. */
  readonly texts: string[];
  /** A row of it is in. */
  isFilled = false;
  readonly inner = new Map<string, Node>();
  readonly lists = new Map<string, Map<string, Node>>();

  constructor(texts: string[]) {
    this.texts = texts;
  }
}

/**
 * Rows as one RFC 7951 document. Rows become text as they come, so that a large document is not made in one go; rows of
 * one node are put together.
 */
export class StateDocument {
  readonly #stepsOf: StepsOf;
  readonly #steps = new Map<string, readonly DocumentStep[]>();
  readonly #root = new Node([]);

  constructor(stepsOf: StepsOf) {
    this.#stepsOf = stepsOf;
  }

  add({ path, value }: StateRow): void {
    const steps = this.#stepsAt(path);
    let node = this.#root;
    for (const [i, step] of path.entries()) node = entered(node, steps[i]!, step);
    if (node.isFilled) return; // selected in two ways
    node.isFilled = true;
    for (const [name, member] of Object.entries(value)) {
      if (member !== undefined && !isEmptyList(member))
        node.texts.push(`${JSON.stringify(name)}:${JSON.stringify(member)}`);
    }
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
  if (!isList) return made(node.inner, member, () => new Node([]));
  const list = made(node.lists, member, () => new Map<string, Node>());
  const id = Object.entries(keys)
    .map(([name, text]) => `${name}=${text}`)
    .join("\n");
  const texts = () => Object.entries(keys).map(([name, text]) => `"${name}":${JSON.stringify(key(name, text))}`);
  return made(list, id, () => new Node(texts()));
}

function made<T>(map: Map<string, T>, key: string, make: () => T): T {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = make();
  map.set(key, value);
  return value;
}

function* piecesOf(node: Node): Generator<string, void, void> {
  yield `{${node.texts.join(",")}`;
  let between = node.texts.length > 0 ? "," : "";
  for (const [member, inner] of node.inner) {
    yield `${between}${JSON.stringify(member)}:`;
    yield* piecesOf(inner);
    between = ",";
  }
  for (const [member, entries] of node.lists) {
    yield `${between}${JSON.stringify(member)}:[`;
    let comma = "";
    for (const entry of entries.values()) {
      yield comma;
      yield* piecesOf(entry);
      comma = ",";
    }
    yield "]";
    between = ",";
  }
  yield "}";
}
