import {
  dataPath,
  LineFault,
  type Model,
  readAssignments,
  readDeletion,
  readPlace,
  type Word,
  type WordedStep,
  wordsOf,
} from "../words/index.ts";
import { CommandFailure, EXIT } from "./exit.ts";

type Step = WordedStep["step"];

/** Data paths are the router's to read; so only words need the model. */
const isDataPath = (words: readonly string[], most: number): boolean =>
  words[0]!.startsWith("/") && words.length <= most;

export async function pathOf(words: readonly string[], open: () => Promise<Model>): Promise<string> {
  if (isDataPath(words, 1)) return words[0]!;
  const model = await open();
  return read(words, (all) => dataPath(readPlace(model, model.top, all, 0, { list: "whole" })));
}

export async function assignments(words: readonly string[], open: () => Promise<Model>): Promise<readonly Step[]> {
  if (words.length === 2 && isDataPath(words, 2)) return [{ operation: "merge", path: words[0]!, text: words[1]! }];
  const model = await open();
  return read(words, (all) => readAssignments(model, model.top, all, 0).map(({ step }) => step));
}

export async function deletion(words: readonly string[], open: () => Promise<Model>): Promise<readonly Step[]> {
  if (isDataPath(words, 1)) return [{ operation: "delete", path: words[0]! }];
  const model = await open();
  return read(words, (all) => [readDeletion(model, model.top, all, 0).step]);
}

/** The shell has split the words already; faults show them in one line. */
function read<T>(texts: readonly string[], run: (words: readonly Word[]) => T): T {
  try {
    return run(wordsOf(texts));
  } catch (error) {
    if (!(error instanceof LineFault)) throw error;
    const pointer = " ".repeat(error.start) + "^".repeat(Math.max(1, error.end - error.start));
    throw new CommandFailure(EXIT.refused, error.message, { details: [texts.join(" "), pointer] });
  }
}
