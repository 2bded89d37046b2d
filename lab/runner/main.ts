import { existsSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { Command, Option } from "commander";
import { mermaid } from "./graph.ts";
import { inspectLabs, nodeInterfaces, table } from "./inspect.ts";
import { deployLab } from "./lab.ts";
import { exitCode, spawnRaw } from "./process.ts";
import { destroyLab, LabInUse, type LabState, listLabs, readState } from "./state.ts";
import { readTopology, TopologyError } from "./topology.ts";

interface Which {
  readonly topo?: string;
  readonly name?: string;
}

/** Something to tell the person, without a stack. */
class UsageError extends Error {}

/** The topology file of `--topo`: a file, or a folder (the current one without the option) with just one in it. */
function topologyFile(given: string | undefined): string {
  const place = given ?? ".";
  if (!existsSync(place)) throw new UsageError(`${place} does not exist`);
  if (!statSync(place).isDirectory()) return place;
  const found = readdirSync(place).filter((name) => /\.clab\.ya?ml$/.test(name));
  if (found.length === 1) return path.join(place, found[0]!);
  const what = found.length === 0 ? "no" : "more than one";
  throw new UsageError(`${what} *.clab.yml in ${path.resolve(place)}: name the file with --topo`);
}

async function labName({ name, topo }: Which): Promise<string> {
  return name ?? (await readTopology(topologyFile(topo))).name;
}

async function chosenLab(which: Which): Promise<LabState> {
  const name = await labName(which);
  const state = await readState(name);
  if (state === undefined) throw new UsageError(`there is no lab ${name}`);
  return state;
}

async function deploy(options: Which & { readonly reconfigure?: boolean }): Promise<void> {
  const file = topologyFile(options.topo);
  if (options.reconfigure === true) await destroyLab(await labName(options));
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => stop.abort(new UsageError("stopped")));
  const began = performance.now();
  const lab = await deployLab(
    file,
    {
      ...(options.name === undefined ? {} : { name: options.name }),
      notice: ({ level, path: where, text }) => console.error(`${level}: ${where}: ${text}`),
    },
    stop.signal,
  );
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(`lab ${lab.name}: ${lab.nodes.size} nodes, ${lab.topology.links.length} links in ${seconds} s`);
  process.exit(0); // the nodes live on
}

async function destroy(options: Which & { readonly all?: boolean }): Promise<void> {
  const names = options.all === true ? (await listLabs()).map((lab) => lab.name) : [await labName(options)];
  for (const name of names) {
    console.log((await destroyLab(name)) ? `lab ${name} is gone` : `there is no lab ${name}`);
  }
}

async function inspect(options: Which & { readonly all?: boolean; readonly format: string }): Promise<void> {
  const labs = options.all === true ? await listLabs() : [await chosenLab(options)];
  const nodes = await inspectLabs(labs);
  if (options.format === "json") {
    console.log(JSON.stringify(nodes, null, 2));
    return;
  }
  const rows = [["Lab", "Name", "Kind", "State", "Process", "Interfaces"]];
  for (const lab of labs) {
    for (const [index, node] of lab.nodes.entries()) {
      const shown = nodes[lab.name]![index]!;
      const interfaces = (await nodeInterfaces(node)).filter((one) => one.name !== "lo" || one.addresses.length > 0);
      const text = interfaces.map((one) => [one.name, ...one.addresses].join(" ")).join(", ");
      rows.push([lab.name, shown.name, shown.kind, shown.state, String(node.init.pid), text]);
    }
  }
  console.log(table(rows));
}

async function exec(node: string, argv: readonly string[], which: Which): Promise<void> {
  const lab = await chosenLab(which);
  const state = lab.nodes.find((one) => one.name === node);
  if (state === undefined) {
    throw new UsageError(`lab ${lab.name} has no node ${node}; it has ${lab.nodes.map((one) => one.name).join(", ")}`);
  }
  const { TERM } = process.env;
  const child = spawnRaw(state, argv, TERM === undefined ? {} : { env: { TERM } }, "inherit");
  // Ctrl-C belongs to the program inside, which has it from the terminal.
  process.on("SIGINT", () => {});
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(exitCode(code, signal)));
  });
}

async function graph({ topo }: Which): Promise<void> {
  process.stdout.write(mermaid(await readTopology(topologyFile(topo))));
}

const program = new Command("lab")
  .description("Realises containerlab files with network namespaces, without containers")
  .enablePositionalOptions();
const topo = () => new Option("-t, --topo <file>", "topology file, or a folder with one in it");
const name = () => new Option("-n, --name <lab>", "name of the lab");

program
  .command("deploy")
  .description("make the lab")
  .addOption(topo())
  .addOption(name())
  .option("-c, --reconfigure", "destroy it first")
  .action(deploy);
program
  .command("destroy")
  .description("end everything in the lab and remove it")
  .addOption(topo())
  .addOption(name())
  .option("-a, --all", "all labs")
  .action(destroy);
program
  .command("inspect")
  .description("show the nodes of a lab")
  .addOption(topo())
  .addOption(name())
  .option("-a, --all", "all labs")
  .addOption(new Option("-f, --format <format>", "how").choices(["table", "json"]).default("table"))
  .action(inspect);
program
  .command("exec")
  .description("run a command in a node")
  .addOption(topo())
  .addOption(name())
  .argument("<node>")
  .argument("<command...>")
  .passThroughOptions()
  // Options after the node are the command's own, and a -- in front of it is left where it stands.
  .action((node: string, argv: string[], options: Which) =>
    exec(node, argv[0] === "--" ? argv.slice(1) : argv, options),
  );
program.command("graph").description("print the topology as a Mermaid flowchart").addOption(topo()).action(graph);

try {
  await program.parseAsync();
} catch (cause) {
  const known = cause instanceof UsageError || cause instanceof TopologyError || cause instanceof LabInUse;
  console.error(known ? `error: ${cause.message}` : cause);
  process.exitCode = 1;
}
