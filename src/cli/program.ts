import { Command, CommanderError, Option } from "commander";
import type {
  AgentRow,
  CapabilityRow,
  CountersReport,
  CountersReset,
  ExchangedRouteRow,
  FibRow,
  PeerRow,
  PolicyRow,
  RouteRow,
  StatusReport,
  UnicastRouteRow,
} from "../management/index.ts";
import { addAgentCommands, type Print } from "./agent-command.ts";
import { addAlarmCommands } from "./alarm-command.ts";
import { wholeNumber } from "./arguments.ts";
import { type Client, type ControlRequest, send } from "./client.ts";
import { addCompletionCommands } from "./completion-command.ts";
import { addConfigCommands } from "./config-command.ts";
import { fetchModel } from "./configure/index.ts";
import { addConfigureCommand, type CommandInput } from "./configure-command.ts";
import { CommandFailure, EXIT, type ExitCode } from "./exit.ts";
import { addExplain } from "./explain-command.ts";
import { addHashPassword } from "./hash-password.ts";
import { addMonitoringCommands } from "./monitoring-commands.ts";
import { askUnseen } from "./password.ts";
import { addWatch, Printer, type PrintList, type PrintListArguments } from "./printer.ts";
import { RouterLink } from "./router/connection.ts";
import { addRouterOptions, targetOf } from "./router/options.ts";
import type { TableStyle } from "./table.ts";
import { paintFor, printable, type Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";
import {
  agentsView,
  capabilitiesView,
  countersView,
  dataplaneView,
  exchangedRouteDetailsView,
  exchangedRoutesView,
  fibView,
  peersView,
  policiesView,
  routeDetailsView,
  routesView,
  statusView,
  unicastRouteDetailsView,
  unicastRoutesView,
} from "./views/index.ts";

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
    await program.parseAsync([...argv], { from: "user" });
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
    const ask = async (question: string): Promise<string> => (await askUnseen(terminal, [question]))[0]!;
    // Nobody expects a question while a word is being completed.
    const isAsked = process.stdin.isTTY && program.args[0] !== "complete";
    return links.use(new RouterLink(await targetOf(program.opts(), env), isAsked ? ask : undefined));
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

  const show = addShow(program, style, print, printList);
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
  addConfigCommands(program, style, print, raw, (of) => client().then((own) => fetchModel(own, env, of)));
  addConfigureCommand(program, { client, terminal, style, env, input, leave });
  addCompletionCommands(program, { client, env, say: (text) => terminal.out(text) });
  addDrain(program, print);
  const clear = program.command("clear").description("start something afresh");
  addClearCounters(clear, print);
  clear
    .command("peer")
    .description("close the BGP session with a peer; it comes up again by itself")
    .argument("<address>", "IPv6 address of the peer")
    .option("--message <text>", "what the operator of the peer is told; not with a soft reset")
    .addOption(new Option("--soft-in", "ask the peer for its routes instead").conflicts(["softOut", "hard", "message"]))
    .addOption(new Option("--soft-out", "send the peer our routes instead").conflicts(["hard", "message"]))
    .addOption(new Option("--hard", "close the session (default)"))
    .action((address: string, { message, softIn, softOut }: ClearOptions) => {
      const how = softIn === true ? "soft-in" : softOut === true ? "soft-out" : "hard";
      return print<unknown>({ method: "POST", path: "/peers/clear", id: address, parameters: { how, message } }, () =>
        CLEARED[how](address),
      );
    });
  program
    .command("check-config")
    .description("say whether a configuration is valid, with every fault; needs no running router")
    .argument("<file>", "an RFC 7951 JSON instance document of semrd-router")
    .action(async (file: string) => leave(await checkConfig(file, program.opts<GlobalOptions>().json, terminal)));
  return program;
}

function addClearCounters(clear: Command, print: Print): void {
  clear
    .command("counters")
    .description("let the counters of the data plane begin at zero; metrics for Prometheus go on")
    .addOption(
      new Option("--only <parts>", "these, with commas between: verdicts, next-hops, tenants, capabilities, tags"),
    )
    .action((options: { readonly only?: string }) =>
      print<CountersReset>(
        { method: "POST", path: "/counters/reset", parameters: { ...options } },
        ({ "discontinuity-time": time }) => `the counters begin at zero, ${time}\n`,
      ),
    );
}

interface ClearOptions {
  readonly message?: string;
  readonly softIn?: boolean;
  readonly softOut?: boolean;
}

const CLEARED = {
  hard: (address: string) => `the session with ${address} is being reset\n`,
  "soft-in": (address: string) => `${address} is asked for its routes again\n`,
  "soft-out": (address: string) => `${address} is sent our routes again\n`,
} as const;

function addDrain(program: Command, print: Print): void {
  program
    .command("drain")
    .description("take out of service without losing a flow")
    .command("router")
    .description("let other routers take over what they can; until the router restarts, or undrain")
    .action(() => print({ method: "POST", path: "/router/drain" }, () => "this router is draining\n"));
  program
    .command("undrain")
    .description("take back into service")
    .command("router")
    .description("take new flows again")
    .action(() => print({ method: "POST", path: "/router/undrain" }, () => "this router takes new flows again\n"));
}

