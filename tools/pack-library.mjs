// Packs the control plane as a library: what the package's exports need, compiled, and nothing else.
//
//     node tools/pack-library.mjs [folder]        prints the tarball's path
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/g;

const settings = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8"));
const into = path.resolve(process.argv[2] ?? path.join(ROOT, "dist"));
const work = mkdtempSync(path.join(tmpdir(), "semrd-library-"));

try {
  const built = path.join(work, "built");
  const tsc = path.join(ROOT, "node_modules/.bin/tsc");
  execFileSync(tsc, ["-p", path.join(ROOT, "tsconfig.library.json"), "--outDir", path.join(built, "dist")], {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
  });
  console.log(pack(built));
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** The tarball of what can be reached from the exports. @param {string} built where `dist` is */
function pack(built) {
  const { files, packages } = reach(
    built,
    Object.values(settings.exports).flatMap(({ types, default: code }) => [types, code]),
  );
  const staged = path.join(work, "package");
  for (const file of files) {
    mkdirSync(path.dirname(path.join(staged, file)), { recursive: true });
    copyFileSync(path.join(built, file), path.join(staged, file));
  }
  for (const [from, to] of [
    ["LICENSE", "LICENSE"],
    ["lab/library/README.md", "README.md"],
    ["lab/library/print-routes.mjs", "print-routes.mjs"],
  ])
    copyFileSync(path.join(ROOT, from), path.join(staged, to));
  const { name, version, description, license, type, exports } = settings;
  const peers = [...packages].map((wanted) => [wanted, settings.dependencies[wanted] ?? missing(wanted)]);
  const own = {
    name,
    version,
    description,
    license,
    type,
    // Of the compiled code; what the repository says is what its setup can begin with.
    engines: { node: ">=24" },
    exports,
    peerDependencies: Object.fromEntries(peers),
  };
  writeFileSync(path.join(staged, "package.json"), `${JSON.stringify(own, undefined, 2)}\n`);
  mkdirSync(into, { recursive: true });
  const [packed] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--pack-destination", into], { cwd: staged, encoding: "utf8" }),
  );
  return path.join(into, packed.filename);
}

/** Files below `built` that these lead to, and packages of others that their code imports. */
function reach(built, entries) {
  const files = new Set();
  const packages = new Set();
  const left = entries.map((entry) => path.normalize(entry));
  for (let file = left.pop(); file !== undefined; file = left.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    const isTypes = file.endsWith(".d.ts");
    for (const [, wanted] of readFileSync(path.join(built, file), "utf8").matchAll(IMPORT)) {
      if (wanted.startsWith("node:")) continue;
      if (!wanted.startsWith("."))
        packages.add(
          wanted
            .split("/")
            .slice(0, wanted.startsWith("@") ? 2 : 1)
            .join("/"),
        );
      else {
        const found = path.join(path.dirname(file), wanted);
        left.push(isTypes ? found.replace(/\.[jt]s$/, ".d.ts") : found.replace(/\.ts$/, ".js"));
      }
    }
    const types = file.replace(/\.js$/, ".d.ts");
    if (!isTypes && existsSync(path.join(built, types))) left.push(types);
  }
  return { files, packages };
}

/** @returns {never} */
function missing(wanted) {
  throw new Error(`the library imports ${wanted}, which is no dependency of package.json`);
}
