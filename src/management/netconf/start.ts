import { createHash } from "node:crypto";
import type { YangContext } from "../../../native/index.ts";
import { type Clock, type Log, type Metrics, Scope, toMilliseconds } from "../../base/index.ts";
import type { UserBook } from "../access/index.ts";
import type { NetconfConfiguration } from "../configuration/operators.ts";
import type { Management } from "../datastore/index.ts";
import type { EventLog } from "../events/index.ts";
import { hostKeys, type WriteSecret } from "./host-keys.ts";
import { NetconfServer } from "./server.ts";
import { SshListener } from "./ssh-listener.ts";

export interface NetconfStartParts {
  readonly management: Management;
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

/** A NETCONF server that listens. */
export interface RunningNetconf extends AsyncDisposable {
  readonly server: NetconfServer;
  readonly listeners: readonly SshListener[];
}

/**
 * Starts NETCONF as the configuration has it.
 *
 * @throws {Error} with the `code` of the system call where an address cannot be listened on, or a host key is none
 */
export async function startNetconf(options: NetconfConfiguration, parts: NetconfStartParts): Promise<RunningNetconf> {
  const { stateDirectory, writeSecret, log, context, users, clock, metrics } = parts;
  const { maxMessage, helloTimeout, idleTimeout, maxSessions, loginTimeout, maxLogins, maxAttempts } = options;
  const keys = await hostKeys(stateDirectory, writeSecret, log);
  const limits = {
    ...{ maxMessage, helloTimeout: toMilliseconds(helloTimeout) },
    ...(idleTimeout === undefined ? {} : { idleTimeout: toMilliseconds(idleTimeout) }),
  };
  const server = new NetconfServer({ limits, maxSessions, contentId: contentId(context) }, parts);
  const scope = new Scope();
  const listeners: SshListener[] = [];
  try {
    for (const { address, port } of options.listen) {
      const own = { address, port, hostKeys: keys, loginTimeout: toMilliseconds(loginTimeout), maxLogins, maxAttempts };
      listeners.push(scope.own(await SshListener.listen(own, { users, server, clock, log, metrics })));
    }
  } catch (cause) {
    throw await scope.abandon(cause);
  }
  // Before its connections end, so that every session knows why.
  scope.defer(() => server.close());
  return { server, listeners, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
}

/** Changes whenever the set of modules does. @see RFC 8525 §3 */
export function contentId({ modules }: YangContext): string {
  const all = modules.map(({ name, revision, implemented, features }) =>
    JSON.stringify([name, revision, implemented, [...features].sort()]),
  );
  return createHash("sha256").update(all.sort().join("\n")).digest("hex").slice(0, 16);
}
