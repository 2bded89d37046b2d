import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { parseIpv4, parseIpv6 } from "./base/index.ts";
import type { ConformanceCommand, ReplayOptions } from "./daemon/index.ts";
import { EXIT } from "./exit-codes.ts";
import type { LogLevel } from "./host/index.ts";

/** What a command line of semrd asks for. */
export interface Arguments {
  readonly config: string;
  readonly check: boolean;
  readonly logLevel?: LogLevel;
  readonly removeForwarding: boolean;
  /** Another program: plays a file to a peer. */
  readonly replay?: ReplayOptions;
  /** Another program: tests somebody else's executor. */
  readonly conformance?: ConformanceCommand;
}

/** @throws {CommanderError} also where help or the version was asked for, with the exit code 0 */
export function parseArguments(argv: readonly string[]): Arguments {
  const command = new Command("semrd")
    .description("Capability router: agents register what they can do, BGP advertises it, XDP forwards to it.")
    .version("0.1.0")
    .option(
      "-c, --config <file>",
      "configuration: an RFC 7951 JSON instance document of semrd-router",
      "/etc/semrd/semrd.json",
    )
    .option("--check", "validate the configuration, print every fault, and exit", false)
    .addOption(
      new Option("--log-level <level>", "wins over the configuration").choices(["error", "warn", "info", "debug"]),
    )
    .option(
      "--remove-forwarding",
      "detach the programs and remove the pinned tables of an earlier run, and exit",
      false,
    )
    .addHelpText(
      "after",
      `
The configuration can be changed while semrd runs: semrctl config, or change the file and send SIGHUP.
Stopping semrd (SIGTERM, SIGINT) leaves the pinned tables forwarding, and its neighbours keep its routes for the
graceful restart time: a restart loses nothing. Use --remove-forwarding to take a router out of service.

Exit codes: 0 done, 64 usage, 69 something it needs is taken or missing, 70 a defect of semrd, 77 no permission, 78 configuration.`,
    )
    .exitOverride();
  let replay: ReplayOptions | undefined;
  // With a subcommand there has to be something to do without one.
  command.action(() => {});
  addReplay(command, (options) => {
    replay = options;
  });
  let conformance: ConformanceCommand | undefined;
  addFibConformance(command, (options) => {
    conformance = options;
  });
  return {
    ...command.parse(argv as string[]).opts<Arguments>(),
    ...(replay === undefined ? {} : { replay }),
    ...(conformance === undefined ? {} : { conformance }),
  };
}

const FAMILIES = ["capability", "ipv6-unicast", "ipv4-unicast"] as const;

function number(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`a whole number from ${minimum} to ${maximum} is expected`);
  };
}

function address(text: string): string {
  if (parseIpv4(text) !== undefined || parseIpv6(text) !== undefined) return text;
  throw new InvalidArgumentError("an IPv6 or IPv4 address is expected");
}

function dottedQuad(text: string): string {
  if ((parseIpv4(text) ?? 0) !== 0) return text;
  throw new InvalidArgumentError("four numbers with dots are expected, such as 192.0.2.1");
}

function addReplay(command: Command, chosen: (options: ReplayOptions) => void): void {
  interface Given extends Omit<ReplayOptions, "file" | "families"> {
    readonly family?: (typeof FAMILIES)[number];
  }
  command
    .command("mrt")
    .description("files in MRT format")
    .command("replay")
    .description("play the routes of a file to a peer over a BGP session; the peer keeps them until this is stopped")
    .argument("<file>", "TABLE_DUMP_V2 or BGP4MP, not compressed")
    .requiredOption("--to <address>", "the peer", address)
    .option("--port <number>", "its port", number(1, 65535), 179)
    .option("--source <address>", "of our end, which is also the next hop towards other ASes", address)
    .option("--local-as <number>", "the AS of our end", number(1, 4294967294), 64512)
    .option("--peer-as <number>", "the AS of the peer", number(1, 4294967294), 64512)
    .option("--router-id <quad>", "the BGP identifier of our end", dottedQuad, "192.0.2.1")
    .addOption(new Option("--family <name>", "these routes only").choices(FAMILIES))
    .option("--from <address>", "the paths of this neighbour of a table; else the first of each route", address)
    .option("--pace <number>", "routes a second", number(1, 10_000_000))
    .option("--limit <number>", "stop after so many routes", number(1, 100_000_000))
    .option("--maximum-routes <number>", "room for routes", number(1, 1 << 24), 1 << 22)
    .action((file: string, { family, ...given }: Given) =>
      chosen({ ...given, file, families: family === undefined ? FAMILIES : [family] }),
    );
}

function executorAddress(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port = "9560"] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? text;
  const isAddress = parseIpv4(host) !== undefined || parseIpv6(host) !== undefined;
  if (isAddress && number(1, 65535)(port) > 0) return { host, port: Number((bracketed ?? plain) ? port : "9560") };
  throw new InvalidArgumentError("an address is expected, such as [2001:db8::7]:9560 or 192.0.2.7");
}

function addFibConformance(command: Command, chosen: (options: ConformanceCommand) => void): void {
  interface Given extends Omit<ConformanceCommand, "executor" | "seed"> {
    readonly seed?: number;
    readonly certificate?: string;
    readonly key?: string;
    readonly ca?: string;
    readonly serverName?: string;
  }
  command
    .command("fib-conformance")
    .description("test whether an executor of the FIB service keeps to the protocol; its plan is empty afterwards")
    .argument("<address>", "where it listens, such as [2001:db8::7]:9560", executorAddress)
    .option("--json", "print one JSON document instead of lines", false)
    .option("--entries <number>", "capabilities of the big plan", number(1, 10_000_000), 100_000)
    .option("--deadline <ms>", "how long an answer may take", number(10, 600_000), 5_000)
    .option("--only <text>", "cases with this in their name only")
    .option("--seed <number>", "of what is random; a report says which it used", number(0, 0x7fffffff))
    .option("--certificate <file>", "of this end, in PEM; with --key and --ca: TLS")
    .option("--key <file>", "private key of the certificate")
    .option("--ca <file>", "certificates that the executor's has to be signed by")
    .option("--server-name <name>", "the name in the executor's certificate")
    .addHelpText(
      "after",
      `
Exit codes: 0 it conforms, 1 it does not, 64 usage, 69 nobody answers. An executor that works for a router refuses the test.
The protocol is src/dataplane/fib-service/README.md and fib.proto beside it; lab/fib-executor is an executor that conforms.`,
    )
    .action((executor: ReturnType<typeof executorAddress>, { certificate, key, ca, serverName, ...given }: Given) => {
      const files = [certificate, key, ca].filter((file) => file !== undefined);
      if (files.length !== 0 && files.length !== 3)
        throw new CommanderError(EXIT.usage, "semrd.tls", "error: --certificate, --key and --ca belong together");
      const tls =
        certificate === undefined || key === undefined || ca === undefined
          ? {}
          : {
              tls: {
                ...{ certificateFile: certificate, keyFile: key, caFiles: [ca] },
                ...(serverName === undefined ? {} : { serverName }),
              },
            };
      const { seed = Math.floor(Math.random() * 0x7fffffff) } = given;
      chosen({ ...given, seed, executor: { ...executor, ...tls } });
    });
}
