import { loadNative } from "../../native/index.ts";
import { Scope } from "../../src/base/index.ts";
import type { Log } from "../../src/base/ports.ts";
import { systemClock } from "../../src/host/index.ts";
import {
  type AccessBook,
  Arbiter,
  type ControlHandlers,
  openLocalGnmi,
  StateBook,
  startControlServer,
} from "../../src/management/index.ts";
import { TallyMetrics } from "../sim/tally-metrics.ts";
import { openAccess } from "./nacm/admins.ts";

const SILENT: Log = { error() {}, warn() {}, info() {}, debug() {} };
export const VERSION = "0.1.0";

export interface ControlRouterOptions {
  readonly log?: Log;
  readonly access?: AccessBook;
  readonly version?: string;
  readonly maxMessage?: number;
}

/**
 * A control socket with both of its protocols, whose model is none.
 * @throws {BuildMismatch} the addon tells who connects: without it nobody would be answered, and told why only in the log
 */
export async function startControlRouter(
  socket: string,
  handlers: ControlHandlers,
  { log = SILENT, access = openAccess(), version = VERSION, maxMessage = 64 * 1024 * 1024 }: ControlRouterOptions = {},
): Promise<AsyncDisposable> {
  loadNative();
  const scope = new Scope();
  const gnmi = scope.own(
    openLocalGnmi(
      { maxStreams: 128, maxMessage },
      {
        ...{ management: handlers.management, access, state: new StateBook(systemClock), clock: systemClock, log },
        ...{ metrics: new TallyMetrics(), arbiter: new Arbiter(), control: { version, handlers: () => handlers } },
        restart: { pending: undefined, count: 0, last: undefined, order: async () => "not here", cancel: () => false },
        openContext: () => Promise.reject(new Error("there is no model here")),
      },
      "control socket",
    ),
  );
  const parts = { clock: systemClock, log, access, connectGrpc: gnmi.connect };
  scope.own(await startControlServer({ path: socket }, handlers, parts, scope.signal));
  return scope;
}
