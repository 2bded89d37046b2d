/** npm run bench:bgp. See README.md. */
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { DAEMONS, type Daemon, SEMRD } from "./daemons.ts";
import { buildGenerator, type Run, runScenario, setUpNetwork } from "./harness.ts";
import { CAPABILITY_TWINS, OWN_PARTS, type Part, partsOf, scenariosOf } from "./rows.ts";

const HELP = `npm run bench:bgp -- [options]

Loads a BGP router with routes and prints what it costs, semrd beside the routers that are installed.
Needs root (network namespaces) and a C compiler.

  --quick         50 000 routes; a minute
  --routes N      routes of a sender (default 200000; the bars are stated for 1000000)
  --only NAME     of the routers: ${DAEMONS.map(({ name }) => name).join(", ")}; may be repeated
  --scenario NAME one, four, ten, own, capability, capability-four, turns, capability-turns; may be repeated
  --times N       all of it so often, and medians, of ratios those of each round (default 1)
  --json          figures as JSON
  --help
`;
const MARK = "SEMRD_BENCH_ISOLATED";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    routes: { type: "string" },
    only: { type: "string", multiple: true },
    scenario: { type: "string", multiple: true },
    times: { type: "string", default: "1" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (process.env[MARK] === undefined) {
  if (process.getuid?.() !== 0) {
    console.error("the bench needs root: it makes network namespaces");
    process.exit(1);
  }
  // A network and mounts of its own: whatever happens, nothing is left behind.
  const words = ["--net", "--mount", process.execPath, import.meta.filename, ...process.argv.slice(2)];
  const inside = spawnSync("unshare", words, { stdio: "inherit", env: { ...process.env, [MARK]: "1" } });
  process.exit(inside.status ?? 1);
}

const routes = Number(values.routes ?? (values.quick ? 50_000 : 200_000));
if (!Number.isInteger(routes) || routes < 1000 || routes > 4_000_000) {
  console.error("--routes: a number from 1000 to 4000000");
  process.exit(1);
}
const times = Number(values.times);
if (!Number.isInteger(times) || times < 1 || times > 99) {
  console.error("--times: a number from 1 to 99");
  process.exit(1);
}
const sizes = { routes, own: Math.min(routes, 100_000) };
const scenarios = scenariosOf(sizes);
const parts = [...partsOf(sizes), ...OWN_PARTS];
const chosen = new Set(values.scenario ?? Object.keys(scenarios));
const daemons = DAEMONS.filter(({ name }) => values.only === undefined || values.only.includes(name));

buildGenerator();
setUpNetwork();

// So that compiled sources are there, as they are wherever semrd has run before.
await runScenario(SEMRD, { ...scenarios.one!, routes: 1000, sets: 125, commands: ["load"] });

/** Figures by scenario and router; a text says why there are none. */
type Round = ReadonlyMap<string, ReadonlyMap<string, Run | string>>;

const names = daemons.map(({ name }) => name);
const rounds: Round[] = [];
for (let i = 0; i < times; i++) rounds.push(await round());

async function round(): Promise<Round> {
  const runs = new Map<string, Map<string, Run | string>>();
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (!chosen.has(name)) continue;
    const isOwn = scenario.family === "capability" || scenario.turns === true;
    const ofScenario = new Map<string, Run | string>();
    runs.set(name, ofScenario);
    for (const daemon of isOwn ? [SEMRD] : daemons) ofScenario.set(daemon.name, await attempt(daemon, name));
  }
  return runs;
}

