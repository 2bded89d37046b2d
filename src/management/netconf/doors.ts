import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { type Log, messageOf, toMilliseconds } from "../../base/index.ts";
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

/** @throws {Error} where a key or certificate is none, or its file cannot be read */
export async function tlsDoor(options: TlsConfiguration, parts: DoorParts): Promise<Door> {
  const { rules, maxLogins } = options;
  const own = { loginTimeout: toMilliseconds(options.loginTimeout), maxLogins, rules, ...(await tlsFiles(options)) };
  const logins = new Logins(own, parts.clock);
  return { transport: new TlsTransport(own, logins, parts), logins };
}

/** Of which a server can be made. */
async function tlsFiles({ certificateFile, keyFile, clientCaFiles }: TlsConfiguration) {
  const files = [certificateFile, keyFile, ...clientCaFiles];
  const [certificate = "", key = "", ...authorities] = await Promise.all(files.map((file) => readFile(file, "utf8")));
  const clientCa = authorities.join("\n");
  try {
    createSecureContext({ cert: Buffer.from(certificate), key: Buffer.from(key), ca: clientCa });
  } catch (cause) {
    throw new Error(`the certificate of NETCONF cannot be used (${certificateFile}, ${keyFile}): ${messageOf(cause)}`, {
      cause,
    });
  }
  return { certificate, key, clientCa };
}

/** @throws {Error} for files that a server could not start with */
export async function checkNetconfCertificate(tls: TlsConfiguration): Promise<void> {
  await tlsFiles(tls);
}
