import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { Native } from "./api.ts";

export type * from "./api.ts";

const ADDON = fileURLToPath(new URL("../build/semrd.node", import.meta.url));

let loaded: Native | undefined;

/**
 * The addon, loaded on the first call.
 *
 * @throws {Error} when it was not built, or was built for another machine; the message says what to run.
 */
export function loadNative(): Native {
  if (loaded !== undefined) return loaded;
  if (!existsSync(ADDON)) throw new Error(`the native addon is missing (${ADDON}): run npm run setup`);
  try {
    loaded = createRequire(import.meta.url)(ADDON) as Native;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the native addon does not load (${reason}): run npm run setup`, { cause });
  }
  return loaded;
}
