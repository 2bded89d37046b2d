import type { Colour, Paint } from "./terminal.ts";
import { printable } from "./terminal.ts";

export interface Cell {
  readonly text: string;
  readonly colour?: Colour;
}

export interface Column<Row> {
  readonly title: string;
  readonly align?: "left" | "right";
  /** May be cut with an ellipsis, down to this width, where the terminal is too narrow. Others are never cut. */
  readonly shrinkTo?: number;
  /** Which end is cut off; where the end says more than the beginning, `start`. Default: `end`. */
  readonly cut?: "start" | "end";
  /** Left out when every cell is empty. */
  readonly optional?: boolean;
  cell(row: Row): string | Cell;
}

/** A list that is shown in parts, as it is too long to be waited for. */
export interface ListParts {
  /** Another part was before this one. */
  hasBegun: boolean;
  /** None comes behind it. */
  isLast: boolean;
  /** Of the parts before: which columns have been shown, and how wide. */
  layout?: { readonly shown: readonly number[]; readonly widths: readonly number[] };
}

export interface TableStyle {
  readonly paint: Paint;
  readonly columns?: number;
  /** Absent: the rows are all. */
  readonly parts?: ListParts;
}

/** What stands below a list once. */
export const below = ({ parts }: TableStyle, text: string): string => (parts?.isLast === false ? "" : text);

/** What stands between two rows, if there was one before these. */
export const between = ({ parts }: TableStyle, text: string): string => (parts?.hasBegun === true ? text : "");

const GAP = "  ";
const width = (text: string): number => [...text].length;

/**
 * Renders aligned columns, each line ended by a newline; the last column is not padded. Without rows: the empty string. Of a list in
 * parts the first has the header, and says how wide columns are; one that needs another column has a header of its own.
 */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], style: TableStyle): string {
  if (rows.length === 0) return "";
  const all = rows.map((row) => columns.map((column) => cellOf(column.cell(row))));
  const before = style.parts?.layout;
  const needed = columns.flatMap((column, i) =>
    column.optional !== true || all.some((cells) => cells[i]!.text !== "") ? [i] : [],
  );
  const goesOn = before !== undefined && needed.every((i) => before.shown.includes(i));
  const { shown, widths } = goesOn ? before : layoutOf(columns, all, needed, style.columns);
  if (style.parts !== undefined) style.parts.layout = { shown, widths };
  const line = (cells: readonly Cell[]): string => {
    const parts = shown.map((i, at) => {
      const column = columns[i]!;
      const cell = cells[i]!;
      const limit = goesOn && column.shrinkTo === undefined ? Number.POSITIVE_INFINITY : widths[at]!;
      const text = cut(cell.text, limit, column.cut ?? "end");
      const padding = " ".repeat(Math.max(0, widths[at]! - width(text)));
      const painted = cell.colour === undefined || text === "" ? text : style.paint(cell.colour, text);
      return column.align === "right" ? padding + painted : painted + padding;
    });
    return `${parts.join(GAP).trimEnd()}\n`;
  };
  const text = all.map(line).join("");
  if (goesOn) return text;
  return between(style, "\n") + line(columns.map(({ title }) => ({ text: title, colour: "bold" }))) + text;
}

function layoutOf<Row>(
  columns: readonly Column<Row>[],
  rows: readonly (readonly Cell[])[],
  shown: readonly number[],
  limit: number | undefined,
): NonNullable<ListParts["layout"]> {
  const natural = shown.map((i) =>
    rows.reduce((widest, cells) => Math.max(widest, width(cells[i]!.text)), width(columns[i]!.title)),
  );
  const least = shown.map((i) => columns[i]!.shrinkTo);
  return { shown, widths: fit(natural, least, limit) };
}

function cellOf(cell: string | Cell): Cell {
  return typeof cell === "string" ? { text: printable(cell) } : { ...cell, text: printable(cell.text) };
}

/** Takes what is too much from the widest columns that may shrink. */
function fit(
  natural: readonly number[],
  least: readonly (number | undefined)[],
  columns: number | undefined,
): number[] {
  const widths = [...natural];
  if (columns === undefined) return widths;
  let excess = widths.reduce((sum, one) => sum + one, 0) + GAP.length * (widths.length - 1) - columns;
  while (excess > 0) {
    let widest = -1;
    for (const [i, one] of widths.entries()) {
      if (one > (least[i] ?? Number.POSITIVE_INFINITY) && (widest < 0 || one > widths[widest]!)) widest = i;
    }
    if (widest < 0) break;
    widths[widest]!--;
    excess--;
  }
  return widths;
}

function cut(text: string, limit: number, end: "start" | "end"): string {
  const characters = [...text];
  if (characters.length <= limit) return text;
  const kept = Math.max(0, limit - 1);
  return end === "end"
    ? `${characters.slice(0, kept).join("")}…`
    : `…${characters.slice(characters.length - kept).join("")}`;
}
