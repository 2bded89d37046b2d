import type { Model, Place, SchemaNode } from "../../words/index.ts";
import { type TableStyle, table } from "../table.ts";
import type { SessionCommand } from "./commands.ts";
import { typeWords } from "./type-words.ts";

export interface Explained {
  readonly text: string;
  readonly help: string;
}

/** Names with what they mean, one a line. */
export function explainedView(rows: readonly Explained[], style: TableStyle): string {
  const columns = [
    { title: "", cell: (row: Explained) => `  ${row.text}` },
    { title: "", shrinkTo: 20, cell: (row: Explained) => row.help },
  ];
  return table(columns, rows, style).replace(/^.*\n/, "");
}

export const commandsHelp = (commands: readonly SessionCommand[], style: TableStyle): string =>
  `${explainedView(
    commands.map(({ usage, help }) => ({ text: usage, help })),
    style,
  )}
Paths are names of nodes and, behind a list, its keys: tenants tenant acme index 2. A path that begins with / is one of
RFC 7951. Tab completes a word; a ? as the last word says what can stand there; # begins a comment.
`;

/** What the model says about a node, and what is in it. */
export function nodeHelp(model: Model, place: Place, style: TableStyle): string {
  const node = place.at(-1)?.node;
  const rows = model.children(place).map((child) => ({ text: model.nameOf(place, child), help: brief(child) }));
  const below = explainedView(rows, style);
  return node === undefined ? below : `${model.words(place)}\n${about(node)}${below}`;
}

function about(node: SchemaNode): string {
  const facts = [
    node.description === undefined ? undefined : flat(node.description),
    node.type === undefined ? undefined : `Value: ${typeWords(node.type)}${unit(node)}`,
    node.defaults === undefined ? undefined : `Default: ${node.defaults.join(" ")}`,
    node.keys === undefined ? undefined : `Keys: ${node.keys.join(" ")}`,
    node.mandatory === true ? "Mandatory" : undefined,
  ];
  return facts.flatMap((fact) => (fact === undefined ? [] : [`  ${fact}\n`])).join("");
}

const unit = ({ units }: SchemaNode): string => (units === undefined ? "" : ` ${units}`);

const flat = (text: string): string => text.replace(/\s+/g, " ").trim();

/** One sentence on a node. */
export function brief(node: SchemaNode): string {
  const description = node.description === undefined ? "" : flat(node.description);
  const sentence = /^.*?[.:;](?= |$)/.exec(description)?.[0].slice(0, -1) ?? description;
  if (node.kind !== "leaf" && node.kind !== "leaf-list") return sentence;
  const value = node.type === undefined ? "" : ` (${typeWords(node.type)}${unit(node)})`;
  return `${sentence}${value.length > 50 ? "" : value}`;
}
