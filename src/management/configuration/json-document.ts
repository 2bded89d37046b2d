/** A JSON value that remembers where it stood. Children are mutable: a diagnosis takes out what it has reported. */
export type JsonNode = JsonObject | JsonArray | JsonScalar;

export interface JsonObject {
  readonly kind: "object";
  readonly line: number;
  readonly members: Map<string, JsonNode>;
}

export interface JsonArray {
  readonly kind: "array";
  readonly line: number;
  items: JsonNode[];
}

export interface JsonScalar {
  readonly kind: "string" | "number" | "literal";
  readonly line: number;
  /** As it stood in the text, quotes and escapes included. */
  readonly source: string;
  readonly value: string | number | boolean | null;
}

/** Raised by {@link parseJsonDocument}; `line` and `column` count from 1. */
export class JsonSyntaxError extends SyntaxError {
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.name = "JsonSyntaxError";
    this.line = line;
    this.column = column;
  }
}

/** libyang refuses deeper ones (about 500), and recursion here stays far from the end of the stack. */
const MAX_DEPTH = 100;

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const LITERAL = /true|false|null/y;
const BLANK = /[ \t\r\n]*/y;

/**
 * Parses JSON text and keeps the line of every value.
 *
 * Stricter than `JSON.parse` in one thing: two members of one name are an error, since one of them would be lost.
 *
 * @throws {JsonSyntaxError} at the first character that cannot be there.
 * @see RFC 8259
 */
export function parseJsonDocument(text: string): JsonNode {
  const steps = parsingJson(text);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Objects and arrays that are read in a turn: each has a few members, and costs microseconds. */
const CONTAINERS_A_TURN = 512;

/** The same over many turns, of a text that may be long. @throws as {@link parseJsonDocument} */
export async function parseJsonInTurns(
  text: string,
  turn: () => Promise<unknown> = () => new Promise((resolve) => setImmediate(resolve)),
): Promise<JsonNode> {
  const steps = parsingJson(text);
  for (let containers = 1; ; containers++) {
    const step = steps.next();
    if (step.done === true) return step.value;
    if (containers % CONTAINERS_A_TURN === 0) await turn();
  }
}

/** A step for each object and array. */
function* parsingJson(text: string): Generator<void, JsonNode> {
  let at = text.startsWith("\ufeff") ? 1 : 0;
  let line = 1;
  let lineStart = at;

  const fail = (message: string): never => {
    throw new JsonSyntaxError(message, line, at - lineStart + 1);
  };
  const found = (): string => {
    if (at >= text.length) return "the end of the text";
    const character = String.fromCodePoint(text.codePointAt(at)!);
    return character === '"' ? "a string" : JSON.stringify(character);
  };
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const taken = pattern.exec(text)?.[0];
    if (taken !== undefined) at += taken.length;
    return taken;
  };
  const skipBlanks = (): void => {
    const start = at;
    take(BLANK);
    for (let i = start; i < at; i++) {
      if (text.charCodeAt(i) !== 10) continue;
      line++;
      lineStart = i + 1;
    }
  };
  const next = (character: string): boolean => {
    if (text[at] !== character) return false;
    at++;
    skipBlanks();
    return true;
  };

  function string(what: string): string {
    const start = at;
    if (text[at] !== '"') fail(`${what} is expected here, not ${found()}`);
    at++;
    for (;;) {
      const code = text.charCodeAt(at); // NaN at the end
      if (code === 0x5c) {
        take(ESCAPE) ?? fail("a backslash that begins no escape");
      } else if (code >= 0x20 && code !== 0x22) at++;
      else if (code === 0x22) return text.slice(start, ++at);
      else fail(Number.isNaN(code) ? "the text ends inside a string" : "a string that is not closed on its line");
    }
  }

  function* object(depth: number): Generator<void, JsonObject> {
    yield;
    const node: JsonObject = { kind: "object", line, members: new Map() };
    next("{");
    if (next("}")) return node;
    do {
      const start = at;
      const name = JSON.parse(string("a member name in quotes")) as string;
      if (node.members.has(name)) {
        at = start;
        fail(`a second member ${JSON.stringify(name)} in the same object`);
      }
      skipBlanks();
      if (!next(":")) fail(`a colon is expected behind ${JSON.stringify(name)}, not ${found()}`);
      node.members.set(name, simple(depth + 1) ?? (yield* container(depth + 1)));
      skipBlanks();
    } while (next(","));
    if (!next("}")) fail(`a comma or a closing brace is expected here, not ${found()}`);
    return node;
  }

  function* array(depth: number): Generator<void, JsonArray> {
    yield;
    const node: JsonArray = { kind: "array", line, items: [] };
    next("[");
    if (next("]")) return node;
    do {
      node.items.push(simple(depth + 1) ?? (yield* container(depth + 1)));
      skipBlanks();
    } while (next(","));
    if (!next("]")) fail(`a comma or a closing bracket is expected here, not ${found()}`);
    return node;
  }

  const container = (depth: number): Generator<void, JsonNode> => (text[at] === "{" ? object(depth) : array(depth));

  /** `undefined`: an object or array begins here. */
  function simple(depth: number): JsonNode | undefined {
    if (depth > MAX_DEPTH) fail(`more than ${MAX_DEPTH} levels of nesting`);
    const start = text[at];
    if (start === "{" || start === "[") return undefined;
    if (start === '"') {
      const source = string("a string");
      return { kind: "string", line, source, value: JSON.parse(source) as string };
    }
    const source = take(NUMBER);
    if (source !== undefined) return { kind: "number", line, source, value: Number(source) };
    const literal = take(LITERAL) ?? fail(`a value is expected here, not ${found()}`);
    return { kind: "literal", line, source: literal, value: JSON.parse(literal) as boolean | null };
  }

  skipBlanks();
  const root = simple(0) ?? (yield* container(0));
  skipBlanks();
  if (at < text.length) fail(`the end of the text is expected here, not ${found()}`);
  return root;
}

export interface PrintedDocument {
  readonly text: string;
  /** The node whose first character is on line `i + 1` of `text`; closing brackets stand for what they close. */
  readonly nodes: readonly JsonNode[];
}

/** Prints every value on a line of its own, so that a line number alone says which value is meant. */
export function printJsonDocument(root: JsonNode): PrintedDocument {
  const lines: string[] = [];
  const nodes: JsonNode[] = [];
  const put = (text: string, node: JsonNode): void => {
    lines.push(text);
    nodes.push(node);
  };
  const print = (node: JsonNode, before: string, after: string): void => {
    if (node.kind !== "object" && node.kind !== "array") {
      put(`${before}${node.source}${after}`, node);
      return;
    }
    const [open, close] = node.kind === "object" ? "{}" : "[]";
    const children: [string, JsonNode][] =
      node.kind === "object"
        ? [...node.members].map(([name, child]) => [`${JSON.stringify(name)}:`, child])
        : node.items.map((child) => ["", child]);
    if (children.length === 0) {
      put(`${before}${open}${close}${after}`, node);
      return;
    }
    put(`${before}${open}`, node);
    for (const [i, [label, child]] of children.entries()) print(child, label, i < children.length - 1 ? "," : "");
    put(`${close}${after}`, node);
  };
  print(root, "", "");
  return { text: lines.join("\n"), nodes };
}
