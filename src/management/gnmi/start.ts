import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { type Server, ServerCredentials } from "@grpc/grpc-js";
import type { YangContext } from "../../../native/index.ts";
import { messageOf, Scope } from "../../base/index.ts";
import type { UserBook } from "../access/index.ts";
import type { GrpcConfiguration } from "../configuration/grpc.ts";
import { Authentication } from "./authentication.ts";
import { openModel, openServer, type ServingParts } from "./serving.ts";
import type { OperatorTokens } from "./tokens.ts";

/** A configuration that listens. */
export type GnmiOptions = Omit<GrpcConfiguration, "issuers" | "localSocket"> & {
  readonly tls: NonNullable<GrpcConfiguration["tls"]>;
};

export interface GnmiStartParts extends ServingParts {
  readonly users: UserBook;
  readonly tokens: OperatorTokens;
  /** With the modules that are served; only asked for what it has. */
  readonly context: YangContext;
}

/** A gNMI server that listens. */
export interface RunningGnmi extends AsyncDisposable {
  /** Ports in the order of the addresses. */
  readonly ports: readonly number[];
}

/**
 * Starts gNMI as the configuration has it.
 *
 * @throws {Error} where an address cannot be listened on, or the certificate and its key cannot be used
 */
export async function startGnmi(options: GnmiOptions, parts: GnmiStartParts): Promise<RunningGnmi> {
  const { context, log } = parts;
  const { listen, tls } = options;
  const credentials = await serverCredentials(tls);
  const model = await openModel(context);
  const scope = new Scope();
  try {
    const authentication = new Authentication(parts);
    const server = await openServer(
      options,
      { ...parts, openModel: async () => model, authentication, transport: "tls" },
      scope,
    );
    const ports: number[] = [];
    for (const { address, port } of listen) {
      const bound = await bind(server, `${address.includes(":") ? `[${address}]` : address}:${port}`, credentials);
      log.info("gnmi.listening", { address, port: bound });
      ports.push(bound);
    }
    return { ports, [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => (cause === null ? resolve(port) : reject(cause)));
  });
}

async function serverCredentials(tls: GnmiOptions["tls"]): Promise<ServerCredentials> {
  const { certificateFile, keyFile, clientCaFiles } = tls;
  try {
    const [cert, key] = await Promise.all([readFile(certificateFile), readFile(keyFile)]);
    const ca = clientCaFiles === undefined ? null : Buffer.concat(await Promise.all(clientCaFiles.map(withEnd)));
    createSecureContext({ cert, key, ...(ca === null ? {} : { ca }) });
    return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], ca !== null);
  } catch (cause) {
    const files = [certificateFile, keyFile, ...(clientCaFiles ?? [])].join(", ");
    throw new Error(`the certificate of gNMI cannot be used (${files}): ${messageOf(cause)}`, { cause });
  }
}

/** PEM, to be followed by more. */
const withEnd = async (file: string): Promise<Buffer> => Buffer.concat([await readFile(file), Buffer.from("\n")]);

/** @throws {Error} for files that a server could not start with */
export async function checkGnmiCertificate(tls: GnmiOptions["tls"]): Promise<void> {
  await serverCredentials(tls);
}
