import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize, relative, resolve } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

function files(folders: readonly string[], name: RegExp): string[] {
  return folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && name.test(entry.name))
      .map((entry) => relative(ROOT, join(entry.parentPath, entry.name))),
  );
}

const text = (file: string): string => readFileSync(join(ROOT, file), "utf8");

const OURS = ["src", "native", "dataplane", "yang", "test", "lab", "tools"];
const SOURCES = files(["src"], /\.ts$/);
const CODE = files(OURS, /\.(ts|mjs|mts|cc|h|c|py|sh)$/);

it("finds the files it is about", () => {
  assert.ok(SOURCES.length > 500 && CODE.length > 1000, `${SOURCES.length} sources, ${CODE.length} files`);
});

it("a file holds one concept: look for a second one above 300 lines that are not blank, and find it below these", () => {
  const bounds = [
    { most: 450, files: [...SOURCES, ...files(["native", "dataplane", "lab", "tools"], /\.(ts|mjs|cc|h|c|py)$/)] },
    { most: 650, files: files(["test"], /\.(ts|c)$/) }, // with tables of cases
  ];
  const long = bounds.flatMap(({ most, files }) =>
    files
      .map((file) => ({ file, lines: text(file).match(/^.*\S/gm)?.length ?? 0, most }))
      .filter(({ lines }) => lines > most),
  );
  assert.deepEqual(long, []);
});

it("every folder is told of: in a README of its own, or by name in one above it", () => {
  const folders = new Set(CODE.map((file) => dirname(file)).filter((folder) => !/^(src|yang)$/.test(folder)));
  const read = (folder: string): string | undefined =>
    existsSync(join(ROOT, folder, "README.md")) ? text(`${folder}/README.md`) : undefined;
  const isToldOf = (folder: string, above = dirname(folder)): boolean =>
    above !== "." &&
    (read(above)?.includes(`\`${relative(above, folder)}/`) === true ||
      read(above)?.includes(`${basename(folder)}/`) === true ||
      isToldOf(folder, dirname(above)));
  assert.deepEqual(
    // Folders of tests are told of with those of the sources.
    [...folders].filter((folder) => !/^test\//.test(folder) && read(folder) === undefined && !isToldOf(folder)),
    [],
  );
});

it("the README of a folder fits a screen or two", () => {
  const readmes = files(["src"], /^README\.md$/).map((file) => ({ file, lines: text(file).split("\n").length }));
  assert.ok(readmes.length > 30);
  assert.deepEqual(
    readmes.filter(({ lines }) => lines > 100),
    [],
  );
});

it("nothing is called utils, common, helpers or misc", () => {
  const vague = /(^|\/)(utils?|common|helpers|misc)(\.[a-z.]+)?(\/|$)/;
  assert.deepEqual(
    CODE.filter((file) => vague.test(file)),
    [],
  );
});

it("files of TypeScript are in kebab-case", () => {
  const wrong = files(["src", "native", "test", "lab"], /\.ts$/).filter(
    (file) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*\.ts$/.test(basename(file)),
  );
  assert.deepEqual(wrong, []);
});

it("nothing is left for later", () => {
  const later = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b`);
  assert.deepEqual(
    [...CODE, ...files(OURS, /\.(yang|proto)$/)].filter((file) => ours(file) && later.test(text(file))),
    [],
  );
});

/** Models and protocols of others come unchanged. */
const ours = (file: string): boolean => !/^(yang\/(?!semrd-)|src\/management\/gnmi\/proto\/)/.test(file);

it("no source exports by default, prints, or swallows what it caught", () => {
  const wrong: string[] = [];
  const mayPrint = new Set(["src/main.ts", "src/cli/configure/session.ts"]);
  for (const file of SOURCES) {
    const code = text(file).replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    if (/^export default/m.test(code)) wrong.push(`${file}: default export`);
    if (/\bconsole\.\w+\(/.test(code) && !mayPrint.has(file)) wrong.push(`${file}: console`);
    if (/\bcatch\s*(\([^)]*\)\s*)?\{\s*\}/.test(text(file))) wrong.push(`${file}: an empty catch`);
  }
  assert.deepEqual(wrong, []);
});

/** Every function and class that others reach through the index of a part, as `file: name`, and whether a docstring is before it. */
function* surface(
  file: string,
  names?: ReadonlySet<string>,
): Generator<{ readonly at: string; readonly told: boolean }> {
  const source = text(file);
  const lines = source.split("\n");
  for (const [i, line] of lines.entries()) {
    const [, kind, name = ""] = /^export (?:abstract )?(?:async )?(function\*?|class|const) (\w+)/.exec(line) ?? [];
    const isValue = kind === "const" && !/=\s*(async\s+)?(<|\(.*=>|\w+ =>|\($)/.test(line);
    if (kind === undefined || isValue || names?.has(name) === false) continue;
    yield { at: `${file}: ${name}`, told: /\*\/\s*$/.test(lines[i - 1] ?? "") };
  }
  for (const [, all, type, listed = "", from = ""] of source.matchAll(
    /^export (?:(\*)|(type )?\{([^}]*)\}) from "(\.[^"]+)"/gm,
  )) {
    if (type !== undefined) continue;
    const wanted = listed.split(",").flatMap((each) => /^\s*(?!type )(\w+)/.exec(each)?.[1] ?? []);
    yield* surface(normalize(join(dirname(file), from)), all === undefined ? new Set(wanted) : undefined);
  }
}

it("what a part gives to others says what it does", () => {
  const parts = SOURCES.filter((file) => /^src\/([a-z]+|bgp\/[a-z]+)\/index\.ts$/.test(file));
  const found = new Map<string, boolean>();
  for (const part of parts) for (const { at, told } of surface(part)) found.set(at, told);
  assert.ok(found.size > 250, `${found.size} functions and classes`);
  assert.deepEqual(
    [...found].filter(([, told]) => !told).map(([at]) => at),
    [],
  );
});
