import { type Log, toMilliseconds } from "../../base/index.ts";
import { readTlsFiles } from "../../sockets/index.ts";
import type { NetconfConfiguration } from "../configuration/operators.ts";
import { hostKeys, type WriteSecret } from "./host-keys.ts";
import { SshTransport } from "./ssh-transport.ts";
import { TlsTransport } from "./tls-transport.ts";
import { type Door, Logins, type TransportName, type TransportParts } from "./transport.ts";

export interface DoorParts extends TransportParts {
  /** Where the host keys are. */
  readonly stateDirectory: string;
  readonly writeSecret: WriteSecret;
  readonly log: Log;
}

export type Doors = ReadonlyMap<TransportName, Door>;

/** @throws {Error} where a host key is none */
export async function sshDoor(options: NetconfConfiguration["ssh"], parts: DoorParts): Promise<Door> {
  const { stateDirectory, writeSecret, log } = parts;
  const own = {
    ...{ loginTimeout: toMilliseconds(options.loginTimeout), maxLogins: options.maxLogins },
    ...{ maxAttempts: options.maxAttempts, hostKeys: await hostKeys(stateDirectory, writeSecret, log) },
  };
  const logins = new Logins(own, parts.clock);
  return { transport: new SshTransport(own, logins, parts), logins };
}

type TlsConfiguration = NonNullable<NetconfConfiguration["tls"]>;

/** @throws {Error} where its files cannot be used */
export async function tlsDoor(options: TlsConfiguration, parts: DoorParts): Promise<Door> {
  const { rules, maxLogins } = options;
  const identity = await tlsFiles(options);
  const own = { loginTimeout: toMilliseconds(options.loginTimeout), maxLogins, rules, identity };
  const logins = new Logins(own, parts.clock);
  return { transport: new TlsTransport(own, logins, parts), logins };
}

/** Of which a server can be made. */
async function tlsFiles({ certificateFile, keyFile, clientCaFiles }: TlsConfiguration) {
  return await readTlsFiles({ certificateFile, keyFile, authorityFiles: clientCaFiles }, "the certificate of NETCONF");
}

/** @throws {Error} for files that a server could not start with */
export async function checkNetconfCertificate(tls: TlsConfiguration): Promise<void> {
  await tlsFiles(tls);
}
