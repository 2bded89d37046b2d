import { readFile, writeFile } from "node:fs/promises";
import { LineFault, nearest, type Word } from "../../words/index.ts";
import { LOAD_WORDS } from "./commands.ts";

const OPERATIONS = { merge: "merge", override: "replace" } as const;

/** `load merge FILE`. @throws {LineFault} */
export function readLoadWords(words: readonly Word[]): {
  readonly operation: "merge" | "replace";
  readonly file: Word;
} {
  const [command, how, file, extra] = words;
  const names = LOAD_WORDS.map(({ name }) => name);
  if (how === undefined) throw new LineFault(`${names.join(" or ")} is expected next`, command!);
  const name = names.find((one) => one === how.text);
  if (name === undefined) {
    const near = nearest(how.text, names);
    const advice = near === undefined ? names.join(" or ") : `is ${near} meant?`;
    throw new LineFault(`load knows no ${JSON.stringify(how.text)}: ${advice}`, how);
  }
  if (file === undefined) throw new LineFault("the name of a file is expected next", how);
  if (extra !== undefined) throw new LineFault("nothing is expected behind the name of a file", extra);
  return { operation: OPERATIONS[name], file };
}

/** `save FILE`. @throws {LineFault} */
export function readSaveWords([command, file, extra]: readonly Word[]): Word {
  if (file === undefined) throw new LineFault("the name of a file is expected next", command!);
  if (extra !== undefined) throw new LineFault("nothing is expected behind the name of a file", extra);
  return file;
}

/** What stands in a file of this host. @throws {LineFault} where it cannot be read */
export function textOfFile(file: Word): Promise<string> {
  return readFile(file.text, "utf8").catch((cause: unknown) => {
    throw new LineFault(`${file.text} cannot be read: ${reasonOf(cause)}`, file);
  });
}

/** A document as JSON, in place of what was there; a file that is new is for its owner alone. @throws {LineFault} where it cannot be written */
export async function writeToFile(file: Word, document: unknown): Promise<void> {
  await writeFile(file.text, `${JSON.stringify(document, undefined, 2)}\n`, { mode: 0o600 }).catch((cause: unknown) => {
    throw new LineFault(`${file.text} cannot be written: ${reasonOf(cause)}`, file);
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "that is not allowed",
  EISDIR: "it is a folder",
  ENOSPC: "there is no room",
};

function reasonOf(cause: unknown): string {
  const { code = "", message } = cause as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}
