/** What `${…}` may refer to. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Expanded {
  readonly text: string;
  /** Variables without value and default: they became the empty string. */
  readonly unset: readonly string[];
}

const REFERENCE = /\$\$|\$\{(\w+)(?:(:?[-=])([^}]*))?\}|\$([A-Za-z_]\w*)/g;

/**
 * Replaces environment references in the text of a topology file, as containerlab does before it reads the YAML.
 *
 * `$X` and `${X}` give the value or nothing; `${X:=y}` and `${X:-y}` give y for an unset or empty X, `${X=y}` and
 * `${X-y}` only for an unset one; `$$` is a dollar sign.
 */
export function expandEnvironment(text: string, environment: Environment): Expanded {
  const unset: string[] = [];
  const expanded = text.replace(
    REFERENCE,
    (all, braced: string | undefined, operator: string | undefined, fallback: string | undefined, bare?: string) => {
      if (all === "$$") return "$";
      const name = braced ?? bare!;
      const value = environment[name];
      if (operator === undefined) {
        if (value === undefined) unset.push(name);
        return value ?? "";
      }
      const missing = operator.startsWith(":") ? value === undefined || value === "" : value === undefined;
      return missing ? fallback! : value!;
    },
  );
  return { text: expanded, unset };
}

/** What containerlab's magic words stand for in one node. */
export interface MagicWords {
  readonly nodeName: string;
  /** The lab's own folder. */
  readonly labDirectory: string;
}

/** Replaces `__clabNodeName__`, `__clabNodeDir__` and `__clabDir__`. */
export function expandMagicWords(text: string, words: MagicWords): string {
  return text
    .replaceAll("__clabNodeDir__", `${words.labDirectory}/${words.nodeName}`)
    .replaceAll("__clabNodeName__", words.nodeName)
    .replaceAll("__clabDir__", words.labDirectory);
}

/**
 * Splits a command line into words as a shell would: quotes and backslashes, but no expansion.
 * @throws {SyntaxError} on an unfinished quote
 */
export function splitCommand(line: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (quote === "'") {
      if (character === "'") quote = undefined;
      else word += character;
    } else if (character === "\\" && i + 1 < line.length && (quote === undefined || '"\\$`'.includes(line[i + 1]!))) {
      word = (word ?? "") + line[++i]!;
    } else if (quote === '"') {
      if (character === '"') quote = undefined;
      else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== undefined) throw new SyntaxError(`a ${quote} is not closed: ${line}`);
  if (word !== undefined) words.push(word);
  return words;
}
