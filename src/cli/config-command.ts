import { readFile } from "node:fs/promises";
import { type Command, Option } from "commander";
import type { Change, CommitEntry, SchemaPart } from "../management/index.ts";
import type { Model } from "../words/index.ts";
import type { Print } from "./agent-command.ts";
import { wholeNumber } from "./arguments.ts";
import type { ControlRequest } from "./client.ts";
import { assignments, deletion, pathOf } from "./config-paths.ts";
import { CommandFailure, EXIT } from "./exit.ts";
import { notJson } from "./json-text.ts";
import type { TableStyle } from "./table.ts";
import type { CommitReport, ConfigurationStatus } from "./views/index.ts";

const DATASTORES = ["running", "candidate", "startup", "operational"] as const;

interface CommitOptions {
  readonly comment?: string;
  readonly confirmed?: number;
}

const EXAMPLES = `
The candidate is one for all operators; nothing of it is in use before it is committed.

  semrctl config set telemetry log-level debug  # or /router/telemetry/log-level debug
  semrctl config edit new-tenant.json           # RFC 7951, merged into the candidate
  semrctl config compare
  semrctl config commit --confirmed 300 --comment "tenant globex"
  semrctl config commit                         # within 300 s, or it is undone
  semrctl config save                           # what runs becomes the startup file
  semrctl config rollback 1 && semrctl config commit`;

/** The text of a file, or of the standard input for `-`. */
async function textOf(file: string): Promise<string> {
  if (file !== "-") {
    try {
      return await readFile(file, "utf8");
    } catch (cause) {
      const code = (cause as NodeJS.ErrnoException).code;
      throw new CommandFailure(EXIT.refused, `${file} cannot be read (${code}): check the path and its permissions`);
    }
  }
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8")) text += chunk;
  return text;
}

/** State is in one datastore only: words for it in another are told so. */
async function shownPath(words: readonly string[], datastore: string, model: (of?: SchemaPart) => Promise<Model>) {
  if (datastore === "operational") return pathOf(words, () => model("state"));
  try {
    return await pathOf(words, () => model());
  } catch (error) {
    const isState = await pathOf(words, () => model("state")).then(
      () => true,
      () => false,
    );
    if (!isState) throw error;
    const message = `${words.join(" ")} is state, which ${datastore} has not: add --datastore operational`;
    throw new CommandFailure(EXIT.refused, message);
  }
}

