/**
 * The matrix driver × case: runs every `<driver>.test.ts` of this folder (or those named as arguments) and prints what became of each
 * case. `--json FILE` writes the same as JSON. Ends with 1 when a case fails or a driver left no result.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { CaseOutcome } from "./case.ts";
import { GROUPS } from "./cases/index.ts";
import { type DriverResults, RESULTS_FOLDER } from "./run.ts";

const SUFFIX = ".test.ts";
const LONGEST_RUN_MS = 300_000;

async function resultsOf(driver: string, folder: string): Promise<DriverResults | string> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(
    process.execPath,
    ["--test", "--test-reporter=spec", join(import.meta.dirname, `${driver}${SUFFIX}`)],
    {
      env: { ...env, [RESULTS_FOLDER]: folder },
      stdio: ["ignore", "pipe", "inherit"],
      timeout: LONGEST_RUN_MS,
    },
  );
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await once(child, "close");
  const file = join(folder, `${driver}.json`);
  if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as DriverResults;
  return /skipped: [^\n]*/.exec(said)?.[0] ?? `no result:\n${said}`;
}

const MARK: Readonly<Record<CaseOutcome["result"], string>> = { ok: "ok", fails: "FAILS", cannot: "cannot" };

function print(drivers: readonly string[], results: ReadonlyMap<string, DriverResults | string>): void {
  const names = GROUPS.flatMap(({ title, cases }) => cases.map(({ name }) => `${title}: ${name}`));
  const width = Math.max(...names.map(({ length }) => length));
  const cell = (driver: string, name: string): string => {
    const its = results.get(driver)!;
    if (typeof its === "string") return "-";
    const outcome = its.cases[name];
    return outcome === undefined ? "not run" : MARK[outcome.result];
  };
  const columns = drivers.map((driver) => Math.max(driver.length, 7));
  console.log([" ".repeat(width), ...drivers.map((driver, i) => driver.padEnd(columns[i]!))].join("  "));
  for (const name of names)
    console.log(
      [name.padEnd(width), ...drivers.map((driver, i) => cell(driver, name).padEnd(columns[i]!))].join("  ").trimEnd(),
    );
  for (const driver of drivers) {
    const its = results.get(driver)!;
    if (typeof its === "string") console.log(`\n${driver}: ${its}`);
    else
      for (const name of names) {
        const outcome = its.cases[name];
        if (outcome !== undefined && outcome.result !== "ok")
          console.log(`\n${driver}, ${name}\n  ${outcome.result}: ${outcome.why.split("\n")[0]}`);
      }
  }
}

const { values, positionals } = parseArgs({ options: { json: { type: "string" } }, allowPositionals: true });
const known = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length));
const drivers = positionals.length > 0 ? positionals : known;
for (const driver of drivers)
  if (!known.includes(driver)) throw new Error(`there is no driver ${driver}: ${known.join(", ")}`);
const folder = mkdtempSync(join(tmpdir(), "semr-suite-"));
const results = new Map<string, DriverResults | string>();
try {
  for (const driver of drivers) results.set(driver, await resultsOf(driver, folder));
} finally {
  rmSync(folder, { recursive: true });
}
print(drivers, results);
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(Object.fromEntries(results), null, 2)}\n`);
const bad = [...results.values()].some(
  (its) =>
    (typeof its === "string" && !its.startsWith("skipped")) ||
    (typeof its !== "string" && Object.values(its.cases).some(({ result }) => result === "fails")),
);
process.exitCode = bad ? 1 : 0;
