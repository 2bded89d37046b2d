import { SaxesParser } from "saxes";

/** What an operator types at yangcli for an operation, and what it asks for then. */
export interface Typed {
  readonly command: string;
  readonly answers: readonly string[];
}

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** As it was written. */
  readonly inner: string;
}

/** It says them itself: whatever it has read modules for has the prefix of the module. */
const PREFIX = /[\w-]+:(?=[\w-])/g;
const IDENTITY_PARAMETERS = ["datastore", "origin-filter", "negated-origin-filter"];

/**
 * An operation as yangcli has it: parameters on the line, and trees in files that `file` makes of their text, which yangcli
 * sends as they are.
 *
 * What a line of it has no place for is there all the same: yangcli says so.
 */
export async function typed(rpc: string, file: (text: string) => Promise<string>): Promise<Typed> {
  const [operation] = elements(rpc);
  const { name, inner } = operation!;
  const line: string[] = [name];
  const answers: string[] = [];
  let command = name;
  for (const { name: parameter, attributes, inner: value } of elements(inner)) {
    const [only] = elements(value);
    if (parameter === "filter" && attributes.type === "xpath") {
      command = `x${name}`;
      if (attributes.select !== undefined) line.push(`select="${attributes.select.replaceAll(PREFIX, "")}"`);
    } else if (parameter === "filter" && attributes.type !== "subtree") line.push(`type=${attributes.type}`);
    else if (parameter === "select") answers.push(value.replaceAll(PREFIX, ""), "N");
    else if (["config", "filter", "subtree-filter"].includes(parameter) || only?.name === "config")
      line.push(`${parameter}=@${await file(value)}`);
    else if (only !== undefined) line.push(`${parameter}=${only.name}`);
    else if (value === "") line.push(`--${parameter}`);
    else if (IDENTITY_PARAMETERS.includes(parameter))
      line.push(`${parameter}=${value.replace(PREFIX, parameter === "datastore" ? "ds:" : "or:")}`);
    else line.push(`${parameter}="${parameter.startsWith("xpath") ? value.replaceAll(PREFIX, "") : value}"`);
  }
  return { command: [command, ...line.slice(1)].join(" "), answers };
}

/** Those of the first level; each namespace prefix of them is declared in them. */
function elements(xml: string): readonly Element[] {
  const ROOT = "<x>";
  const found: Element[] = [];
  const parser = new SaxesParser();
  let depth = 0;
  let open: { readonly name: string; readonly attributes: Record<string, string>; readonly from: number } | undefined;
  parser.on("opentag", ({ name, attributes }) => {
    if (depth++ === 1) open = { name, attributes, from: parser.position };
  });
  parser.on("closetag", ({ name, isSelfClosing }) => {
    if (--depth !== 1) return;
    const to = parser.position - (isSelfClosing ? 0 : `</${name}>`.length);
    found.push({ ...open!, inner: isSelfClosing ? "" : `${ROOT}${xml}</x>`.slice(open!.from, to) });
  });
  parser.write(`${ROOT}${xml}</x>`).close();
  return found;
}
