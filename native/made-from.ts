import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** The addon, or a compiled pass, is not there, does not load, or is not of the sources beside it. */
export class BuildMismatch extends Error {
  readonly code: "build.missing" | "build.unloadable" | "build.stale";

  constructor(code: BuildMismatch["code"], what: string, options?: ErrorOptions) {
    super(`${what}: run npm run setup`, options);
    this.name = "BuildMismatch";
    this.code = code;
  }
}

/**
 * What tools/build-steps.mjs says of the same files: SHA-256, in hex, over the names and contents of those in `folder` that
 * `isSource` takes. `undefined` where there are none: in a package that was installed without sources.
 */
export function sourcesDigest(folder: string, isSource: (name: string) => boolean): string | undefined {
  if (!existsSync(folder)) return undefined;
  const names = readdirSync(folder).filter(isSource).sort();
  if (names.length === 0) return undefined;
  const hash = createHash("sha256");
  for (const name of names) hash.update(`${name}\0`);
  for (const name of names) hash.update(readFileSync(path.join(folder, name))).update("\0");
  return hash.digest("hex");
}
