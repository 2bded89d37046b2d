import { constants } from "node:fs";
import { access, open } from "node:fs/promises";

/** The files that a configuration is read from and refers to. */
export interface Files {
  /** The whole text. Rejects with Node's own error, or with a `RangeError` for more than `limit` octets. */
  read(path: string, limit: number): Promise<string>;
  /** Rejects with Node's own error unless `path` is a file that this process may read. */
  probe(path: string): Promise<void>;
}

/** A byte order mark, which some editors write, is not part of the text. @see RFC 8259 §8.1 */
export const withoutMark = (text: string): string => (text.startsWith("\ufeff") ? text.slice(1) : text);

export const diskFiles: Files = {
  async read(path, limit) {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size > limit) throw new RangeError(`${size} octets are more than the ${limit} that are allowed`);
    return withoutMark(await file.readFile("utf8"));
  },
  async probe(path) {
    await access(path, constants.R_OK);
    await using file = await open(path, "r");
    if ((await file.stat()).isDirectory()) throw Object.assign(new Error("is a directory"), { code: "EISDIR" });
  },
};
