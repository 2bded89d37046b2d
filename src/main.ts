#!/usr/bin/env node
import { CommanderError } from "commander";
import { messageOf } from "./base/index.ts";
import { parseArguments } from "./command-line.ts";
import {
  fibConformance,
  openServiceManager,
  type ReplayOptions,
  type RestartRecord,
  removeForwarding,
  startDaemon,
  startReplay,
} from "./daemon/index.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { becomeSameAgain, type LogLevel, leftByEarlier, openLog } from "./host/index.ts";
import {
  ConfigurationError,
  checkConfigCommand,
  loadConfiguration,
  openRouterSchema,
  type RouterConfiguration,
  type RouterSchema,
} from "./management/index.ts";

// A reader of the help, or of what is printed before a router runs, may have seen enough (`semrd --help | head`).
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

async function replay(options: ReplayOptions, level: LogLevel, signal: AbortSignal): Promise<number> {
  await using log = openLog({ level });
  await using running = await startReplay(options, log, signal);
  const { counts, peer } = await running.done;
  console.log(
    `${peer.routesAdvertised} routes with the peer, which is ${peer.state}; ${counts.records} records, ` +
      `${counts.announced} routes announced, ${counts.withdrawn} withdrawn, ${counts.skipped} records skipped, ` +
      `${counts.malformed} malformed, ${counts.refused} UPDATEs refused`,
  );
  if (peer.state !== "Established") return EXIT.unavailable;
  await aborted(signal);
  return EXIT.ok;
}

/** One line for a person: what went wrong; the code first, so that it can be looked up. */
function complain(code: string, message: string): void {
  console.error(`semrd: ${code}: ${message}`);
}

async function configurationOf(path: string, schema: RouterSchema): Promise<RouterConfiguration | undefined> {
  try {
    return await loadConfiguration(path, { schema });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    for (const line of error.lines()) console.error(`semrd: ${line}`);
    return undefined;
  }
}

/** Where a process that restarts itself leaves word to the next one. */
const RESTARTED = "SEMRD_RESTARTED";

/** A process that does not end for its successor is replaced as it is. */
const LONGEST_END_MS = 30_000;

/** Present: another process is to take the place of this one, once this has closed everything. */
let successor: RestartRecord | undefined;

async function main(argv: readonly string[]): Promise<number> {
  const options = parseArguments(argv);
  if (options.replay !== undefined) {
    return replay(options.replay, options.logLevel ?? "warn", stopSignal());
  }
  if (options.conformance !== undefined) {
    return fibConformance(options.conformance, (text) => console.log(text));
  }
  if (options.check) {
    return checkConfigCommand(options.config, { out: (line) => console.log(line), err: (line) => console.error(line) });
  }
  // From the beginning and to the end: unheard, the signal would end a router that is just starting, or stopping.
  let reload = (): void => {
    isAsked = true;
  };
  let isAsked = false;
  process.on("SIGHUP", () => reload());
  await using schema = await openRouterSchema();
  const configuration = await configurationOf(options.config, schema);
  if (configuration === undefined) return EXIT.configuration;

  await using log = openLog({ level: options.logLevel ?? configuration.telemetry.logLevel });
  if (options.removeForwarding) {
    await removeForwarding({ file: options.config, startup: configuration }, log);
    return EXIT.ok;
  }
  using manager = openServiceManager(log);
  const stop = new AbortController();
  const signal = stopSignal(stop);
  const { config: file, logLevel } = options;
  const restart = {
    before: (leftByEarlier(RESTARTED) as RestartRecord | undefined) ?? { count: 0 },
    restart: (record: RestartRecord): void => {
      successor = record;
      setTimeout(() => successor && becomeSameAgain(RESTARTED, successor), LONGEST_END_MS).unref();
      stop.abort("restart");
    },
  };
  const start = { file, startup: configuration, schema, restart, ...(logLevel === undefined ? {} : { logLevel }) };
  await using router = await startDaemon(start, log, signal).catch((cause: unknown) => {
    // Told to stop while it was starting: that it did not start is what was asked for.
    if (!signal.aborted) throw cause;
    log.info("router.start-stopped", { reason: messageOf(cause) });
    return undefined;
  });
  if (router === undefined) return EXIT.ok;
  reload = () => router.reload();
  if (isAsked) reload();
  manager.ready(`${configuration.name} runs`);
  await aborted(signal);
  if (successor === undefined) manager.stopping();
  else manager.restarting();
  return EXIT.ok;
}

function stopSignal(stop = new AbortController()): AbortSignal {
  for (const name of ["SIGTERM", "SIGINT"] as const) {
    process.once(name, () => {
      successor = undefined;
      stop.abort(name);
    });
  }
  return stop.signal;
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

if (successor !== undefined) becomeSameAgain(RESTARTED, successor);

// An environment that is taken down by itself gives up its signal handlers first, and a SIGHUP would then end it otherwise than asked.
process.once("beforeExit", () => process.exit());
