import { type Command, Option } from "commander";
import type { AgentCommandResult, AgentRequest } from "../management/index.ts";
import { collect, version, wholeNumber } from "./arguments.ts";
import type { ControlRequest } from "./client.ts";
import { printable } from "./terminal.ts";

/** Prints an answer of the router as it is (`--json`), or what `view` makes of it. */
export type Print = <T>(wanted: ControlRequest, view: (answer: T) => string) => Promise<void>;

interface AddOptions {
  readonly tenant: string;
  readonly capability: string;
  readonly version: { readonly major: number; readonly minor: number };
  readonly address: string;
  readonly port: number;
  readonly weight?: number;
  readonly label?: readonly string[];
  readonly check?: "tcp" | "http";
  readonly checkPath?: string;
  readonly checkInterval?: number;
  readonly checkTimeout?: number;
  readonly checkFall?: number;
  readonly checkRise?: number;
}

function agentRequest(id: string, options: AddOptions): AgentRequest {
  const check = {
    type: options.check ?? (options.checkPath === undefined ? undefined : "http"),
    path: options.checkPath,
    "interval-ms": options.checkInterval,
    "timeout-ms": options.checkTimeout,
    fall: options.checkFall,
    rise: options.checkRise,
  };
  const given = Object.fromEntries(Object.entries(check).filter(([, value]) => value !== undefined));
  return {
    id,
    tenant: options.tenant,
    capability: [
      {
        name: options.capability,
        "major-version": options.version.major,
        "minor-version": options.version.minor,
        address: options.address,
        port: options.port,
        ...(options.weight === undefined ? {} : { weight: options.weight }),
        ...(options.label === undefined ? {} : { label: options.label }),
        ...(Object.keys(given).length === 0 ? {} : { "health-check": given }),
      },
    ],
  };
}

const instancesText = (verb: string) => (result: AgentCommandResult) =>
  `${verb} ${printable(result.agent)}: ${result.instances.length === 0 ? "no instances" : `instance ${result.instances.join(", ")}`}\n`;

export function addAgentCommands(program: Command, print: Print): void {
  const agent = program.command("agent").description("add, drain and remove agents by hand");
  const port = wholeNumber(1, 65535);
  agent
    .command("add")
    .description("add an instance of an agent that does not register itself")
    .argument("<id>", "agent ID, a URI")
    .requiredOption("--tenant <name>", "whose agent it is")
    .requiredOption("--capability <name>", "what it can do, as in the taxonomy")
    .requiredOption("--version <major[.minor]>", "version of the capability", version)
    .requiredOption("--address <ipv6>", "where it listens")
    .requiredOption("--port <number>", "port where it listens", port)
    .option("--weight <number>", "share of new flows, 1 to 100", wholeNumber(1, 100))
    .option("--label <label>", "policy label; may be repeated", collect)
    .addOption(new Option("--check <type>", "probe it").choices(["tcp", "http"]))
    .option("--check-path <path>", "what to ask for over HTTP")
    .option("--check-interval <ms>", "time between probes", wholeNumber(1, 3_600_000))
    .option("--check-timeout <ms>", "when a probe has failed", wholeNumber(1, 60_000))
    .option("--check-fall <number>", "failures that make it unhealthy", wholeNumber(1, 255))
    .option("--check-rise <number>", "successes that make it healthy", wholeNumber(1, 255))
    .action((id: string, options: AddOptions) =>
      print({ method: "POST", path: "/agents", body: agentRequest(id, options) }, instancesText("added")),
    );
  const drains = [
    {
      name: "drain",
      description: "give an agent no new flows while others serve; those it has go on",
      done: "draining",
    },
    { name: "undrain", description: "give an agent new flows again, whoever took it out", done: "back in service:" },
  ] as const;
  for (const { name, description, done } of drains)
    agent
      .command(name)
      .description(description)
      .argument("<id>", "agent ID")
      .option("--instance <id>", "only this one of its instances (show agents); may be repeated", collect)
      .action((id: string, { instance }: { readonly instance?: readonly string[] }) => {
        const parameters = { instances: instance?.join(",") };
        return print({ method: "POST", path: `/agents/${name}`, id, parameters }, instancesText(done));
      });
  agent
    .command("remove")
    .description("forget an agent and all its instances")
    .argument("<id>", "agent ID")
    .action((id: string) => print({ method: "DELETE", path: "/agents", id }, instancesText("removed")));
}
