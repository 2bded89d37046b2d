import { cp, mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { Command } from "commander";
import { deployFresh, destroyHint, type Lab, labDirectory } from "../runner/index.ts";
import { makeMaterial, openIssuer } from "./material.ts";
import {
  Capture,
  commandsText,
  durationText,
  inkFor,
  Narrator,
  pictureOf,
  type SeenStep,
  STORY,
  StoryContext,
} from "./story/index.ts";

interface Options {
  readonly once: boolean;
  readonly color: boolean;
  readonly json: boolean;
  readonly keep: boolean;
  readonly steps?: string;
  readonly name: string;
}

const TOPOLOGY = path.join(import.meta.dirname, "quickstart.clab.yml");
/** Where the nodes' logs are kept when something went wrong. */
const LOGS = path.join(import.meta.dirname, "../../build/quickstart-logs");

const program = new Command("npm start --")
  .description("Makes the quickstart lab and tells its story: a capability routed end to end")
  .option("--once", "tell the story and end, with exit code 0 if all of it was as it should be", false)
  .option("--keep", "leave the lab as it is afterwards", false)
  .option("--json", "print what was seen as one JSON document", false)
  .option("--no-color", "no colours")
  .option("--steps <numbers>", "only these steps after the first, for example 1-3,9")
  .option("--name <lab>", "name of the lab", "semrd-quickstart")
  .parse();
const options = program.opts<Options>();
const NAME = options.name;

const colours = options.color && process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
const narrator = new Narrator(inkFor(colours), (text) => {
  if (!options.json) process.stdout.write(text);
});

/** `1-3,9` as a set of numbers. */
function chosenSteps(text: string | undefined): ReadonlySet<number> {
  if (text === undefined) return new Set(STORY.map((_, index) => index + 1));
  const chosen = new Set([1]);
  for (const part of text.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) program.error(`--steps: ${part} is neither a number nor a range`);
    for (let step = Number(match![1]); step <= Number(match![2] ?? match![1]); step++) chosen.add(step);
  }
  return chosen;
}

async function deploy(signal: AbortSignal): Promise<{ readonly lab: Lab; readonly material: string }> {
  const material = path.join(labDirectory(NAME), "material");
  const began = performance.now();
  const lab = await deployFresh(
    TOPOLOGY,
    {
      name: NAME,
      environment: { MATERIAL: material },
      prepare: async () => void (await makeMaterial(material)),
      notice: ({ level, path: where, text }) => {
        if (level === "warning") narrator.line(`  ${level}: ${where}: ${text}`);
      },
    },
    signal,
    () => narrator.line("  a lab that an earlier run had left was removed"),
  );
  narrator.fact(
    `${lab.nodes.size} nodes, ${lab.topology.links.length} links, in namespaces of their own; keys and certificates made`,
    performance.now() - began,
  );
  return { lab, material };
}

/** Waits until every node says that it is healthy, and r1 has its BGP sessions. */
async function ready(context: StoryContext): Promise<void> {
  const began = performance.now();
  await Promise.all([...context.lab.nodes.keys()].map((node) => context.lab.healthy(node)));
  narrator.fact("three routers and four agents are up", performance.now() - began);
  const sessions = performance.now();
  await context.sessions();
  narrator.fact("BGP sessions between all three are established", performance.now() - sessions);
  for (const router of ["r1", "r2", "r3"] as const) {
    const { dataplane, warnings } = await context.semrctl(router, "show status");
    const ports = dataplane.ports.map((port) => `${port.interface} ${port.hook}`).join(", ");
    narrator.fact(`${router}: ${dataplane.driver} data plane, ${ports}`);
    narrator.quote([...dataplane.limits, ...warnings]);
  }
}

