import type { Command } from "commander";

/**
 * Arguments with the whole names of commands where a beginning was given that no other command has, as `sh ro` for
 * `show routes`; a last `?` asks what can stand there. What is unclear stays as it is, and is refused as ever.
 */
export function wholeWords(program: Command, argv: readonly string[]): readonly string[] {
  const words = [...argv];
  let here = program;
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    // What is typed for a shell to complete, or stands behind --, is not ours to change.
    if (word === "--" || here.name() === "complete") break;
    if (word.startsWith("-")) {
      if (takesNext(here, program, word)) at++;
      continue;
    }
    if (word === "?" && at === words.length - 1) return [...words.slice(0, at), "--help"];
    const next = commandBelow(here, word);
    if (next === undefined) {
      if (here.commands.length > 0) break; // nobody's name: commander says whose it may be
      continue;
    }
    words[at] = next.name();
    here = next;
  }
  return words;
}

function commandBelow(here: Command, word: string): Command | undefined {
  const visible = here.createHelp().visibleCommands(here);
  const named = here.commands.find((one) => one.name() === word) ?? visible.find((one) => one.name() === word);
  // Where something else may stand there, only a whole name is a name.
  if (named !== undefined || here.registeredArguments.length > 0) return named;
  const begun = visible.filter((one) => one.name().startsWith(word));
  return begun.length === 1 ? begun[0] : undefined;
}

/** Whether the value of an option is the word behind it. */
function takesNext(here: Command, program: Command, word: string): boolean {
  if (word.includes("=")) return false;
  const option = [...here.options, ...program.options].find(({ short, long }) => short === word || long === word);
  return option?.required === true;
}
