import { createHash } from "node:crypto";
import type { YangContext } from "../../../native/index.ts";
import type { Clock, Log, Metrics } from "../../base/index.ts";
import type { UserBook } from "../access/index.ts";
import type { NetconfConfiguration } from "../configuration/operators.ts";
import type { Management } from "../datastore/index.ts";
import type { EventLog } from "../events/index.ts";
import type { AccessBook } from "../nacm/index.ts";
import { XPathEvaluator } from "../xpath/index.ts";
import { searchPaths } from "../yang/schema.ts";
import type { WriteSecret } from "./host-keys.ts";
import { RunningNetconf } from "./running.ts";
import { NetconfServer, sessionOptions } from "./server.ts";
import { Connections } from "./transport.ts";

export interface NetconfStartParts {
  readonly management: Management;
  readonly access: AccessBook;
  readonly events: EventLog;
  readonly users: UserBook;
  /** With the modules of the protocol; stays the caller's. */
  readonly context: YangContext;
  /** Where the host keys are. */
  readonly stateDirectory: string;
  readonly writeSecret: WriteSecret;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/**
 * Starts NETCONF as the configuration has it.
 *
 * @throws {Error} with the `code` of the system call where an address cannot be listened on, or a host key, key or
 * certificate is none
 */
export async function startNetconf(options: NetconfConfiguration, parts: NetconfStartParts): Promise<RunningNetconf> {
  const { context, log, clock } = parts;
  const connections = new Connections(log);
  const xpath = new XPathEvaluator({ searchPaths: searchPaths(), clock });
  const server = new NetconfServer({ ...sessionOptions(options), contentId: contentId(context) }, { ...parts, xpath });
  const running = new RunningNetconf({ ...parts, server, xpath, connections });
  try {
    const beginning = await running.prepare(options);
    await beginning.apply();
    await beginning.finish?.();
    return running;
  } catch (cause) {
    await running[Symbol.asyncDispose]();
    throw cause;
  }
}

/** Changes whenever the set of modules does. @see RFC 8525 §3 */
export function contentId({ modules }: YangContext): string {
  const all = modules.map(({ name, revision, implemented, features }) =>
    JSON.stringify([name, revision, implemented, [...features].sort()]),
  );
  return createHash("sha256").update(all.sort().join("\n")).digest("hex").slice(0, 16);
}
