import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TABLE = readFileSync(path.join(ROOT, "test/requirements.md"), "utf8");
const REQUIREMENTS = 148;

const placeOf = (written: string): string => {
  const topology = path.join(ROOT, written);
  return written.startsWith("lab/") && existsSync(topology) ? topology : path.join(ROOT, "test", written);
};

/** All text of a file, or of the files of a folder. */
function textOf(place: string): string {
  if (!statSync(place).isDirectory()) return readFileSync(place, "utf8");
  return readdirSync(place, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(path.join(place, file), "utf8"))
    .join("\n");
}

it("each test that is said to show a requirement is there", () => {
  const rows = TABLE.split("\n").filter((line) => /^\| R\d/.test(line));
  assert.ok(rows.length > 60, `${rows.length} rows`);
  for (const row of rows) {
    let place: string | undefined;
    for (const [, written, title] of row.matchAll(/`([a-z]+\/[\w./-]+)`|"([^"]+)"/g)) {
      if (written !== undefined) {
        place = placeOf(written);
        assert.ok(existsSync(place), `${written} is not there: ${row}`);
      } else {
        assert.ok(place !== undefined, `a name in front of its file: ${row}`);
        assert.ok(textOf(place).includes(title!), `no test "${title}" in ${path.relative(ROOT, place)}`);
      }
    }
  }
});

it("each requirement is in a table, or said not to be there", () => {
  const numbers = new Set<number>();
  for (const [, from, to] of TABLE.matchAll(/\bR(\d+)(?: to R(\d+))?/g))
    for (let n = Number(from); n <= Number(to ?? from); n++) numbers.add(n);
  const forgotten = Array.from({ length: REQUIREMENTS }, (_, at) => at + 1).filter((n) => !numbers.has(n));
  assert.deepEqual(forgotten, []);
});
