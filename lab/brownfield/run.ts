import path from "node:path";
import { Option } from "commander";
import { type ProgramOptions, programCommand, runProgram } from "../quickstart/story/index.ts";
import { deployFresh } from "../runner/index.ts";
import { FOREIGN, type ForeignName, isInstalled, ROLES, type Role } from "./foreign.ts";
import { BrownfieldStory } from "./story.ts";

interface Options extends ProgramOptions {
  readonly peer: ForeignName;
  readonly role: Role;
}

const TOPOLOGY = path.join(import.meta.dirname, "brownfield.clab.yml");

const options = programCommand(
  "node lab/brownfield/run.ts",
  "Capability requests through a BGP router that knows nothing of capabilities",
  "semrd-brownfield",
)
  .addOption(
    new Option("--peer <program>", "what runs between the capability routers")
      .choices(Object.keys(FOREIGN))
      .default("frr"),
  )
  .addOption(new Option("--role <role>", "what it is to them").choices(ROLES).default("reflector"))
  .parse()
  .opts<Options>();

const { peer, role, name } = options;

function whyNot(): string | undefined {
  if (isInstalled(peer)) return undefined;
  const { name: called, program, debianPackage } = FOREIGN[peer];
  return `there is no ${program}: install ${called} (apt-get install ${debianPackage})`;
}

process.exitCode = await runProgram({
  options,
  whyNot: whyNot(),
  deploy: (signal) => deployFresh(TOPOLOGY, { name, environment: { PEER: peer, ROLE: role } }, signal),
  async tell(lab, narrator, signal) {
    for (const node of ["r1", "r2", "r3", "upper-a", "upper-b"]) await lab.healthy(node);
    return await new BrownfieldStory(lab, peer, role, narrator, signal).tell();
  },
});
if (options.keep) process.exit(); // the nodes live on
