import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromHex, toHex } from "../../../src/base/index.ts";
import type { Target } from "./decoders.ts";

const FOLDER = join(import.meta.dirname, "../corpus");
/** Set to anything: inputs that fail are written to the folder. */
const EXTENDS = process.env.SEMRD_EXTEND_CORPUS !== undefined;

/** What was found once: hexadecimal in `corpus/<target>/<name>.hex`, behind `#` why it is there. */
export function corpusOf({ name }: Target): readonly { readonly file: string; readonly octets: Uint8Array }[] {
  const folder = join(FOLDER, name);
  let files: string[];
  try {
    files = readdirSync(folder);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return []; // nothing was found in this decoder so far
    throw cause;
  }
  return files.sort().map((file) => {
    const text = readFileSync(join(folder, file), "utf8").replaceAll(/#.*$/gm, "").replaceAll(/\s/g, "");
    return { file, octets: fromHex(text) };
  });
}

/** Whether the decoder fails on it. */
function failure(target: Target, octets: Uint8Array): unknown {
  try {
    target.run(octets);
    return undefined;
  } catch (cause) {
    return cause;
  }
}

/** A smaller input that fails as well: pieces are left out, then octets made zero, as long as that helps. */
export function minimised(target: Target, failing: Uint8Array): Uint8Array {
  let best = failing;
  for (let size = best.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at + size <= best.length; ) {
      const shorter = Uint8Array.of(...best.subarray(0, at), ...best.subarray(at + size));
      if (failure(target, shorter) === undefined) at += size;
      else best = shorter;
    }
  }
  for (let at = 0; at < best.length; at++) {
    const simpler = best.slice();
    simpler[at] = 0;
    if (failure(target, simpler) !== undefined) best = simpler;
  }
  return best;
}

/** Runs the decoder; what it fails on is made small, kept where that was asked for, and thrown with its octets. */
export function examine(target: Target, octets: Uint8Array, how: string): void {
  const cause = failure(target, octets);
  if (cause === undefined) return;
  const small = minimised(target, octets);
  const hex = toHex(small);
  if (EXTENDS) {
    const folder = join(FOLDER, target.name);
    mkdirSync(folder, { recursive: true });
    const name = createHash("sha256").update(small).digest("hex").slice(0, 12);
    writeFileSync(join(folder, `${name}.hex`), `# ${how}\n${hex}\n`);
  }
  throw new Error(`${target.name}, ${how}: ${hex}`, { cause });
}
