import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Native } from "./api.ts";
import { BuildMismatch, sourcesDigest } from "./made-from.ts";

export type * from "./api.ts";
export { BuildMismatch } from "./made-from.ts";

const ADDON = fileURLToPath(new URL("../build/semrd.node", import.meta.url));
const SOURCES = fileURLToPath(new URL(".", import.meta.url));
const PASS_SOURCES = fileURLToPath(new URL("../dataplane", import.meta.url));

let loaded: Native | undefined;

/**
 * The addon, loaded on the first call.
 *
 * @throws {BuildMismatch} when it was not built, or for another machine, or from other sources than those beside it.
 */
export function loadNative(): Native {
  loaded ??= openAddon(ADDON, SOURCES);
  return loaded;
}

/**
 * Loads `addon`. Where `sources` is its folder of sources, it has to be of these: an older one would do what they do not
 * say, without a word.
 *
 * @throws {BuildMismatch}
 */
export function openAddon(addon: string, sources: string): Native {
  if (!existsSync(addon)) throw new BuildMismatch("build.missing", `the native addon is missing (${addon})`);
  let native: Native;
  try {
    native = createRequire(import.meta.url)(addon) as Native;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new BuildMismatch("build.unloadable", `the native addon does not load (${reason})`, { cause });
  }
  const digest = sourcesDigest(sources, (name) => /\.(cc|h)$/.test(name));
  if (digest === undefined || digest === native.sources) return native;
  throw new BuildMismatch("build.stale", `the addon was built from other sources than those in ${sources} (${addon})`);
}

/**
 * Looks whether a compiled pass is there and of the sources that are, as `openAddon` does; one that came without a word on
 * its sources is somebody's own.
 *
 * @throws {BuildMismatch}
 */
export function requirePassObject(objectPath: string, sources = PASS_SOURCES): void {
  if (!existsSync(objectPath)) throw new BuildMismatch("build.missing", `the compiled pass is missing (${objectPath})`);
  const says = `${objectPath}.sources`;
  if (!existsSync(says)) return;
  const source = `${path.basename(objectPath, ".o")}.c`;
  const digest = sourcesDigest(sources, (name) => name.endsWith(".h") || name === source);
  if (digest === undefined || digest === readFileSync(says, "utf8")) return;
  throw new BuildMismatch(
    "build.stale",
    `the compiled pass was built from other sources than those in ${sources} (${objectPath})`,
  );
}
