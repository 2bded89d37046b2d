import { once } from "node:events";
import { cp, mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { type Lab, labDirectory } from "../runner/index.ts";
import { deployQuickstart, quickstartContext } from "./deploy.ts";
import {
  Capture,
  commandsText,
  isTunnelled,
  type Narrator,
  type ProgramOptions,
  pictureOf,
  programCommand,
  runProgram,
  type SeenStep,
  STORY,
  type StoryContext,
} from "./story/index.ts";

interface Options extends ProgramOptions {
  readonly once: boolean;
  readonly steps?: string;
}

/** Where the nodes' logs are kept when something went wrong. */
const LOGS = path.join(import.meta.dirname, "../../build/quickstart-logs");

const command = programCommand(
  "npm start --",
  "Makes the quickstart lab and tells its story: a capability routed end to end",
  "semrd-quickstart",
)
  .option("--once", "tell the story and end, with exit code 0 if all of it was as it should be", false)
  .option("--steps <numbers>", "only these steps after the first, for example 1-3,9")
  .parse();
const options = command.opts<Options>();
const NAME = options.name;
const steps: SeenStep[] = [];

/** `1-3,9` as a set of numbers. */
function chosenSteps(text: string | undefined): ReadonlySet<number> {
  if (text === undefined) return new Set(STORY.map((_, index) => index + 1));
  const chosen = new Set([1]);
  for (const part of text.split(",")) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) command.error(`--steps: ${part} is neither a number nor a range`);
    for (let step = Number(match![1]); step <= Number(match![2] ?? match![1]); step++) chosen.add(step);
  }
  return chosen;
}

async function deploy(signal: AbortSignal, narrator: Narrator): Promise<Lab> {
  const began = performance.now();
  const lab = await deployQuickstart(NAME, signal, narrator);
  narrator.fact(
    `${lab.nodes.size} nodes, ${lab.topology.links.length} links, in namespaces of their own; keys and certificates made`,
    performance.now() - began,
  );
  return lab;
}

/** Waits until every node says that it is healthy, and r1 has its BGP sessions. */
async function ready(context: StoryContext, narrator: Narrator): Promise<void> {
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

/** Tells the story; `steps` grows with every one that was as it should be. */
async function tell(lab: Lab, narrator: Narrator, signal: AbortSignal): Promise<void> {
  const context = await quickstartContext(lab, narrator, signal);
  await ready(context, narrator);
  const chosen = chosenSteps(options.steps);
  await using tunnels = await Capture.start(lab, "core", "eth1", isTunnelled);
  for (const [index, step] of STORY.entries()) {
    const number = index + 1;
    if (!chosen.has(number)) continue;
    narrator.heading(step.title, number);
    const began = performance.now();
    const data = await step.run(context);
    steps.push({
      number,
      title: step.title,
      facts: [...narrator.facts],
      data,
      milliseconds: performance.now() - began,
    });
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

function opening(narrator: Narrator): void {
  narrator.line();
  narrator.line(
    `  ${narrator.ink.bold("semrd")}, a capability router: one capability, three routers, four agents, one client`,
  );
  narrator.line();
}

async function untilStopped(signal: AbortSignal): Promise<void> {
  const alive = setInterval(() => {}, 60_000); // nothing else keeps this process while it only waits
  if (!signal.aborted) await once(signal, "abort");
  clearInterval(alive);
}

process.exitCode = await runProgram({
  options,
  opening,
  deploy,
  async tell(lab, narrator, signal) {
    await tell(lab, narrator, signal);
    return { steps };
  },
  verdict: () =>
    steps.length === 1 ? "the step was as it should be" : `all ${steps.length} steps were as they should be`,
  async afterwards(narrator, signal) {
    if (options.once) return;
    narrator.line();
    narrator.line(`  ${narrator.ink.bold("The lab stays up.")} Try, in another terminal, from the project's folder:`);
    narrator.line();
    for (const line of commandsText(narrator.ink)) narrator.line(line);
    narrator.line();
    narrator.line(`  ${narrator.ink.dim("Ctrl-C ends it and leaves nothing behind.")}`);
    await untilStopped(signal);
  },
  seen: () => ({ steps }),
  async failed(narrator, cause) {
    if (isDefect(cause)) console.error(cause);
    if (await keepLogs()) narrator.line(`     the nodes' logs are in ${path.relative(process.cwd(), LOGS)}`);
  },
});
if (options.keep) process.exit(); // the nodes live on