const FAMILIES = ["capability", "ipv6-unicast", "ipv4-unicast"] as const;

interface RouteFilters extends Filters {
  readonly detail: boolean;
  readonly family: (typeof FAMILIES)[number];
  readonly peer?: string;
}

interface ExchangeOptions {
  readonly detail: boolean;
  readonly family: (typeof FAMILIES)[number];
  readonly refused?: boolean;
  readonly withheld?: boolean;
}

/** Routes between this router and one peer. */
function addExchange(show: Command, name: "received" | "advertised", about: string, printList: PrintList): Command {
  return show
    .command(name)
    .description(about)
    .argument("<peer>", "its address")
    .addOption(new Option("--family <name>", "which routes").choices(FAMILIES).default("capability"))
    .option("--detail", "with communities", false)
    .action((peer: string, { detail, family, refused = false, withheld = false }: ExchangeOptions) => {
      const outcome = refused ? { outcome: "refused" } : withheld ? { outcome: "not-told" } : {};
      return printList<ExchangedRouteRow>(
        { path: `/${name}`, parameters: { peer, family, ...outcome } },
        "no routes",
        detail ? exchangedRouteDetailsView : exchangedRoutesView,
      );
    });
}

interface Filters {
  readonly tenant?: string;
  readonly capability?: string;
}

function addShow(program: Command, style: TableStyle, print: Print, printList: PrintList): Command {
  const show = program.command("show").description("print what the router knows");
  const filtered = (command: Command): Command =>
    command.option("--tenant <name>", "of this tenant only").option("--capability <name>", "of this capability only");

  show
    .command("status")
    .description("the router, its data plane, and what an operator should look at")
    .action(() => print<StatusReport>({ method: "GET", path: "/status" }, (report) => statusView(report, style)));
  show
    .command("dataplane")
    .description("who carries the forwarding plan out, how far, and what it cannot do")
    .action(() => print<StatusReport>({ method: "GET", path: "/status" }, (report) => dataplaneView(report, style)));
  filtered(show.command("agents").description("agents and their instances behind this router")).action(
    (filters: Filters) => printList<AgentRow>({ path: "/agents", parameters: { ...filters } }, "no agents", agentsView),
  );
  filtered(show.command("capabilities").description("capabilities, their addresses, and who serves them")).action(
    (filters: Filters) =>
      printList<CapabilityRow>(
        { path: "/capabilities", parameters: { ...filters } },
        "no capabilities",
        capabilitiesView,
      ),
  );
  filtered(show.command("routes").description("routes of one family, this router's own and those of its peers"))
    .addOption(new Option("--family <name>", "which routes").choices(FAMILIES).default("capability"))
    .option("--peer <address>", "from this peer only")
    .option("--detail", "everything that is known of each", false)
    .action(({ detail, family, ...filters }: RouteFilters) =>
      family === "capability"
        ? printList<RouteRow>(
            { path: "/routes", parameters: { ...filters } },
            "no routes",
            detail ? routeDetailsView : routesView,
          )
        : printList<UnicastRouteRow>(
            { path: "/routes", parameters: { family, ...filters } },
            "no routes",
            detail ? unicastRouteDetailsView : unicastRoutesView,
          ),
    );
  addExchange(show, "received", "what a peer has said, before import policy, and what became of it", printList).option(
    "--refused",
    "only what is not used",
    false,
  );
  addExchange(show, "advertised", "what a peer is told, after export policy, and what not, and why", printList).option(
    "--withheld",
    "only what it is not told",
    false,
  );
  show
    .command("peers")
    .description("BGP sessions")
    .action(() => printList<PeerRow>({ path: "/peers" }, "no peers", peersView));
  show
    .command("policies")
    .description("routing policies, statement by statement, with how often each has fitted")
    .option("--policy <name>", "this policy only")
    .action((options: { readonly policy?: string }) =>
      printList<PolicyRow>({ path: "/policies", parameters: { ...options } }, "no policies", policiesView),
    );
  filtered(show.command("fib").description("what the data plane does with each capability address")).action(
    (filters: Filters) =>
      printList<FibRow>({ path: "/fib", parameters: { ...filters } }, "nothing is forwarded", fibView),
  );
  show
    .command("counters")
    .description("packets by verdict, and flows by site and instance")
    .option("--all", "also verdicts that never happened", false)
    .action((options: { readonly all: boolean }) =>
      print<CountersReport>({ method: "GET", path: "/counters" }, (report) => countersView(report, options, style)),
    );
  return show;
}

async function checkConfig(file: string, json: boolean, terminal: Terminal): Promise<ExitCode> {
  // Loaded here, since no other command needs libyang.
  const { checkConfigCommand, checkConfiguration } = await import("../management/index.ts");
  if (json) {
    const { valid, faults } = await checkConfiguration({ file });
    await terminal.out(`${JSON.stringify({ valid, faults })}\n`);
    return valid ? EXIT.ok : EXIT.configuration;
  }
  return checkConfigCommand(file, {
    out: (line) => void terminal.out(`${printable(line)}\n`),
    err: (line) => terminal.err(`${printable(line)}\n`),
  });
}
