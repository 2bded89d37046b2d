import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Declared {
  readonly file: string;
  readonly name: string;
}

/** What a package entry exports, and where each is declared. */
function exportsOf(file: string): Declared[] {
  const source = readFileSync(file, "utf8");
  const at = (specifier: string): string => path.resolve(path.dirname(file), specifier);
  const whole = source.matchAll(/^export (?:type )?\* from "([^"]+)"/gm);
  const named = source.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm);
  const own = source.matchAll(/^export (?:abstract )?(?:async )?(?:interface|type|class|const|function\*?) (\w+)/gm);
  return [
    ...[...whole].flatMap(([, from]) => exportsOf(at(from!))),
    ...[...named].flatMap(([, names, from]) => {
      const there = new Map(exportsOf(at(from!)).map((one) => [one.name, one]));
      const wanted = names!.split(",").map(
        (name) =>
          name
            .trim()
            .replace(/^type /, "")
            .split(" as ")[0]!,
      );
      return wanted.flatMap((name) => there.get(name) ?? []);
    }),
    ...[...own].map(([, name]) => ({ file, name: name! })),
  ];
}

function isExplained({ file, name }: Declared): boolean {
  const lines = readFileSync(file, "utf8").split("\n");
  const declared = new RegExp(
    `^export (?:abstract )?(?:async )?(?:interface|type|class|const|function\\*?) ${name}\\b`,
  );
  return lines.some((line, i) => declared.test(line) && lines[i - 1]?.trimEnd().endsWith("*/") === true);
}

it("everything that the packages export says what it is, and nothing is of any type", () => {
  const { exports } = JSON.parse(readFileSync(path.join(ROOT, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, { readonly types: string }>>;
  };
  const all = Object.values(exports).flatMap(({ types }) =>
    exportsOf(path.join(ROOT, types.replace("./dist/", "").replace(/\.d\.ts$/, ".ts"))),
  );
  assert.ok(all.length > 300, `${all.length} exports were found`);
  const silent = all
    .filter((one) => !isExplained(one))
    .map(({ file, name }) => `${path.relative(ROOT, file)}: ${name}`);
  assert.deepEqual([...new Set(silent)], []);
  const loose = [...new Set(all.map(({ file }) => file))].filter((file) =>
    /(?::|<|\bas|=) any\b(?![^\n]*\*\/)/.test(readFileSync(file, "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "")),
  );
  assert.deepEqual(loose, []);
});
