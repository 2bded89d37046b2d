// What the two builds share: running a compiler, and knowing whether its result is still good. Plain JavaScript for
// Node 18, because this runs before anything is installed.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname } from "node:path";

/** Headers of the C library for this architecture, where clang's BPF target does not look by itself. */
export const MULTIARCH = `${{ x64: "x86_64", arm64: "aarch64" }[process.arch] ?? process.arch}-linux-gnu`;

/** A failed build; the message is for the person who builds. */
export class BuildError extends Error {}

/**
 * Runs a program, in `cwd` where that is given, and resolves to what it wrote to standard output.
 *
 * @throws {BuildError} with its standard error when it fails, or naming `debianPackage` when it is not installed.
 */
export function run(program, args, debianPackage, cwd) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.on("data", (text) => {
      out += text;
    });
    child.stderr.on("data", (text) => {
      err += text;
    });
    child.on("error", (cause) => {
      const missing = cause.code === "ENOENT";
      reject(new BuildError(missing ? `${program} is missing: apt-get install ${debianPackage}` : cause.message));
    });
    child.on("close", (code) => {
      if (code === 0) resolve(out);
      else reject(new BuildError(`${program} ${args.join(" ")}\nfailed with ${code}\n${err}`));
    });
  });
}

/** SHA-256 over texts and the contents of files. */
export function digest(texts, files) {
  const hash = createHash("sha256");
  for (const text of texts) hash.update(`${text}\0`);
  for (const file of files) hash.update(readFileSync(file)).update("\0");
  return hash.digest("hex");
}

/**
 * What is kept with a result to say which sources it is of: SHA-256 over the names and contents of `files`, in order.
 * native/made-from.ts computes the same when the result is loaded.
 */
export function sourcesDigest(files) {
  return digest(
    files.map((file) => basename(file)),
    files,
  );
}

/**
 * Makes `output` with `make(temporaryPath)` unless it is there and its stamp says that it was made from `inputs`.
 * The result appears under its name only when complete, so that builds side by side do no harm.
 */
export async function produce(output, inputs, make) {
  const stamp = `${output}.stamp`;
  if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === inputs) return false;
  mkdirSync(dirname(output), { recursive: true });
  const temporary = `${output}.${process.pid}`;
  try {
    await make(temporary);
    renameSync(temporary, output);
    writeFileSync(`${stamp}.${process.pid}`, inputs);
    renameSync(`${stamp}.${process.pid}`, stamp);
  } finally {
    rmSync(temporary, { force: true });
  }
  return true;
}

/** Runs `jobs` with at most `width` at a time; after a failure no further one begins. */
export async function inParallel(width, jobs) {
  const waiting = [...jobs];
  let failed = false;
  const lane = async () => {
    for (let job = waiting.shift(); job !== undefined && !failed; job = waiting.shift()) {
      try {
        await job();
      } catch (cause) {
        failed = true;
        throw cause;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: width }, lane));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) throw failure.reason;
}
