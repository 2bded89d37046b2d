import { deployQuickstart, quickstartContext, quickstartReady } from "../quickstart/deploy.ts";
import { registerAgents } from "../quickstart/story/1-register.ts";
import { type ProgramOptions, programCommand, runProgram, StoryError } from "../quickstart/story/index.ts";
import { soak } from "./soak.ts";

interface Options extends ProgramOptions {
  readonly minutes: string;
  readonly rate: string;
  readonly pause: string;
}

const command = programCommand(
  "node lab/soak/run.ts",
  "Load and one change after the other on the quickstart's lab, for as long as is asked for",
  "semrd-soak",
)
  .option("--minutes <number>", "how long", "10")
  .option("--rate <number>", "requests a second, each over a connection of its own", "100")
  .option("--pause <seconds>", "between two changes", "5")
  .parse();
const options = command.opts<Options>();
const { name } = options;
const numberOf = (option: "minutes" | "rate" | "pause", least: number, most: number): number => {
  const value = Number(options[option]);
  if (!(value >= least && value <= most)) command.error(`error: --${option} is a number from ${least} to ${most}`);
  return value;
};
const wanted = {
  minutes: numberOf("minutes", 0.5, 10_000),
  rate: numberOf("rate", 1, 5000),
  pause: numberOf("pause", 0, 3600),
};

process.exitCode = await runProgram({
  options,
  deploy: (signal, narrator) => deployQuickstart(name, signal, narrator),
  async tell(lab, narrator, signal) {
    const context = await quickstartContext(lab, narrator, signal);
    await quickstartReady(context);
    await registerAgents(context);
    const facts = await soak(context, wanted);
    narrator.line();
    narrator.table([
      ["change", "times"],
      ...Object.entries(facts.changes).map(([what, times]) => [what, String(times)]),
    ]);
    narrator.line();
    narrator.table([
      ["", "seen", "bar", ""],
      ...facts.judgements.map(({ what, seen, bar, holds }) => [what, seen, bar, holds ? "✔" : "✖"]),
    ]);
    const missed = facts.judgements.filter(({ holds }) => !holds);
    if (missed.length > 0)
      throw new StoryError(
        "what was seen",
        "every bar reached",
        missed.map(({ what, seen }) => `${what}: ${seen}`).join("; "),
      );
    return facts;
  },
});
if (options.keep) process.exit(); // the nodes live on