/** Tells the story; `seen` grows with every step that was as it should be. */
async function tell(lab: Lab, material: string, seen: SeenStep[], signal: AbortSignal): Promise<void> {
  const context = new StoryContext({ lab, issuer: await openIssuer(material), narrator, signal });
  await ready(context);
  const chosen = chosenSteps(options.steps);
  await using tunnels = await Capture.start(lab, "core", "eth1", "ip6 proto 41");
  for (const [index, step] of STORY.entries()) {
    const number = index + 1;
    if (!chosen.has(number)) continue;
    narrator.heading(step.title, number);
    const began = performance.now();
    const data = await step.run(context);
    seen.push({ number, title: step.title, facts: [...narrator.facts], data, milliseconds: performance.now() - began });
  }
  const tunnelled = new Map<string, number>();
  for (const { destination } of await tunnels.stop()) tunnelled.set(destination, (tunnelled.get(destination) ?? 0) + 1);
  narrator.line();
  for (const line of pictureOf({ served: context.served, tunnelled }, narrator.ink)) narrator.line(line);
}

/** Keeps the nodes' logs for reading; false if there are none. */
async function keepLogs(): Promise<boolean> {
  const folder = labDirectory(NAME);
  const logs = (await readdir(folder).catch(() => [])).filter((file) => file.endsWith(".log"));
  await rm(LOGS, { recursive: true, force: true });
  await mkdir(LOGS, { recursive: true });
  for (const file of logs) await cp(path.join(folder, file), path.join(LOGS, file));
  return logs.length > 0;
}

/** Errors whose stack is of use: those that no machine and no network can cause. */
const isDefect = (cause: unknown): boolean =>
  cause instanceof TypeError ||
  cause instanceof RangeError ||
  cause instanceof ReferenceError ||
  cause instanceof SyntaxError;

function hasRights(): boolean {
  return process.getuid?.() === 0;
}

async function main(): Promise<number> {
  if (!hasRights()) {
    console.error("error: the lab needs root, for network namespaces and eBPF: start it as root (sudo npm start)");
    return 77;
  }
  const stop = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.on(signal, () => {
        stop.abort(new DOMException(`stopped by ${signal}`, "AbortError"));
        resolve();
      });
    }
  });
  const began = performance.now();
  const { ink } = narrator;
  narrator.line();
  narrator.line(`  ${ink.bold("semrd")}, a capability router: one capability, three routers, four agents, one client`);
  narrator.line();

  let lab: Lab | undefined;
  let code = 0;
  const steps: SeenStep[] = [];
  let failure: string | undefined;
  try {
    const deployed = await deploy(stop.signal);
    lab = deployed.lab;
    await tell(lab, deployed.material, steps, stop.signal);
    const text =
      steps.length === 1 ? "the step was as it should be" : `all ${steps.length} steps were as they should be`;
    narrator.line();
    narrator.line(`  ${ink.good("✔")} ${ink.bold(text)} ${ink.dim(`in ${durationText(performance.now() - began)}`)}`);
    if (!options.once) {
      narrator.line();
      narrator.line(`  ${ink.bold("The lab stays up.")} Try, in another terminal, from the project's folder:`);
      narrator.line();
      for (const line of commandsText(ink)) narrator.line(line);
      narrator.line();
      narrator.line(`  ${ink.dim("Ctrl-C ends it and leaves nothing behind.")}`);
      const alive = setInterval(() => {}, 60_000); // nothing else keeps this process while it only waits
      await stopped;
      clearInterval(alive);
    }
  } catch (cause) {
    if (stop.signal.aborted) {
      code = 130;
    } else {
      code = 1;
      failure = cause instanceof Error ? cause.message : String(cause);
      narrator.failure(cause);
      if (isDefect(cause)) console.error(cause);
      if (await keepLogs()) narrator.line(`     the nodes' logs are in ${path.relative(process.cwd(), LOGS)}`);
    }
  } finally {
    if (options.keep && lab !== undefined) {
      narrator.line(`  the lab stays; end it with: ${destroyHint(NAME)}`);
    } else {
      await lab?.[Symbol.asyncDispose]();
      if (lab !== undefined && !options.json) narrator.line(`\n  ${ink.dim("the lab is gone")}`);
    }
  }
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ ok: code === 0, ...(failure === undefined ? {} : { failure }), steps }, null, 2)}\n`,
    );
  }
  return code;
}

process.exitCode = await main();
if (options.keep) process.exit(); // the nodes live on
