/** Order statistics of repeated measurements. */
export interface Figures {
  readonly least: number;
  readonly median: number;
  readonly most: number;
  /** Between them lies the middle half. */
  readonly quartiles: readonly [number, number];
}

export function figuresOf(values: readonly number[]): Figures {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  const quartiles = [percentile(sorted, 0.25), percentile(sorted, 0.75)] as const;
  return { least: sorted[0]!, median, most: sorted.at(-1)!, quartiles };
}

/** The value below which `share` of the values lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

/** What an issue asks for: at most or at least so much. */
export type Bar = { readonly most: number } | { readonly least: number };

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly figure: number;
  /** Of the repeated measurements; a single measurement has neither. */
  readonly least?: number;
  readonly quartiles?: readonly [number, number];
  readonly bar?: Bar;
  readonly note?: string;
}

/** A row of repeated measurements, judged by its median. */
export function row(name: string, unit: string, values: readonly number[], bar?: Bar, note?: string): Row {
  const { median, least, quartiles } = figuresOf(values);
  return { name, unit, figure: median, least, quartiles, ...(bar && { bar }), ...(note !== undefined && { note }) };
}

/** A row of one figure. */
export function single(name: string, unit: string, figure: number, bar?: Bar, note?: string): Row {
  return { name, unit, figure, ...(bar && { bar }), ...(note !== undefined && { note }) };
}

/** Figure ÷ bar; `undefined` without a bar, and where the bar is 0. */
export function ratioToBar({ figure, bar }: Row): number | undefined {
  if (bar === undefined) return undefined;
  const wanted = "most" in bar ? bar.most : bar.least;
  return wanted === 0 ? undefined : figure / wanted;
}

export function isReached({ figure, bar }: Row): boolean | undefined {
  if (bar === undefined) return undefined;
  return "most" in bar ? figure <= bar.most : figure >= bar.least;
}

function numberText(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en").replaceAll(",", " ");
  return value.toPrecision(Math.abs(value) >= 1000 ? 4 : 3).replace(/^(\d+)\.?\d*e\+(\d+)$/, () => value.toFixed(0));
}

/** The rows as a table for people. */
export function tableOf(sections: ReadonlyMap<string, readonly Row[]>): string {
  const lines: string[][] = [["", "figure", "least", "half within", "unit", "bar", "ratio", ""]];
  for (const [section, rows] of sections) {
    lines.push([section]);
    for (const one of rows) {
      const { bar } = one;
      const reached = isReached(one);
      lines.push([
        `  ${one.name}`,
        numberText(one.figure),
        one.least === undefined ? "" : numberText(one.least),
        one.quartiles?.map(numberText).join("–") ?? "",
        one.unit,
        bar === undefined ? "" : "most" in bar ? `≤ ${numberText(bar.most)}` : `≥ ${numberText(bar.least)}`,
        ratioToBar(one)?.toFixed(2) ?? "",
        `${reached === undefined ? "" : reached ? "reached" : "MISSED"}${one.note === undefined ? "" : `  (${one.note})`}`,
      ]);
    }
  }
  const widths = lines[0]!.map((_, column) =>
    Math.max(...lines.map((line) => (line.length > 1 ? line[column]!.length : 0))),
  );
  return lines
    .map((line) =>
      line.length === 1
        ? `\n${line[0]}`
        : line
            .map((cell, column) =>
              column === 0 || column >= 7 || column === 4
                ? cell.padEnd(widths[column]!)
                : cell.padStart(widths[column]!),
            )
            .join("  "),
    )
    .map((line) => line.trimEnd())
    .join("\n");
}