export function addConfigCommands(
  program: Command,
  style: TableStyle,
  print: Print,
  raw: (wanted: ControlRequest) => Promise<void>,
  model: (of?: SchemaPart) => Promise<Model>,
): void {
  const config = program
    .command("config")
    .description("look at and change the configuration while the router runs")
    .addHelpText("after", EXAMPLES);
  const post = (path: string, body?: unknown): ControlRequest => ({
    method: "POST",
    path,
    ...(body === undefined ? {} : { body }),
  });

  config
    .command("show")
    .description("print a datastore, or what a path selects of it, as RFC 7951 JSON")
    .argument("[path...]", "words, such as tenants tenant acme, or /router/tenants/tenant[name='acme']")
    .addOption(new Option("--datastore <name>", "which one").choices(DATASTORES).default("running"))
    .option("--defaults", "also the default values", false)
    .action(async (words: readonly string[], { datastore, defaults }: { datastore: string; defaults: boolean }) => {
      const path = words.length === 0 ? undefined : await shownPath(words, datastore, model);
      await raw({
        method: "GET",
        path: "/config",
        parameters: { datastore, path, defaults: defaults ? "report-all" : undefined },
      });
    });
  config
    .command("status")
    .description("locks, changes that are not committed or saved, and the commit that waits for confirmation")
    .action(async () => {
      const { configurationStatusView } = await import("./views/configuration.ts");
      await print<ConfigurationStatus>({ method: "GET", path: "/config/status" }, (status) =>
        configurationStatusView(status, style),
      );
    });
  config
    .command("edit")
    .description("merge a document (RFC 7951 JSON) into the candidate")
    .argument("<file>", "its file, or - for the standard input")
    .option("--replace", "make it the whole candidate", false)
    .action(async (file: string, { replace }: { readonly replace: boolean }) => {
      const text = await textOf(file);
      const parameters = { operation: replace ? "replace" : "merge" };
      try {
        await print({ method: "POST", path: "/config/edit", parameters, text }, () => "");
      } catch (cause) {
        const place = cause instanceof CommandFailure ? await notJson(file, text) : undefined;
        if (place === undefined) throw cause;
        const { document } = cause as CommandFailure;
        throw new CommandFailure(EXIT.refused, place, { document: { ...(document ?? {}), detail: place } });
      }
    });
  config
    .command("set")
    .description("set a leaf of the candidate; the entries and containers on its way are made")
    .argument("<path-and-value...>", "words, such as tenants tenant acme index 2, or a data path and a value")
    .action(async (words: readonly string[]) =>
      print(post("/config/steps", await assignments(words, model)), () => ""),
    );
  config
    .command("delete")
    .description("delete a node of the candidate, with everything below it")
    .argument("<path...>", "words, such as tenants tenant acme, or a data path")
    .action(async (words: readonly string[]) => print(post("/config/steps", await deletion(words, model)), () => ""));
  config
    .command("validate")
    .description("say what is wrong with the candidate, or what committing it would bring about")
    .action(async () => {
      const { consequencesView } = await import("./views/configuration.ts");
      await print<CommitReport>(
        post("/config/validate"),
        ({ consequences }) => `the candidate is valid\n${consequencesView(consequences, style)}`,
      );
    });
  config
    .command("compare")
    .description("say what differs between two datastores or commits")
    .argument("[before]", "datastore or number of a commit", "running")
    .argument("[after]", "datastore or number of a commit", "candidate")
    .action(async (before: string, after: string) => {
      const { changesView } = await import("./views/configuration.ts");
      const wanted = { method: "GET", path: "/config/compare", parameters: { before, after } } as const;
      await print<readonly Change[]>(wanted, (changes) => changesView(changes, style));
    });
  config
    .command("commit")
    .description("make the candidate running, or confirm the commit that waits")
    .option("--confirmed <seconds>", "undo it unless committed again within", wholeNumber(1, 4_294_967_295))
    .option("--comment <text>", "for the commit log")
    .action(async ({ confirmed, comment }: CommitOptions) => {
      const { commitView } = await import("./views/configuration.ts");
      await print<CommitReport>(
        post("/config/commit", {
          ...(comment === undefined ? {} : { comment }),
          ...(confirmed === undefined ? {} : { "confirmed-seconds": confirmed }),
        }),
        (report) => commitView(report, style, confirmed),
      );
    });
  config
    .command("confirm")
    .description("keep the commit that waits for confirmation; what the candidate has changed since stays there")
    .action(() => print<CommitReport>(post("/config/confirm", {}), () => "confirmed\n"));
  config
    .command("cancel")
    .description("undo the commit that waits for confirmation")
    .action(async () => {
      const { commitView } = await import("./views/configuration.ts");
      await print<CommitReport>(post("/config/cancel", {}), (report) => commitView(report, style));
    });
  config
    .command("discard")
    .description("forget what the candidate has changed")
    .action(() => print(post("/config/discard"), () => ""));
  config
    .command("rollback")
    .description("put the configuration of an earlier commit into the candidate")
    .argument("[back]", "how many commits back", wholeNumber(1, 1000), 1)
    .action((back: number) => print({ method: "POST", path: "/config/rollback", parameters: { back } }, () => ""));
  config
    .command("log")
    .description("commits, the newest first")
    .option("--limit <number>", "at most so many", wholeNumber(1, 1000), 20)
    .action(async ({ limit }: { readonly limit: number }) => {
      const { logView } = await import("./views/configuration.ts");
      await print<readonly CommitEntry[]>({ method: "GET", path: "/config/log", parameters: { limit } }, (entries) =>
        logView(entries, style),
      );
    });
  config
    .command("save")
    .description("write what runs into the startup file")
    .action(() => print(post("/config/save"), () => "saved\n"));
  config
    .command("reload")
    .description("make the startup file running, as SIGHUP does")
    .action(async () => {
      const { commitView } = await import("./views/configuration.ts");
      await print<CommitReport>(post("/config/reload"), (report) => commitView(report, style));
    });
}
