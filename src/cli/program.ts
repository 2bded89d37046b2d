import { Command, CommanderError } from "commander";
import { wholeWords } from "./abbreviations.ts";
import { addAgentCommands, type Print } from "./agent-command.ts";
import { addAlarmCommands } from "./alarm-command.ts";
import { wholeNumber } from "./arguments.ts";
import { type Client, type ControlRequest, send } from "./client.ts";
import { addCompletionCommands } from "./completion-command.ts";
import { addConfigCommands } from "./config-command.ts";
import { addConfigureCommand, type CommandInput } from "./configure-command.ts";
import { CommandFailure, EXIT, type ExitCode } from "./exit.ts";
import { addExplain } from "./explain-command.ts";
import { addHashPassword } from "./hash-password.ts";
import { addMonitoringCommands } from "./monitoring-commands.ts";
import { addClear, addDrain } from "./operate-command.ts";
import { addWatch, Printer, type PrintList, type PrintListArguments, type PrintOne } from "./printer.ts";
import type { RouterLink } from "./router/connection.ts";
import { addRouterOptions, targetOf } from "./router/options.ts";
import { addShow } from "./show-command.ts";
import type { TableStyle } from "./table.ts";
import { paintFor, printable, type Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

interface GlobalOptions {
  readonly json: boolean;
  readonly pager: boolean;
  readonly timeout: number;
}

const HELP = `
Examples:
  semrctl show agents
  semrctl show routes --capability /vision/ocr --detail
  semrctl show routes --family ipv6-unicast --peer 2001:db8::2
  semrctl show routes --prefix 2001:db8:8::/48 --detail
  semrctl show advertised 2001:db8::2 --withheld
  semrctl explain /vision/ocr
  semrctl explain packet fd00:c::10 /vision/ocr --source-port 40000
  semrctl --json show counters | jq '.instances[] | {name, flows}'
  semrctl agent add spiffe://example.net/acme/agent/ocr-c --tenant acme \\
      --capability /vision/ocr --version 1 --address fd00:a:21::11 --port 8080 --check http
  semrctl agent drain spiffe://example.net/acme/agent/ocr-c
  semrctl --socket /run/semrd/r2.sock show peers
  semrctl --router r1.example --tls-ca ca.pem --username alice show status
  semrctl config set /router/telemetry/log-level debug && semrctl config commit
  semrctl dump mrt --file rib.mrt
  semrctl show peers --watch 5
  semrctl configure --private

Exit codes: 0 done, 1 refused or not found, 2 usage, 69 no router answers, 78 configuration is not valid.
Environment: SEMRD_SOCKET, SEMRD_ROUTER, SEMRD_TLS_CA, SEMRD_TLS_CERT, SEMRD_TLS_KEY, SEMRD_TLS_SERVER_NAME, SEMRD_USERNAME,
SEMRD_PASSWORD_FILE and SEMRD_TOKEN_FILE stand for the options of these names; NO_COLOR turns colours off.
Routers by name, in ~/.config/semrctl/routers.yaml:
  routers:
    r1: {address: "r1.example:9339", tls-ca: ca.pem, username: alice, password-file: r1.password}`;

/**
 * Runs semrctl with these arguments (without `node` and the script). Everything it says goes to `terminal`.
 * `input` is where `configure` takes its lines from.
 *
 * @see EXIT for the answer
 */
export async function runCommandLine(
  argv: readonly string[],
  terminal: Terminal,
  env: Readonly<Record<string, string | undefined>>,
  input: () => CommandInput,
): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  await using links = new AsyncDisposableStack();
  const program = buildProgram(terminal, env, input, links, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync([...wholeWords(program, argv)], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (!(error instanceof CommandFailure)) throw error;
    if (program.opts<GlobalOptions>().json && error.document !== undefined)
      terminal.err(`${JSON.stringify(error.document)}\n`);
    else
      terminal.err(
        [`semrctl: ${printable(error.message)}`, ...error.details.map((line) => `  ${printable(line)}`), ""].join("\n"),
      );
    return error.exitCode;
  }
}

function buildProgram(
  terminal: Terminal,
  env: Readonly<Record<string, string | undefined>>,
  input: () => CommandInput,
  links: AsyncDisposableStack,
  leave: (code: ExitCode) => void,
): Command {
  const style: TableStyle = {
    paint: paintFor(terminal),
    ...(terminal.columns === undefined ? {} : { columns: terminal.columns }),
  };
  const program = new Command("semrctl")
    .description("Looks at and operates the capability router on this host, or another one over gNMI.")
    .version(VERSION, "-V", "print the version");
  addRouterOptions(program);
  program
    .option("-j, --json", "print what the router answers, as JSON", false)
    .option("--no-pager", "print also what is longer than the screen at once")
    .option("-t, --timeout <seconds>", "how long the router may be silent", wholeNumber(1, 3600), 10)
    .addHelpText("after", HELP);
  // Subcommands inherit these, so they come first.
  program.exitOverride().configureOutput({
    writeOut: (text) => void terminal.out(text),
    writeErr: (text) => terminal.err(text),
    ...(terminal.columns === undefined
      ? {}
      : { getOutHelpWidth: () => terminal.columns!, getErrHelpWidth: () => terminal.columns! }),
  });

  let link: Promise<RouterLink> | undefined;
  const openLink = async (): Promise<RouterLink> => {
    const connection = await import("./router/connection.ts");
    const ask = async (question: string): Promise<string> => {
      const { askUnseen } = await import("./password.ts");
      return (await askUnseen(terminal, [question]))[0]!;
    };
    // Nobody expects a question while a word is being completed.
    const isAsked = process.stdin.isTTY && program.args[0] !== "complete";
    return links.use(new connection.RouterLink(await targetOf(program.opts(), env), isAsked ? ask : undefined));
  };
  // One connection for all that a command asks.
  const client: Client = async () => {
    link ??= openLink();
    return { link: await link, timeoutSeconds: program.opts<GlobalOptions>().timeout };
  };
  let watchSeconds: () => number | undefined = () => undefined;
  const printer = new Printer(terminal, style, client, () => {
    const { json, pager } = program.opts<GlobalOptions>();
    const every = watchSeconds();
    return { json, pager, ...(every === undefined ? {} : { watchSeconds: every }) };
  });
  const print: Print = (wanted, view) => printer.print(wanted, view);
  const printList: PrintList = <Row>(...list: PrintListArguments<Row>) => printer.printList(...list);

  const printOne: PrintOne = <Row>(code: string, ...list: PrintListArguments<Row>) => printer.printOne(code, ...list);
  const show = addShow(program, style, print, { printList, printOne });
  addMonitoringCommands(program, show, {
    printList,
    answer: async (wanted) => send(await client(), { method: "GET", ...wanted }),
    say: (text) => terminal.out(text),
  });
  addAlarmCommands(program, show, style, print);
  watchSeconds = addWatch(program, show);
  addExplain(program, style, print, leave);
  addHashPassword(program, terminal);
  addAgentCommands(program, print);
  const raw = (wanted: ControlRequest): Promise<void> => printer.raw(wanted);
  addConfigCommands(program, style, print, raw, async (of) => {
    const { fetchModel } = await import("./configure/index.ts");
    return fetchModel(await client(), env, of);
  });
  addConfigureCommand(program, { client, terminal, style, env, input, leave });
  addCompletionCommands(program, { client, env, say: (text) => terminal.out(text) });
  addDrain(program, print);
  addClear(program, print);
  program
    .command("check-config")
    .description("say whether a configuration is valid, with every fault; needs no running router")
    .argument("<file>", "an RFC 7951 JSON instance document of semrd-router")
    .action(async (file: string) => leave(await checkConfig(file, program.opts<GlobalOptions>().json, terminal)));
  return program;
}

async function checkConfig(file: string, json: boolean, terminal: Terminal): Promise<ExitCode> {
  // Loaded here, since no other command needs libyang.
  const { checkConfigCommand, checkConfiguration } = await import("../management/index.ts");
  if (json) {
    const { valid, faults, warnings } = await checkConfiguration({ file });
    await terminal.out(`${JSON.stringify({ valid, faults, warnings })}\n`);
    return valid ? EXIT.ok : EXIT.configuration;
  }
  return checkConfigCommand(file, {
    out: (line) => void terminal.out(`${printable(line)}\n`),
    err: (line) => terminal.err(`${printable(line)}\n`),
  });
}
