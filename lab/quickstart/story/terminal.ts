/** How wide the story is. */
export const WIDTH = 100;

export interface Ink {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly accent: (text: string) => string;
}

const plain = (text: string): string => text;
const code = (number: number) => (text: string) => `\u001b[${number}m${text}\u001b[0m`;

export const inkFor = (colours: boolean): Ink =>
  colours
    ? { bold: code(1), dim: code(2), good: code(32), bad: code(31), accent: code(36) }
    : { bold: plain, dim: plain, good: plain, bad: plain, accent: plain };

/** `7 ms`, `850 ms`, `3.24 s`. */
export function durationText(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

/** `1 234 567`: groups of three, with a narrow space. */
export const numberText = (value: number | bigint): string => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** `1 answer`, `2 answers`. */
export const counted = (count: number, what: string): string => `${numberText(count)} ${what}${count === 1 ? "" : "s"}`;

/** Text that is cut where it would not fit; how many columns it takes is its length. */
export const fit = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 1)}…`;

/** Breaks text at spaces into lines of at most `width`. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines;
}
