/** A word of a command, and where it stands in its line. */
export interface Word {
  readonly text: string;
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
  /** Of a step of a data path in the notation of RFC 7951 §6.11: what its predicates say. */
  readonly keys?: ReadonlyMap<string, Word>;
}

/** Words that a shell has split already, at their places in one line. */
export function wordsOf(texts: readonly string[]): readonly Word[] {
  let start = 0;
  return texts.map((text) => {
    const word = { text, start, end: start + text.length, quoted: false };
    start = word.end + 1;
    return word;
  });
}

/** A mistake, and the part of the line where it is. */
export class LineFault extends Error {
  readonly start: number;
  readonly end: number;

  constructor(message: string, at: { readonly start: number; readonly end: number }) {
    super(message);
    this.name = "LineFault";
    this.start = at.start;
    this.end = at.end;
  }
}

/**
 * Splits a line at spaces. `"…"` keeps spaces, with `\"` and `\\` in it; so do the predicates of a word that begins with
 * `/`. `#` at the beginning of a word makes the rest a comment. `open`: the last quote need not be closed yet.
 *
 * @throws {LineFault}
 */
export function splitWords(line: string, options: { readonly open?: boolean } = {}): Word[] {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at]!)) {
      at++;
      continue;
    }
    if (line[at] === "#") break;
    const start = at;
    if (line[at] === '"') {
      let text = "";
      for (at++; at < line.length && line[at] !== '"'; at++) {
        if (line[at] === "\\" && at + 1 < line.length) at++;
        text += line[at];
      }
      if (at >= line.length && options.open !== true)
        throw new LineFault('this quote is not closed: put a " at its end', { start, end: start + 1 });
      at = Math.min(at + 1, line.length);
      words.push({ text, start, end: at, quoted: true });
      continue;
    }
    at = endOfPlain(line, start);
    words.push({ text: line.slice(start, at), start, end: at, quoted: false });
  }
  return words;
}

function endOfPlain(line: string, start: number): number {
  let quote = "";
  let depth = 0;
  let at = start;
  for (; at < line.length; at++) {
    const here = line[at]!;
    if (quote !== "") quote = here === quote ? "" : quote;
    else if (depth > 0 && (here === "'" || here === '"')) quote = here;
    else if (line[start] === "/" && here === "[") depth++;
    else if (here === "]") depth = Math.max(0, depth - 1);
    else if (depth === 0 && /\s/.test(here)) break;
  }
  return at;
}

/** A word as it has to be written. */
export function quotedWord(text: string): string {
  return text !== "" && !/[\s"#|{};[\]\\]/.test(text) && !text.endsWith("?")
    ? text
    : `"${text.replace(/["\\]/g, "\\$&")}"`;
}

const STEP = /\/((?:[A-Za-z_][\w.-]*:)?[A-Za-z_][\w.-]*)/y;
const PREDICATE = /\[\s*([A-Za-z_][\w.:-]*|\.)\s*=\s*(?:'([^']*)'|"([^"]*)")\s*\]/dy;

/**
 * The steps of a data path as words.
 * @throws {LineFault}
 * @see RFC 7951 §6.11
 */
export function stepsOfPath(word: Word): Word[] {
  const { text } = word;
  const steps: Word[] = [];
  let at = 0;
  if (text === "/") return steps;
  while (at < text.length) {
    STEP.lastIndex = at;
    const name = STEP.exec(text)?.[1];
    if (name === undefined) throw new LineFault("a '/' and the name of a node are expected here", restOf(word, at));
    const start = word.start + at + 1;
    at = STEP.lastIndex;
    const keys = new Map<string, Word>();
    while (text[at] === "[") {
      PREDICATE.lastIndex = at;
      const found = PREDICATE.exec(text);
      if (found === null) throw new LineFault("[key='value'] is expected here", restOf(word, at));
      const [, key, single, double] = found;
      const [from, to] = (single === undefined ? found.indices![3] : found.indices![2])!;
      const value = { text: single ?? double!, start: word.start + from, end: word.start + to, quoted: true };
      keys.set(key!.slice(key!.indexOf(":") + 1), value);
      at = PREDICATE.lastIndex;
    }
    const step = { text: name, start, end: start + name.length, quoted: false };
    steps.push(keys.size === 0 ? step : { ...step, keys });
  }
  return steps;
}

const restOf = (word: Word, at: number) => ({ start: word.start + at, end: Math.max(word.end, word.start + at + 1) });
