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

export interface TableStyle {
  readonly paint: Paint;
  readonly columns?: number;
}

const GAP = "  ";
const width = (text: string): number => [...text].length;

/**
 * Renders aligned columns, each line ended by a newline; the last column is not padded. Without rows: the empty string.
 */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], style: TableStyle): string {
  if (rows.length === 0) return "";
  const all = rows.map((row) => columns.map((column) => cellOf(column.cell(row))));
  const shown = columns
    .map((column, i) => ({ column, i }))
    .filter(({ column, i }) => column.optional !== true || all.some((cells) => cells[i]!.text !== ""));
  const natural = shown.map(({ column, i }) =>
    all.reduce((widest, cells) => Math.max(widest, width(cells[i]!.text)), width(column.title)),
  );
  const widths = fit(
    natural,
    shown.map(({ column }) => column.shrinkTo),
    style.columns,
  );
  const line = (cells: readonly Cell[]): string => {
    const parts = shown.map(({ column, i }, at) => {
      const cell = cells[i]!;
      const text = cut(cell.text, widths[at]!, column.cut ?? "end");
      const padding = " ".repeat(widths[at]! - width(text));
      const painted = cell.colour === undefined || text === "" ? text : style.paint(cell.colour, text);
      return column.align === "right" ? padding + painted : painted + padding;
    });
    return `${parts.join(GAP).trimEnd()}\n`;
  };
  const header = line(columns.map(({ title }) => ({ text: title, colour: "bold" })));
  return header + all.map(line).join("");
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
