import type { Argument, Command, Option } from "commander";
import { type Place, wordsOf } from "../words/index.ts";
import type { Client } from "./client.ts";
import type { Explained } from "./configure/index.ts";
import { CommandFailure } from "./exit.ts";
import { profileNames } from "./router/profiles.ts";

const SHELLS = ["bash", "zsh"] as const;

/** Asks semrctl for `word TAB meaning` lines; the last word given is the one that is being typed. */
const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], string>> = {
  bash: `# semrctl: completion for bash. Load it with: source <(semrctl completion bash)
_semrctl() {
	local line word=\${COMP_LINE:0:COMP_POINT} words IFS=$' \\t\\n'
	read -r -a words <<< "$word"
	[[ $word == *[[:space:]] ]] && words+=("")
	local typed=\${words[\${#words[@]}-1]} texts=() shown=()
	# bash takes : and = for ends of words, and wants back only what is behind the last of them
	local behind=\${typed%"\${COMP_WORDS[COMP_CWORD]}"}
	[[ \${COMP_WORDS[COMP_CWORD]} == [:=] ]] && behind=$typed
	while IFS=$'\\t' read -r text meaning; do
		texts+=("\${text#"$behind"}")
		shown+=("\${text}\${meaning:+  ($meaning)}")
	done < <(command "\${words[0]}" complete -- "\${words[@]:1}" 2>/dev/null)
	if ((\${#texts[@]} > 1)) && [[ $COMP_TYPE == 63 ]]; then
		COMPREPLY=("\${shown[@]}")
	else
		COMPREPLY=("\${texts[@]}")
	fi
}
complete -o nosort -F _semrctl semrctl
`,
  zsh: `#compdef semrctl
# semrctl: completion for zsh. Load it with: source <(semrctl completion zsh)
_semrctl() {
	local -a found
	local text meaning
	while IFS=$'\\t' read -r text meaning; do
		found+=("\${text//:/\\\\:}\${meaning:+:$meaning}")
	done < <(command "\${words[1]}" complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)
	_describe -V semrctl found
}
compdef _semrctl semrctl
`,
};

export interface CompletionCommandParts {
  readonly client: Client;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly say: (text: string) => Promise<void>;
}

/** `completion`, which prints a script for a shell, and `complete`, which that asks. */
export function addCompletionCommands(program: Command, { client, env, say }: CompletionCommandParts): void {
  const completion = program.command("completion").description("print a script for completion in a shell");
  for (const shell of SHELLS)
    completion
      .command(shell)
      .description(`for ${shell}: source <(semrctl completion ${shell})`)
      .action(() => say(SCRIPTS[shell]));
  program
    .command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (given: readonly string[]) => {
      const typed = given.at(-1) ?? "";
      takeRouter(program, given.slice(0, -1));
      const candidates = await completeArguments(
        program,
        given.slice(0, -1),
        typed,
        (datastore) => ofPath(client, env, datastore),
        () => profileNames(env),
      );
      const lines = candidates
        .filter(({ text }) => text.startsWith(typed))
        .map(({ text, help }) => `${text}\t${help.replace(/\s+/g, " ")}\n`);
      await say(lines.join(""));
    });
}

/** What a data path of the candidate may go on with, from words that begin at its top. */
type CompletePath = (words: readonly string[], purpose: "set" | "delete" | "show") => Promise<readonly Explained[]>;

/** Where the router is, and how to log in there, as the words say that are completed. */
function takeRouter(program: Command, words: readonly string[]): void {
  for (const option of program.options) {
    const at = words.findIndex((word) => word === option.short || word === option.long);
    const value = words[at + 1];
    if (at >= 0 && option.required && value !== undefined) program.setOptionValue(option.attributeName(), value);
  }
}

/** Options, subcommands and arguments of our own commands, as commander has them; paths by the model. */
async function completeArguments(
  program: Command,
  words: readonly string[],
  typed: string,
  open: (datastore: string) => Promise<AsyncDisposable & { readonly complete: CompletePath }>,
  routers: () => Promise<readonly string[]>,
): Promise<readonly Explained[]> {
  let command = program;
  let awaited: Option | undefined;
  let datastore = "candidate";
  const rest: string[] = [];
  for (const word of words) {
    if (awaited !== undefined) {
      if (awaited.long === "--datastore") datastore = word;
      awaited = undefined;
      continue;
    }
    const options = optionsOf(command);
    if (word.startsWith("-")) {
      const option = options.find(({ short, long }) => word === short || word === long);
      if (option?.required === true) awaited = option;
      continue;
    }
    const next = command.commands.find((one) => one.name() === word);
    if (next === undefined || rest.length > 0) rest.push(word);
    else command = next;
  }
  if (awaited?.long === "--router") return plain(await routers());
  if (awaited !== undefined) return plain(awaited.argChoices);
  if (typed.startsWith("-"))
    return optionsOf(command).map(({ long, short, description }) => ({ text: long ?? short!, help: description }));
  if (command.commands.length > 0 && rest.length === 0)
    return command
      .createHelp()
      .visibleCommands(command)
      .map((one) => ({ text: one.name(), help: one.description() }));
  const argument: Argument | undefined =
    command.registeredArguments[Math.min(rest.length, command.registeredArguments.length - 1)];
  if (argument?.argChoices !== undefined) return plain(argument.argChoices);
  const purpose = command.parent?.name() === "config" ? command.name() : "";
  if (purpose !== "set" && purpose !== "delete" && purpose !== "show") return [];
  try {
    await using paths = await open(datastore);
    return await paths.complete(rest, purpose);
  } catch (error) {
    if (error instanceof CommandFailure) return []; // no router: nothing to offer
    throw error;
  }
}

const plain = (texts: readonly string[] | undefined): readonly Explained[] =>
  (texts ?? []).map((text) => ({ text, help: "" }));

/** Of the command and those around it, since they may stand behind it too. */
function optionsOf(command: Command): readonly Option[] {
  const own = command.createHelp().visibleOptions(command);
  const around = command.parent === null ? [] : optionsOf(command.parent);
  return [...own, ...around.filter(({ long }) => !own.some((one) => one.long === long))];
}

async function ofPath(client: Client, env: CompletionCommandParts["env"], datastore: string) {
  const { CandidateRouter, completePath, fetchModel } = await import("./configure/index.ts");
  const own = await client();
  const model = await fetchModel(own, env, datastore === "operational" ? "state" : "configuration");
  const router = await CandidateRouter.open(own, "candidate");
  const source = { document: (place: Place) => router.document(place, datastore) };
  const complete: CompletePath = (texts, purpose) => completePath(model, source, model.top, wordsOf(texts), 0, purpose);
  return { complete, [Symbol.asyncDispose]: () => router[Symbol.asyncDispose]() };
}
