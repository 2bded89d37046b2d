/** A statement of YANG, as it is written. @see RFC 7950 §6.3 */
export interface Statement {
  readonly keyword: string;
  readonly argument: string;
  readonly line: number;
  readonly inner: readonly Statement[];
}

const TOKEN = /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\[\s\S])*"|'[^']*'|[{};]|\+|[^\s"'{};]+/gy;

/** The statements of a module; strings that are joined are one argument. @throws for what is none */
export function statementsOf(text: string): readonly Statement[] {
  let line = 1;
  const tokens: { readonly text: string; readonly line: number }[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const [token] = TOKEN.exec(text) ?? [];
    if (token === undefined) throw new Error(`line ${line} is no YANG`);
    if (!/^(\s|\/\/|\/\*)/.test(token)) tokens.push({ text: token, line });
    line += token.split("\n").length - 1;
  }
  let at = 0;
  const block = (): Statement[] => {
    const found: Statement[] = [];
    while (at < tokens.length && tokens[at]!.text !== "}") {
      const keyword = tokens[at++]!;
      let argument = "";
      while (!["{", ";"].includes(tokens[at]!.text)) {
        const part = tokens[at++]!.text;
        if (part !== "+") argument += /^["']/.test(part) ? part.slice(1, -1) : part;
      }
      let inner: Statement[] = [];
      if (tokens[at++]!.text === "{") {
        inner = block();
        at++;
      }
      found.push({ keyword: keyword.text, argument, line: keyword.line, inner });
    }
    return found;
  };
  return block();
}

/** A statement and all in it. */
export function* within(statement: Statement): Generator<Statement> {
  yield statement;
  for (const one of statement.inner) yield* within(one);
}
