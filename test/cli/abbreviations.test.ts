import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Command } from "commander";
import { wholeWords } from "../../src/cli/abbreviations.ts";
import { semrctl } from "./in-process.ts";

/** As `semrctl` has them: commands in commands, options with and without values, arguments. */
function program(): Command {
  const made = new Command("semrctl").option("-s, --socket <path>").option("-j, --json");
  const show = made.command("show");
  for (const name of ["routes", "rpki", "status"])
    show.command(name).option("--peer <address>").option("-w, --watch [s]");
  made.command("agent").command("drain").argument("<id>");
  made.command("alarm");
  made.command("explain").argument("<name>").command("packet").argument("<source>");
  made.command("complete", { hidden: true }).argument("[words...]");
  return made;
}

const WORDS: readonly (readonly [typed: string, meant: string])[] = [
  ["sh ro", "show routes"],
  ["show status", "show status"],
  ["-s sh sh st", "-s sh show status"],
  ["--socket=sh sh st", "--socket=sh show status"],
  ["-j sh st --peer sh", "-j show status --peer sh"],
  ["sh st -w", "show status -w"],
  // Two have this beginning, or none: it is for commander to say.
  ["sh r", "show r"],
  ["a d x", "a d x"],
  ["ag d a", "agent drain a"],
  ["nothing ro", "nothing ro"],
  // What is no command is nobody's to complete.
  ["ex sh", "explain sh"],
  ["ex pack", "explain pack"],
  ["ex packet ro", "explain packet ro"],
  ["complete -- sh ro", "complete -- sh ro"],
  ["comp sh", "comp sh"],
  ["-- sh", "-- sh"],
  ["?", "--help"],
  ["sh ?", "show --help"],
  ["sh ro ?", "show routes --help"],
  ["ex ? x", "explain ? x"],
];

describe("words of a command line", () => {
  for (const [typed, meant] of WORDS)
    it(`${typed}: ${meant}`, () => assert.equal(wholeWords(program(), typed.split(" ")).join(" "), meant));

  it("of semrctl itself: help where a ? stands, and what is meant where it is not clear", async () => {
    const help = await semrctl(["show", "routes", "--help"]);
    assert.equal(help.exitCode, 0);
    assert.deepEqual(await semrctl(["sh", "rou", "?"]), help);
    const unclear = await semrctl(["sh", "r"]);
    assert.equal(unclear.exitCode, 2);
    assert.match(unclear.err, /unknown command 'r'/);
  });
});
