// Compiles dataplane/*.bpf.c into build/dataplane/*.bpf.o. Works on Node 18.
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BuildError, digest, inParallel, MULTIARCH, produce, run, sourcesDigest } from "./build-steps.mjs";

const COMPILER = process.env.CLANG ?? "clang";
const STRIP = process.env.LLVM_STRIP ?? "llvm-strip";
// v3 (kernel 5.1) has 32-bit jumps; -g because libbpf needs the types (BTF), which the strip below keeps.
const FLAGS = ["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror", `-I/usr/include/${MULTIARCH}`];

/**
 * Compiles one BPF source, leaving types but no debug information in the object.
 *
 * @throws {BuildError} with the compiler's words, or with the Debian package that is missing.
 */
export async function compileBpf(source, output) {
  if (!existsSync("/usr/include/bpf/bpf_helpers.h"))
    throw new BuildError("bpf/bpf_helpers.h is missing: apt-get install libbpf-dev");
  await run(COMPILER, [...FLAGS, "-c", source, "-o", output], "clang");
  await run(STRIP, ["-g", output], "llvm");
}

/** Brings build/dataplane up to date with `root`/dataplane. Resolves to true when anything was compiled. */
export async function buildDataplane({ root, log }) {
  const folder = join(root, "dataplane");
  const files = readdirSync(folder).sort();
  const headers = files.filter((file) => file.endsWith(".h")).map((file) => join(folder, file));
  // The last word is what is made besides the object.
  const shared = digest([COMPILER, await run(COMPILER, ["--version"], "clang"), ...FLAGS, "sources"], headers);
  let changed = false;
  await inParallel(
    2,
    files
      .filter((file) => file.endsWith(".bpf.c"))
      .map((file) => async () => {
        const source = join(folder, file);
        const output = join(root, "build", "dataplane", `${basename(file, ".c")}.o`);
        const name = sourcesDigest([source, ...headers].sort());
        const made = await produce(output, digest([shared], [source]), async (temporary) => {
          log(`compiling dataplane/${file}`);
          await compileBpf(source, temporary);
          writeFileSync(`${output}.sources`, name);
        });
        changed ||= made;
      }),
  );
  return changed;
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  try {
    const changed = await buildDataplane({ root, log: (line) => console.log(line) });
    console.log(changed ? "build/dataplane is ready" : "build/dataplane is up to date");
  } catch (cause) {
    if (!(cause instanceof BuildError)) throw cause;
    console.error(cause.message);
    process.exitCode = 1;
  }
}
