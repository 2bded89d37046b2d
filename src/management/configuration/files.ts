import { constants } from "node:fs";
import { access, open } from "node:fs/promises";
import { authoritiesFault, certificateFault, keyFault, notValidAt, type PairFault } from "../../sockets/index.ts";

/** The files that a configuration is read from and refers to. */
export interface Files {
  /** The whole text. Rejects with Node's own error, or with a `RangeError` for more than `limit` octets. */
  read(path: string, limit: number): Promise<string>;
  /** Rejects with Node's own error unless `path` is a file that this process may read. */
  probe(path: string): Promise<void>;
  /** What keeps a private key, and a certificate with it, from being used; `undefined`: nothing. Rejects as `read` does. */
  pairFault(keyFile: string, certificateFile?: string): Promise<PairFault | undefined>;
  /** What keeps a file of authorities from being believed; `undefined`: nothing. Rejects as `read` does. */
  authoritiesFault(file: string): Promise<string | undefined>;
  /** That a certificate that can be used is not valid at `now`, milliseconds of the calendar. Rejects as `read` does. */
  notValidAt(now: number, certificateFile: string): Promise<string | undefined>;
}

/** More octets than any chain of certificates has. */
const MAX_PEM = 1024 * 1024;

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
  async pairFault(keyFile, certificateFile) {
    const key = await diskFiles.read(keyFile, MAX_PEM);
    if (certificateFile === undefined) return keyFault(key);
    return certificateFault(await diskFiles.read(certificateFile, MAX_PEM), key);
  },
  authoritiesFault: async (file) => authoritiesFault(await diskFiles.read(file, MAX_PEM)),
  notValidAt: async (now, certificateFile) => notValidAt(now, await diskFiles.read(certificateFile, MAX_PEM)),
};
