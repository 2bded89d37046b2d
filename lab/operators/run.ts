import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { Option } from "commander";
import { hashPassword } from "../../src/management/index.ts";
import { deployQuickstart, materialOf, quickstartContext, quickstartReady } from "../quickstart/deploy.ts";
import { type ProgramOptions, programCommand, runProgram } from "../quickstart/story/index.ts";
import { OperatorsStory } from "./story.ts";
import { TOOLS } from "./tools.ts";

interface Options extends ProgramOptions {
  readonly tool?: string;
  readonly without?: readonly string[];
}

const options = programCommand(
  "node lab/operators/run.ts",
  "The same change on running routers by the operators' own tools, one after the other",
  "semrd-operators",
)
  .addOption(new Option("--tool <name>", "only this one").choices(TOOLS.map(({ name }) => name)))
  .addOption(new Option("--without <name...>", "all but these").choices(TOOLS.map(({ name }) => name)))
  .parse()
  .opts<Options>();
const { name } = options;
const tools = TOOLS.filter(
  ({ name }) => (options.tool === undefined || name === options.tool) && !options.without?.includes(name),
);

process.exitCode = await runProgram({
  options,
  whyNot: options.tool === undefined ? undefined : tools[0]!.whyNot(),
  deploy: (signal, narrator) => deployQuickstart(name, signal, narrator),
  async tell(lab, narrator, signal) {
    const context = await quickstartContext(lab, narrator, signal);
    await quickstartReady(context);
    const password = randomBytes(12).toString("base64url");
    const story = new OperatorsStory(context, password, await readFile(path.join(materialOf(name), "ca.pem"), "utf8"));
    await story.letIn(await hashPassword(password));
    return await story.tell(tools);
  },
});
if (options.keep) process.exit(); // the nodes live on
