import { type Clock, fieldOctets, milliseconds } from "../../base/index.ts";
import {
  dataPath,
  eachWordLine,
  LineFault,
  type Model,
  type Place,
  readAssignments,
  readDeletion,
  readPlace,
  splitWords,
  valueAt,
  type Word,
  withoutSecrets,
} from "../../words/index.ts";
import type { EditStep, Session } from "../datastore/index.ts";
import type { GnmiPath, TypedValue } from "./messages.ts";
import type { OperationParts } from "./parts.ts";
import { joined } from "./paths.ts";
import { GnmiError, must } from "./status.ts";
import type { Sent } from "./wire.ts";

/*
 * Configuration in the words of `semrctl configure`, which gNMI calls the origin `cli`: lines of `set` and `delete`. A path of
 * it has a word in each element, or several.
 */

const CLI = "cli";

/** Lines of one request. */
const MOST_LINES = 100_000;
const SLICE = milliseconds(4);
/** The clock is read once in so many. */
const LINES_PER_LOOK = 16;

export const isCli = (prefix: GnmiPath | null, path: GnmiPath | null): boolean =>
  (path?.origin || prefix?.origin) === CLI;

/** The words of a path, with where they stand in it. @throws {GnmiError} for keys, which are words of their own here */
function wordsOf(prefix: GnmiPath | null, path: GnmiPath | null): readonly Word[] {
  const { elem } = joined(prefix, path);
  if (elem.some(({ key }) => Object.keys(key ?? {}).length > 0)) {
    throw new GnmiError("INVALID_ARGUMENT", "a path of origin cli has no keys: they are words behind the list's name");
  }
  const line = elem.map(({ name }) => name).join(" ");
  return inLine(line, () => splitWords(line));
}

/** @throws {GnmiError} INVALID_ARGUMENT with the place of what cannot be read; `number`: of the line */
function inLine<T>(line: string, read: () => T, number?: number): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof LineFault)) throw cause;
    const where = number === undefined ? "" : `line ${number}, `;
    const part = withoutSecrets(line) === line ? line.slice(cause.start, cause.end) : "";
    throw new GnmiError(
      "INVALID_ARGUMENT",
      `${where}column ${cause.start + 1}${part === "" ? "" : ` (${part})`}: ${cause.message}`,
    );
  }
}

/**
 * What is configured at a path, as lines that `set` takes again, each whole from the top.
 * @throws {GnmiError} INVALID_ARGUMENT, NOT_FOUND
 */
export async function cliItem(
  { management, model, clock }: OperationParts,
  session: Session,
  { prefix, path }: { readonly prefix: GnmiPath | null; readonly path: GnmiPath | null },
): Promise<Sent> {
  const words = wordsOf(prefix, path);
  const line = words.map(({ text }) => text).join(" ");
  const grammar = model.words();
  const place = inLine(line, () => readPlace(grammar, grammar.top, words, 0, { list: "whole" }));
  const select = words.length === 0 ? {} : { select: { paths: [dataPath(place)] } };
  const { text } = must(await management.get(session, "running", { format: "json", ...select }));
  const document: unknown = text.trim() === "" ? {} : JSON.parse(text);
  const from: Place = words.length === 0 ? [] : place;
  const value = valueAt(document, from);
  if (value === undefined) throw new GnmiError("NOT_FOUND", `${line}: there is no data`);
  const slice = new Slice(clock);
  const lines: string[] = [];
  for (const one of eachWordLine(grammar, grammar.top, from, value)) {
    lines.push(`set ${one}\n`);
    const pause = slice.pause();
    if (pause !== undefined) await pause;
  }
  const elems = joined(prefix, path).elem.map(({ name }) => fieldOctets(3, fieldOctets(1, Buffer.from(name))));
  const octets = [fieldOctets(1, ...elems), fieldOctets(3, fieldOctets(12, Buffer.from(lines.join(""))))];
  return { isDelete: false, octets: Buffer.concat(octets), duplicates: 0 };
}

/**
 * The steps of lines of `set` and `delete`, in their order; empty lines and those that begin with `#` say nothing.
 * @throws {GnmiError} INVALID_ARGUMENT with line and column
 */
export async function cliSteps(
  { model, clock }: Pick<OperationParts, "model" | "clock">,
  path: GnmiPath | null,
  value: TypedValue | null,
): Promise<readonly EditStep[]> {
  if ((path?.elem ?? []).length > 0) {
    throw new GnmiError("INVALID_ARGUMENT", "a path of origin cli is empty in Set: the lines say where");
  }
  if (value?.value !== "ascii_val") throw new GnmiError("INVALID_ARGUMENT", "origin cli takes its lines as ascii_val");
  const lines = value.ascii_val.split("\n");
  if (lines.length > MOST_LINES) {
    throw new GnmiError("INVALID_ARGUMENT", `${lines.length} lines; ${MOST_LINES} is the most`);
  }
  const grammar = model.words();
  const slice = new Slice(clock);
  const steps: EditStep[] = [];
  for (const [i, line] of lines.entries()) {
    steps.push(...inLine(line, () => stepsOf(grammar, line), i + 1));
    const pause = slice.pause();
    if (pause !== undefined) await pause;
  }
  return steps;
}

/** Work that gives way to others. */
class Slice {
  readonly #clock: Clock;
  #started: number;
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#started = clock.monotonic();
  }

  /** Nothing to wait for most of the time. */
  pause(): Promise<void> | undefined {
    if (++this.#count % LINES_PER_LOOK !== 0 || this.#clock.monotonic() - this.#started < SLICE) return undefined;
    return new Promise((resolve) => {
      this.#clock.soon(() => {
        this.#started = this.#clock.monotonic();
        resolve();
      });
    });
  }
}

function stepsOf(grammar: Model, line: string): readonly EditStep[] {
  const words = splitWords(line);
  const [command] = words;
  if (command === undefined) return [];
  switch (command.text) {
    case "set":
      return readAssignments(grammar, grammar.top, words, 1).map(({ step: { path, text, value } }) => {
        if (text !== undefined) return { operation: "merge", path, text };
        return { operation: "merge", path, value: JSON.stringify(value) };
      });
    case "delete":
      return [{ operation: "delete", path: readDeletion(grammar, grammar.top, words, 1).step.path }];
    default:
      throw new LineFault("a line begins with set or delete: committing is what Set itself does", command);
  }
}
