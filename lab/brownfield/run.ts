import path from "node:path";
import { Command, Option } from "commander";
import { durationText, inkFor, Narrator } from "../quickstart/story/index.ts";
import { deployLab, destroyLab, hasRunner, type Lab, LabInUse } from "../runner/index.ts";
import { FOREIGN, type ForeignName, isInstalled, ROLES, type Role } from "./foreign.ts";
import { type BrownfieldFacts, BrownfieldStory } from "./story.ts";

interface Options {
  readonly peer: ForeignName;
  readonly role: Role;
  readonly keep: boolean;
  readonly json: boolean;
  readonly color: boolean;
  readonly name: string;
}

const TOPOLOGY = path.join(import.meta.dirname, "brownfield.clab.yml");

const options = new Command("node lab/brownfield/run.ts")
  .description("Capability requests through a BGP router that knows nothing of capabilities")
  .addOption(
    new Option("--peer <program>", "what runs between the capability routers")
      .choices(Object.keys(FOREIGN))
      .default("frr"),
  )
  .addOption(new Option("--role <role>", "what it is to them").choices(ROLES).default("reflector"))
  .option("--keep", "leave the lab as it is afterwards", false)
  .option("--json", "print what was seen as one JSON document", false)
  .option("--no-color", "no colours")
  .option("--name <lab>", "name of the lab", "semrd-brownfield")
  .parse()
  .opts<Options>();

const { peer, role, name } = options;
const colours = options.color && process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
const narrator = new Narrator(inkFor(colours), (text) => {
  if (!options.json) process.stdout.write(text);
});

/** Deploys the lab; one of this name whose runner was killed is removed first. */
async function deploy(signal: AbortSignal): Promise<Lab> {
  const attempt = () => deployLab(TOPOLOGY, { name, environment: { PEER: peer, ROLE: role } }, signal);
  try {
    return await attempt();
  } catch (cause) {
    if (!(cause instanceof LabInUse) || (await hasRunner(name))) throw cause;
    await destroyLab(name);
    return await attempt();
  }
}

/** @returns the exit code; 77: it cannot be run here */
async function main(): Promise<number> {
  if (process.getuid?.() !== 0) {
    console.error("error: the lab needs root, for network namespaces and eBPF");
    return 77;
  }
  if (!isInstalled(peer)) {
    const { name: called, program, debianPackage } = FOREIGN[peer];
    console.error(`error: there is no ${program}: install ${called} (apt-get install ${debianPackage})`);
    return 77;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => stop.abort(new DOMException(`stopped by ${signal}`, "AbortError")));
  }
  const began = performance.now();
  let lab: Lab | undefined;
  let facts: BrownfieldFacts | undefined;
  let failure: string | undefined;
  let code = 0;
  try {
    lab = await deploy(stop.signal);
    for (const node of ["r1", "r2", "r3", "upper-a", "upper-b"]) await lab.healthy(node);
    facts = await new BrownfieldStory(lab, peer, role, narrator, stop.signal).tell();
    narrator.line();
    narrator.line(`  ${narrator.ink.good("✔")} all as it should be, in ${durationText(performance.now() - began)}`);
  } catch (cause) {
    code = stop.signal.aborted ? 130 : 1;
    failure = cause instanceof Error ? cause.message : String(cause);
    narrator.failure(cause);
  } finally {
    if (options.keep && lab !== undefined) {
      narrator.line(`  the lab stays; end it with: node_modules/.bin/node lab/runner/main.ts destroy -n ${name}`);
    } else await lab?.[Symbol.asyncDispose]();
  }
  if (options.json) {
    const seen = { ok: code === 0, ...(failure === undefined ? {} : { failure }), ...facts };
    process.stdout.write(`${JSON.stringify(seen, null, 2)}\n`);
  }
  return code;
}

process.exitCode = await main();
if (options.keep) process.exit(); // the nodes live on
