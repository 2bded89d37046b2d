import path from "node:path";
import { loadNative } from "../../native/index.ts";
import { type Log, Scope } from "../base/index.ts";
import { type LogLevel, openFolder, openStateDirectory, systemClock, systemRandom } from "../host/index.ts";
import { AlarmBook, openRouterManagement, type RouterConfiguration, type RouterSchema } from "../management/index.ts";
import { ALARM_TYPES, persistFailure, selectedNodes } from "./alarms/index.ts";
import { commitsFolder } from "./live/in-force.ts";
import { startupFile } from "./live/index.ts";
import { Reloads } from "./live/reload.ts";
import { againstRestart, Restarter, type RestarterParts } from "./restart.ts";
import { ServiceManager } from "./service-manager.ts";
import { beginning, startParts } from "./start/index.ts";
import type { Origin } from "./way-out.ts";

export { type ConformanceCommand, fibConformance } from "./fib-conformance.ts";
export { type Replay, type ReplayOptions, startReplay } from "./mrt-replay.ts";
export { removeForwarding } from "./remove-forwarding.ts";
export type { RestartRecord } from "./restart.ts";
export type { ServiceManager } from "./service-manager.ts";

/** Whoever started this process, as its environment says. */
export const openServiceManager = (log: Log): ServiceManager =>
  new ServiceManager({
    environment: process.env,
    pid: process.pid,
    send: (path, text) => loadNative().sock.sendLocal(path, text),
    ...{ clock: systemClock, log },
  });

/** What a router is started with. */
export interface DaemonOptions {
  /** Path of the startup file. */
  readonly file: string;
  /** What it says: where the state is, and what to run without any. */
  readonly startup: RouterConfiguration;
  /** What it was read with, which outlives the router. */
  readonly schema: RouterSchema;
  /** Absent: that of the configuration. */
  readonly logLevel?: LogLevel;
  /** How operators restart it. */
  readonly restart: Pick<RestarterParts, "before" | "restart">;
}

/** A router that runs. */
export interface RunningRouter extends AsyncDisposable {
  /** Takes the startup file over, or changes nothing; the log says which, later. */
  reload(): void;
}

/**
 * Starts a router, with the last commit where there is one and the startup file is still the same; it serves when this
 * resolves.
 *
 * Disposing it closes what it opened and leaves the kernel forwarding. On failure everything is closed again and the
 * cause is thrown: the part's own `FaultError` or a system error, with what to do about it in its message.
 */
export async function startDaemon(
  { file, startup, schema, logLevel, restart }: DaemonOptions,
  log: Log & { level: LogLevel },
  signal: AbortSignal,
): Promise<RunningRouter> {
  const scope = new Scope(signal);
  try {
    scope.own(await openStateDirectory(startup.stateDirectory));
    const alarms = new AlarmBook(Object.values(ALARM_TYPES), systemClock, {
      select: (expression) => selectedNodes(management.engine, expression, scope.signal),
      failed: (expression, [reason]) => log.warn("alarms.criterion", { expression, reason: reason?.message }),
    });
    const folder = commitsFolder(startup.stateDirectory);
    const management = scope.own(
      await openRouterManagement({
        durable: (failure) => alarms.reconcile(ALARM_TYPES.persist.id, persistFailure(folder, failure)),
        startup: startupFile(file),
        folder: path.dirname(path.resolve(file)),
        commits: await openFolder(folder),
        ...{ clock: systemClock, random: systemRandom, log, schema },
      }),
    );
    const configuration = management.engine.initial.inUse;
    if (logLevel === undefined) log.level = configuration.telemetry.logLevel;
    const origin = (): Origin => ({
      ...{ file, startup, folder },
      commit: management.engine.log(1)[0]?.id ?? 0,
    });
    const check = (): Promise<string | undefined> => againstRestart(file, management.engine);
    const restarter = scope.own(new Restarter({ ...restart, check, clock: systemClock, log }));
    const fixedLevel = logLevel !== undefined;
    const begun = await beginning({ configuration, management, alarms, log, scope });
    await startParts(begun, { fixedLevel, origin, restart: restarter });
    const reloads = scope.own(new Reloads(management, file, log));
    return {
      reload: () => reloads.ask(),
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}
