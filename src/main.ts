#!/usr/bin/env node
import { Command, CommanderError, Option } from "commander";
import { FaultError, messageOf } from "./base/index.ts";
import { removeForwarding, startDaemon } from "./daemon/index.ts";
import { type LogLevel, openLog } from "./host/index.ts";
import {
  ConfigurationError,
  ControlSocketError,
  checkConfigCommand,
  loadConfiguration,
  type RouterConfiguration,
} from "./management/index.ts";

/** Exit codes, those of sysexits.h: what a service manager or a script can act on. */
const EXIT = { ok: 0, usage: 64, unavailable: 69, internal: 70, noPermission: 77, configuration: 78 } as const;

/** What the configuration asks for cannot be, though the model allows it. */
const CONFIGURATION = /^(telemetry\.not-loopback|bgp\.(bad-address|duplicate-peer|needs-addon)|directory\.)/;
const NO_PERMISSION = /^(EPERM|EACCES)$|\.(no-rights|no-permission)$/;

interface Arguments {
  readonly config: string;
  readonly check: boolean;
  readonly logLevel?: LogLevel;
  readonly removeForwarding: boolean;
}

function parseArguments(argv: readonly string[]): Arguments {
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
Stopping semrd (SIGTERM, SIGINT) leaves the pinned tables forwarding, and its neighbours keep its routes for the
graceful restart time: a restart loses nothing. Use --remove-forwarding to take a router out of service.

Exit codes: 0 done, 64 usage, 69 something it needs is taken or missing, 70 a defect of semrd, 77 no permission, 78 configuration.`,
    )
    .exitOverride();
  return command.parse(argv as string[]).opts<Arguments>();
}

/** One line for a person: what went wrong; the code first, so that it can be looked up. */
function complain(code: string, message: string): void {
  console.error(`semrd: ${code}: ${message}`);
}

/** A fault that a part names is about the host or the configuration; anything else is a defect. */
function exitCodeOf(error: unknown, code: string): number {
  const { errno } = error instanceof FaultError ? (error.fault as { errno?: unknown }) : { errno: undefined };
  if (NO_PERMISSION.test(code) || NO_PERMISSION.test(String(errno))) return EXIT.noPermission;
  if (CONFIGURATION.test(code)) return EXIT.configuration;
  const known = error instanceof FaultError || error instanceof ControlSocketError || isSystemError(error);
  return known ? EXIT.unavailable : EXIT.internal;
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && "syscall" in error;
}

async function configurationOf(path: string): Promise<RouterConfiguration | undefined> {
  try {
    return await loadConfiguration(path);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const line of error.lines()) console.error(`semrd: ${line}`);
    return undefined;
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const options = parseArguments(argv);
  if (options.check) {
    return checkConfigCommand(options.config, { out: (line) => console.log(line), err: (line) => console.error(line) });
  }
  const configuration = await configurationOf(options.config);
  if (configuration === undefined) return EXIT.configuration;

  await using log = openLog({ level: options.logLevel ?? configuration.telemetry.logLevel });
  if (options.removeForwarding) {
    await removeForwarding(configuration, log);
    return EXIT.ok;
  }
  const stop = new AbortController();
  for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop.abort(name));
  await using _daemon = await startDaemon(configuration, log, stop.signal);
  await aborted(stop.signal);
  return EXIT.ok;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

try {
  process.exitCode = await main(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  else {
    const code = String((error as { code?: unknown }).code ?? "internal");
    complain(code, messageOf(error));
    const exit = exitCodeOf(error, code);
    if (exit === EXIT.internal && error instanceof Error) console.error(error.stack);
    process.exitCode = exit;
  }
}