async function attempt(daemon: Daemon, name: string): Promise<Run | string> {
  const skipped = daemon.skipped();
  if (skipped !== undefined) return `skipped: ${skipped}`;
  const began = performance.now();
  try {
    return await runScenario(daemon, scenarios[name]!);
  } catch (cause) {
    return `failed: ${cause instanceof Error ? cause.message : cause}`;
  } finally {
    console.error(`${daemon.name}, ${name}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
}

function figureIn(runs: Round, part: Part, daemon: string, scenario = part.scenario): number | undefined {
  const run = runs.get(scenario)?.get(daemon);
  const one = runs.get(scenario === part.scenario ? "one" : "capability")?.get(daemon);
  if (run === undefined || typeof run === "string") return undefined;
  return part.figure(run, typeof one === "string" ? undefined : one);
}

/** Of what rounds have; `undefined` where none has anything. */
function median(of: (runs: Round) => number | undefined): number | undefined {
  const sorted = rounds.flatMap((runs) => of(runs) ?? []).toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]
    : sorted.length === 0
      ? undefined
      : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const figureOf = (part: Part, daemon: string, scenario?: string): number | undefined =>
  median((runs) => figureIn(runs, part, daemon, scenario));

const quotient = (own: number | undefined, other: number | undefined): number | undefined =>
  own === undefined || other === undefined || other === 0 ? undefined : own / other;

/** How the figure of semrd stands to what is asked: at most 1 is reached. */
function ratio(part: Part): number | undefined {
  const { bar } = part;
  if (bar === undefined) return undefined;
  if ("most" in bar) return quotient(figureOf(part, SEMRD.name), bar.most);
  return median((runs) =>
    quotient(figureIn(runs, part, SEMRD.name), bar.ofBird * (figureIn(runs, part, "BIRD 2") ?? 0)),
  );
}

function text(value: number | undefined): string {
  if (value === undefined) return "–";
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function barText({ bar }: Part): string {
  if (bar === undefined) return "";
  return "most" in bar ? `≤ ${bar.most}` : `≤ ${bar.ofBird} × BIRD`;
}

function table(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const laid = lines.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`);
  laid.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return laid.join("\n");
}

const isOwnPart = ({ only }: Part): boolean => only === "semrd";
const twinOf = ({ scenario }: Part): string | undefined => {
  const twin = CAPABILITY_TWINS[scenario];
  return twin !== undefined && chosen.has(twin) ? twin : undefined;
};
const shared = parts.filter((part) => chosen.has(part.scenario) && !isOwnPart(part));
const capability = parts.filter((part) => twinOf(part) !== undefined);
const noFigures = rounds.flatMap((runs) =>
  [...runs].flatMap(([scenario, all]) =>
    [...all].flatMap(([daemon, run]) => (typeof run === "string" ? [`${daemon}, ${scenario}: ${run}`] : [])),
  ),
);

if (values.json) {
  const figures = parts.map((part) => ({
    name: part.name,
    unit: part.unit,
    ...Object.fromEntries([...names, SEMRD.name].map((name) => [name, figureOf(part, name)])),
    bar: barText(part),
    ratio: ratio(part),
  }));
  const own = capability.map((part) => ({ name: part.name, figure: figureOf(part, SEMRD.name, twinOf(part)) }));
  console.log(
    JSON.stringify({ routes, times, processors: cpus().length, figures, capability: own, noFigures }, undefined, 2),
  );
} else {
  console.log(
    `\n${routes} routes a sender, ${scenarios.one!.sets} attribute sets or so, policy on, ${cpus().length} processors${times > 1 ? `, medians of ${times} rounds` : ""}\n`,
  );
  const verdict = (part: Part): string => {
    const found = ratio(part);
    return found === undefined ? "" : `${found.toFixed(2)} ${found <= 1 ? "reached" : "MISSED"}`;
  };
  const head = ["", "unit", ...names, "bar", "semrd ÷ bar"];
  const rows = shared.map((part) => [
    part.name,
    part.unit,
    ...names.map((name) => text(figureOf(part, name))),
    barText(part),
    verdict(part),
  ]);
  if (rows.length > 0) console.log(`${table([head, ...rows])}\n`);
  const ownRows = parts
    .filter((part) => isOwnPart(part) && chosen.has(part.scenario))
    .map((part) => [part.name, part.unit, text(figureOf(part, SEMRD.name)), barText(part), verdict(part)]);
  if (ownRows.length > 0) console.log(`${table([["", "unit", "semrd", "bar", "semrd ÷ bar"], ...ownRows])}\n`);
  if (capability.length > 0) {
    const against = capability.map((part) => {
      const [unicast, own] = [figureOf(part, SEMRD.name), figureOf(part, SEMRD.name, twinOf(part))];
      const found = median((runs) =>
        quotient(figureIn(runs, part, SEMRD.name, twinOf(part)), figureIn(runs, part, SEMRD.name)),
      );
      return [part.name, part.unit, text(unicast), text(own), found?.toFixed(2) ?? ""];
    });
    console.log(`${table([["", "unit", "IPv6 unicast", "SAFI 251", "times"], ...against])}\n`);
  }
  for (const line of noFigures) console.log(line);
}
process.exit(noFigures.some((line) => line.includes("failed:")) ? 1 : 0);
