import { crc32 } from "node:zlib";

/** One fact of the journal: `key` now has `value`, or, without one, is gone. */
export interface JournalEntry {
  readonly key: string;
  readonly value?: unknown;
}

/** `crc32-of-the-rest-in-hex SP json LF`. */
export function encodeLine(entry: JournalEntry): string {
  const json = JSON.stringify(entry);
  return `${checksum(json)} ${json}\n`;
}

export interface JournalContents {
  /** The last line of every key that has a value. */
  readonly lines: Map<string, string>;
  readonly values: Map<string, unknown>;
  /** All lines read, live or not. */
  readonly count: number;
  /** Octets up to the end of the last whole line. */
  readonly goodLength: number;
  /** Octets of a last line that was being written when the process died. */
  readonly tornLength: number;
  /** Whole lines among those octets: not what a process that died leaves, but a disk that lost power, or damage at the end. */
  readonly tornLines: number;
  /** Numbers (from 1) of lines inside the file that are not what was written. */
  readonly damaged: readonly number[];
}

/**
 * Reads a journal, a line a step. A bad last line is one that was never acknowledged, and belongs to the torn tail; a bad line that has
 * good ones behind it is damage, and costs that line only.
 */
export function* decodingJournal(octets: Uint8Array): Generator<void, JournalContents> {
  const lines = new Map<string, string>();
  const values = new Map<string, unknown>();
  const buffer = Buffer.from(octets.buffer, octets.byteOffset, octets.length);
  let suspects: number[] = [];
  const damaged: number[] = [];
  let goodLength = 0;
  let count = 0;
  for (let start = 0, end = buffer.indexOf(10); end >= 0; start = end + 1, end = buffer.indexOf(10, start)) {
    yield;
    count++;
    const line = buffer.toString("utf8", start, end + 1);
    const entry = decodeLine(line);
    if (entry === undefined) {
      suspects.push(count);
      continue;
    }
    for (const suspect of suspects) damaged.push(suspect);
    suspects = [];
    goodLength = end + 1;
    if (entry.value === undefined) {
      lines.delete(entry.key);
      values.delete(entry.key);
    } else {
      lines.set(entry.key, line);
      values.set(entry.key, entry.value);
    }
  }
  const tornLength = buffer.length - goodLength;
  const tornLines = suspects.length;
  return { lines, values, count: count - tornLines, goodLength, tornLength, tornLines, damaged };
}

function decodeLine(line: string): JournalEntry | undefined {
  const json = line.slice(9, -1);
  if (line[8] !== " " || line.slice(0, 8) !== checksum(json)) return undefined;
  try {
    const entry: unknown = JSON.parse(json);
    if (typeof entry !== "object" || entry === null || !("key" in entry)) return undefined;
    return typeof entry.key === "string" ? (entry as JournalEntry) : undefined;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}
