// What V8 makes of the sources is kept, so that neither types nor syntax are read again by each process that starts: a
// router starts in 0.7 s of CPU time instead of 1.5 s. Plain JavaScript for Node 18.

import { chmodSync, lstatSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { projectNode } from "./node-packages.mjs";
import { SetupError } from "./progress.mjs";
import { run } from "./run.mjs";

/**
 * Environment of processes that keep it, and find it: by paths below `root`, so that it is the same where the tree is mounted
 * elsewhere, as in a node of a lab, which can read it only.
 */
export const compileCache = (root) => ({
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? path.join(root, "build", "compile-cache"),
  NODE_COMPILE_CACHE_PORTABLE: process.env.NODE_COMPILE_CACHE_PORTABLE ?? "1",
});

/** One for each set of options of V8 and user: semrd, semrctl, tests with options of their own. */
const MOST_FOLDERS = 6;
/** One for each file that ever was, three times as many as there are. */
const MOST_ENTRIES = 6_000;
/** What others than the owner may do to a folder whose content is run: nothing. */
const WRITABLE_BY_OTHERS = 0o022;

/**
 * Takes away what no process of `version` reads, what there is too much of, and folders of other people: whoever writes there decides
 * what those run who read it.
 *
 * @param version of Node, as it says it: `v24.1.0`
 */
export function tidyCompileCache(folder, version) {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  // Who may not write there cannot put anything there, either.
  if (found === undefined || (found.uid !== process.getuid() && process.getuid() !== 0)) return;
  const remove = (name) => rmSync(path.join(folder, name), { recursive: true, force: true });
  const kept = [];
  for (const name of readdirSync(folder)) {
    const at = path.join(folder, name);
    const about = lstatSync(at);
    const isOurs = about.isDirectory() && name.startsWith(`${version}-`) && name.endsWith(`-${about.uid}`);
    if (!isOurs || readdirSync(at).length > MOST_ENTRIES) remove(name);
    else kept.push({ name, mtimeMs: about.mtimeMs });
  }
  kept.sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { name } of kept.splice(MOST_FOLDERS)) remove(name);
  for (const at of [folder, ...kept.map(({ name }) => path.join(folder, name))]) {
    const { mode } = lstatSync(at);
    if (mode & WRITABLE_BY_OTHERS) chmodSync(at, mode & 0o7777 & ~WRITABLE_BY_OTHERS);
  }
}

/** Every command of semrctl is a module that only this command reads. */
function modulesOf(folder) {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && name !== "main.ts")
    .sort()
    .map((name) => pathToFileURL(path.join(folder, name)).href);
}

/** Puts there what the router and its command line consist of; what is there already is only looked at. @throws {SetupError} */
export async function compileSources(root) {
  const env = compileCache(root);
  // What somebody has chosen is theirs.
  if (process.env.NODE_COMPILE_CACHE === undefined) {
    const { code, output } = await run(projectNode(root), ["--version"]);
    if (code === 0) tidyCompileCache(env.NODE_COMPILE_CACHE, output.trim());
  }
  const umask = process.umask();
  process.umask(umask | WRITABLE_BY_OTHERS);
  try {
    await fill(root, env);
  } finally {
    process.umask(umask);
  }
}

async function fill(root, env) {
  const imports = modulesOf(path.join(root, "src", "cli")).map((url) => `import ${JSON.stringify(url)};`);
  const commands = [
    // Through its own command: what is kept depends on the options of V8.
    [path.join(root, "tools", "semrd"), ["--version"]],
    [projectNode(root), ["--input-type=module", "--eval", imports.join("\n")]],
  ];
  await Promise.all(
    commands.map(async ([command, args]) => {
      const done = await run(command, args, { env });
      if (done.code !== 0)
        throw new SetupError(`${path.relative(root, command)} cannot read the sources`, undefined, done.output);
    }),
  );
}
