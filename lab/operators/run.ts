import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { Command, Option } from "commander";
import { hashPassword } from "../../src/management/index.ts";
import { makeMaterial, openIssuer } from "../quickstart/material.ts";
import { type ProgramOptions, runProgram, StoryContext } from "../quickstart/story/index.ts";
import { deployFresh, labDirectory } from "../runner/index.ts";
import { OperatorsStory } from "./story.ts";
import { TOOLS } from "./tools.ts";

interface Options extends ProgramOptions {
  readonly tool?: string;
  readonly without?: readonly string[];
}

const TOPOLOGY = path.join(import.meta.dirname, "../quickstart/quickstart.clab.yml");

const options = new Command("node lab/operators/run.ts")
  .description("The same change on running routers by the operators' own tools, one after the other")
  .addOption(new Option("--tool <name>", "only this one").choices(TOOLS.map(({ name }) => name)))
  .addOption(new Option("--without <name...>", "all but these").choices(TOOLS.map(({ name }) => name)))
  .option("--keep", "leave the lab as it is afterwards", false)
  .option("--json", "print what was seen as one JSON document", false)
  .option("--no-color", "no colours")
  .option("--name <lab>", "name of the lab", "semrd-operators")
  .parse()
  .opts<Options>();
const { name } = options;
const material = path.join(labDirectory(name), "material");
const tools = TOOLS.filter(
  ({ name }) => (options.tool === undefined || name === options.tool) && !options.without?.includes(name),
);

process.exitCode = await runProgram({
  options,
  whyNot: options.tool === undefined ? undefined : tools[0]!.whyNot(),
  deploy: (signal) =>
    deployFresh(
      TOPOLOGY,
      { name, environment: { MATERIAL: material }, prepare: async () => void (await makeMaterial(material)) },
      signal,
    ),
  async tell(lab, narrator, signal) {
    const context = new StoryContext({ lab, issuer: await openIssuer(material), narrator, signal });
    await Promise.all([...lab.nodes.keys()].map((node) => lab.healthy(node)));
    await context.sessions();
    const password = randomBytes(12).toString("base64url");
    const story = new OperatorsStory(context, password, await readFile(path.join(material, "ca.pem"), "utf8"));
    await story.letIn(await hashPassword(password));
    return await story.tell(tools);
  },
});
if (options.keep) process.exit(); // the nodes live on
