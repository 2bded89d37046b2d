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
const SURROGATE = /[\ud800-\udfff]/;
const width = (text: string): number => (SURROGATE.test(text) ? [...text].length : text.length);

/**
 * Renders aligned columns, each line ended by a newline; the last column is not padded. Without rows: the empty string. Of a list in
 * parts the first has the header, and says how wide columns are; one that needs another column has a header of its own.
 */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], style: TableStyle): string {
  if (rows.length === 0) return "";
  const before = style.parts?.layout;
  const goesOn = before && continued(columns, rows, before, style.paint);
  if (goesOn !== undefined) return goesOn;
  const all = rows.map((row) => columns.map((column) => cellOf(column.cell(row))));
  const shown = columns.flatMap((column, i) =>
    column.optional !== true || all.some((cells) => cells[i]!.text !== "") ? [i] : [],
  );
  const widths = widthsOf(columns, all, shown, style.columns);
  if (style.parts !== undefined) style.parts.layout = { shown, widths };
  const line = (cells: readonly Cell[]): string => {
    let text = "";
    for (const [at, i] of shown.entries())
      text += aligned(columns[i]!, cells[i]!, widths[at]!, widths[at]!, style.paint) + GAP;
    return `${text.trimEnd()}\n`;
  };
  const header = line(columns.map(({ title }) => ({ text: title, colour: "bold" })));
  return between(style, "\n") + header + all.map(line).join("");
}

/** Rows below those that the layout was made for: nothing is kept of one when the next is made. Undefined: they need another column. */
function continued<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { shown, widths }: NonNullable<ListParts["layout"]>,
  paint: Paint,
): string | undefined {
  const places = columns.map((_, i) => shown.indexOf(i));
  let text = "";
  for (const row of rows) {
    let line = "";
    for (const [i, column] of columns.entries()) {
      const cell = cellOf(column.cell(row));
      const width = widths[places[i]!];
      if (width !== undefined)
        line +=
          aligned(column, cell, width, column.shrinkTo === undefined ? Number.POSITIVE_INFINITY : width, paint) + GAP;
      else if (column.optional !== true || cell.text !== "") return undefined;
    }
    text += `${line.trimEnd()}\n`;
  }
  return text;
}

/** A cell as wide as its column, and cut to `limit`. */
function aligned<Row>(
  { cut: end = "end", align }: Column<Row>,
  cell: Cell,
  wide: number,
  limit: number,
  paint: Paint,
): string {
  const text = cut(cell.text, limit, end);
  const padding = " ".repeat(Math.max(0, wide - width(text)));
  const painted = cell.colour === undefined || text === "" ? text : paint(cell.colour, text);
  return align === "right" ? padding + painted : painted + padding;
}

/** How wide each column is. */
function widthsOf<Row>(
  columns: readonly Column<Row>[],
  rows: readonly (readonly Cell[])[],
  shown: readonly number[],
  limit: number | undefined,
): readonly number[] {
  const natural = shown.map((i) =>
    rows.reduce((widest, cells) => Math.max(widest, width(cells[i]!.text)), width(columns[i]!.title)),
  );
  const least = shown.map((i) => columns[i]!.shrinkTo);
  return fit(natural, least, limit);
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
  if (text.length <= limit) return text; // nothing has more characters than units
  const characters = [...text];
  if (characters.length <= limit) return text;
  const kept = Math.max(0, limit - 1);
  return end === "end"
    ? `${characters.slice(0, kept).join("")}…`
    : `…${characters.slice(characters.length - kept).join("")}`;
}
