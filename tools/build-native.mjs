// Compiles native/*.cc into build/semrd.node. Works on Node 18 and needs neither node-gyp nor Node's own headers.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BuildError, digest, inParallel, produce, run, sourcesDigest } from "./build-steps.mjs";

const COMPILER = process.env.CXX ?? "g++";
const LIBRARIES = [
  { name: "libbpf", debianPackage: "libbpf-dev" },
  { name: "libyang", debianPackage: "libyang2-dev (libyang-dev on newer releases)" },
];
const FLAGS = [
  "-std=c++20",
  "-O2",
  "-g1",
  "-fPIC",
  "-fvisibility=hidden",
  "-Wall",
  "-Wextra",
  "-Wno-missing-field-initializers", // options of libbpf are given by name, the rest is zero
  "-DNAPI_VERSION=9",
  "-DNODE_ADDON_API_CPP_EXCEPTIONS",
  "-DNODE_ADDON_API_CPP_EXCEPTIONS_ALL",
  "-DNODE_ADDON_API_DISABLE_DEPRECATED",
];

async function describeLibrary({ name, debianPackage }) {
  try {
    const version = (await run("pkg-config", ["--modversion", name], "pkg-config")).trim();
    const words = async (what) =>
      (await run("pkg-config", [what, name], "pkg-config")).trim().split(/\s+/).filter(Boolean);
    return { name, version, compile: await words("--cflags"), link: await words("--libs") };
  } catch (cause) {
    if (cause.message.includes("is missing")) throw cause;
    throw new BuildError(`the headers of ${name} are missing: apt-get install ${debianPackage}`);
  }
}

/** Below `root`: flags name no folder of this machine, so that a copy of the tree with its objects is up to date. */
function nodeApiFolders(root) {
  const folders = ["node-addon-api", "node-api-headers"].map((name) => join("node_modules", name));
  for (const folder of folders)
    if (!existsSync(join(root, folder))) throw new BuildError(`${join(root, folder)} is missing: run npm ci`);
  return folders;
}

/** An object with nothing but the digest of the sources, so that no other is compiled again because of it. */
async function sourcesObject(root, name) {
  const output = join(root, "build", "obj", "sources.o");
  const text = `namespace semrd { extern const char kSources[] = "${name}"; }\n`;
  const inputs = digest([text], []);
  await produce(output, inputs, async (temporary) => {
    const source = `${temporary}.cc`;
    try {
      writeFileSync(source, text);
      await run(COMPILER, ["-fPIC", "-fvisibility=hidden", "-c", source, "-o", temporary], "g++");
    } finally {
      rmSync(source, { force: true });
    }
  });
  return { output, inputs };
}

/**
 * Brings build/semrd.node up to date. Resolves to true when anything was compiled.
 *
 * @throws {BuildError} with the compiler's words, or with the Debian package that is missing.
 */
export async function buildNative({ root, log }) {
  const folders = nodeApiFolders(root);
  const libraries = [];
  for (const library of LIBRARIES) libraries.push(await describeLibrary(library));
  const yang = libraries.find(({ name }) => name === "libyang");
  const includes = [`-isystem${folders[0]}`, `-isystem${join(folders[1], "include")}`];
  const flags = [
    ...FLAGS,
    `-DSEMRD_LIBYANG_VERSION="${yang.version}"`,
    ...includes,
    ...libraries.flatMap(({ compile }) => compile),
  ];
  const compilerVersion = await run(COMPILER, ["--version"], "g++");
  const versions = libraries.map(({ name, version }) => `${name} ${version}`);
  for (const folder of folders)
    versions.push(JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")).version);

  const sourceFolder = join(root, "native");
  const files = readdirSync(sourceFolder).sort();
  const headers = files.filter((file) => file.endsWith(".h")).map((file) => join(sourceFolder, file));
  const shared = digest([COMPILER, compilerVersion, ...flags, ...versions], headers);
  const sources = files.filter((file) => file.endsWith(".cc")).map((file) => join(sourceFolder, file));
  // Before anything is compiled: what changes meanwhile is not in it.
  const name = sourcesDigest([...sources, ...headers].sort());
  const objects = sources.map((source) => ({
    name: basename(source),
    source,
    output: join(root, "build", "obj", basename(source).replace(/\.cc$/, ".o")),
    inputs: digest([shared], [source]),
  }));

  await inParallel(
    2,
    objects.map(
      ({ name, source, output, inputs }) =>
        () =>
          produce(output, inputs, async (temporary) => {
            log(`compiling native/${name}`);
            await run(COMPILER, [...flags, "-c", source, "-o", temporary], "g++", root);
          }),
    ),
  );
  objects.push(await sourcesObject(root, name));
  const link = libraries.flatMap((library) => library.link);
  return produce(
    join(root, "build", "semrd.node"),
    digest([...link, ...objects.map(({ inputs }) => inputs)], []),
    (temporary) => {
      log("linking build/semrd.node");
      return run(
        COMPILER,
        ["-shared", "-pthread", "-o", temporary, ...objects.map(({ output }) => output), ...link],
        "g++",
      );
    },
  );
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  try {
    const changed = await buildNative({ root, log: (line) => console.log(line) });
    console.log(changed ? "build/semrd.node is ready" : "build/semrd.node is up to date");
  } catch (cause) {
    if (!(cause instanceof BuildError)) throw cause;
    console.error(cause.message);
    process.exitCode = 1;
  }
}
