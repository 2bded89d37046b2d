import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import type { YangContext } from "../../../native/index.ts";
import { type Clock, type Log, type Metrics, messageOf, Scope, toMilliseconds } from "../../base/index.ts";
import type { UserBook } from "../access/index.ts";
import type { NetconfConfiguration } from "../configuration/operators.ts";
import type { Management } from "../datastore/index.ts";
import type { EventLog } from "../events/index.ts";
import type { AccessBook } from "../nacm/index.ts";
import { XPathEvaluator } from "../xpath/index.ts";
import { searchPaths } from "../yang/schema.ts";
import { CallHome } from "./call-home.ts";
import { hostKeys, type WriteSecret } from "./host-keys.ts";
import { Listener } from "./listener.ts";
import { NetconfServer } from "./server.ts";
import { SshTransport } from "./ssh-transport.ts";
import { TlsTransport } from "./tls-transport.ts";
import { Logins, type Transport, type TransportParts } from "./transport.ts";

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

/** A NETCONF server that listens. */
export interface RunningNetconf extends AsyncDisposable {
  readonly server: NetconfServer;
  readonly listeners: readonly Listener[];
}

/**
 * Starts NETCONF as the configuration has it.
 *
 * @throws {Error} with the `code` of the system call where an address cannot be listened on, or a host key, key or
 * certificate is none
 */
export async function startNetconf(options: NetconfConfiguration, parts: NetconfStartParts): Promise<RunningNetconf> {
  const { context, users, log, clock, metrics } = parts;
  const { maxMessage, helloTimeout, idleTimeout, maxSessions, ssh, tls, callHome } = options;
  const limits = {
    ...{ maxMessage, helloTimeout: toMilliseconds(helloTimeout) },
    ...(idleTimeout === undefined ? {} : { idleTimeout: toMilliseconds(idleTimeout) }),
  };
  const scope = new Scope();
  const xpath = scope.own(new XPathEvaluator({ searchPaths: searchPaths(), clock }));
  const server = new NetconfServer({ limits, maxSessions, contentId: contentId(context) }, { ...parts, xpath });
  const shared = { users, server, log, clock, metrics };
  const listeners: Listener[] = [];
  try {
    const open = async (transport: Transport, logins: Logins, of: typeof ssh | NonNullable<typeof tls>) => {
      scope.own(transport);
      for (const { address, port } of of.listen) {
        listeners.push(scope.own(await Listener.listen(address, port, { transport, logins, clock, log, metrics })));
      }
      const retry = { retry: toMilliseconds(callHome.retry), maxRetry: toMilliseconds(callHome.maxRetry) };
      for (const client of callHome.clients) {
        if (client.transport === transport.name) scope.own(new CallHome(client, retry, { transport, clock, log }));
      }
    };
    await sshTransport(ssh, parts, shared, open);
    if (tls !== undefined) await tlsTransport(tls, shared, open);
  } catch (cause) {
    throw await scope.abandon(cause);
  }
  // Before its connections end, so that every session knows why.
  scope.defer(() => server.close());
  return { server, listeners, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
}

type Open<Options> = (transport: Transport, logins: Logins, options: Options) => Promise<void>;

async function sshTransport(
  options: NetconfConfiguration["ssh"],
  { stateDirectory, writeSecret, log }: NetconfStartParts,
  shared: TransportParts,
  open: Open<typeof options>,
): Promise<void> {
  const own = {
    ...{ loginTimeout: toMilliseconds(options.loginTimeout), maxLogins: options.maxLogins },
    ...{ maxAttempts: options.maxAttempts, hostKeys: await hostKeys(stateDirectory, writeSecret, log) },
  };
  const logins = new Logins(own, shared.clock);
  await open(new SshTransport(own, logins, shared), logins, options);
}

type TlsConfiguration = NonNullable<NetconfConfiguration["tls"]>;

async function tlsTransport(
  options: TlsConfiguration,
  shared: TransportParts,
  open: Open<TlsConfiguration>,
): Promise<void> {
  const { rules, maxLogins } = options;
  const loginTimeout = toMilliseconds(options.loginTimeout);
  const own = { loginTimeout, maxLogins, rules, ...(await tlsFiles(options)) };
  const logins = new Logins(own, shared.clock);
  await open(new TlsTransport(own, logins, shared), logins, options);
}

async function tlsFiles({ certificateFile, keyFile, clientCaFiles }: TlsConfiguration) {
  const files = [certificateFile, keyFile, ...clientCaFiles];
  const [certificate = "", key = "", ...authorities] = await Promise.all(files.map((file) => readFile(file, "utf8")));
  return { certificate, key, clientCa: authorities.join("\n") };
}

/** @throws {Error} for files that a server could not start with */
export async function checkNetconfCertificate(tls: TlsConfiguration): Promise<void> {
  const { certificate, key, clientCa } = await tlsFiles(tls);
  try {
    createSecureContext({ cert: Buffer.from(certificate), key: Buffer.from(key), ca: clientCa });
  } catch (cause) {
    const files = `${tls.certificateFile}, ${tls.keyFile}`;
    throw new Error(`the certificate of NETCONF cannot be used (${files}): ${messageOf(cause)}`, { cause });
  }
}

/** Changes whenever the set of modules does. @see RFC 8525 §3 */
export function contentId({ modules }: YangContext): string {
  const all = modules.map(({ name, revision, implemented, features }) =>
    JSON.stringify([name, revision, implemented, [...features].sort()]),
  );
  return createHash("sha256").update(all.sort().join("\n")).digest("hex").slice(0, 16);
}
