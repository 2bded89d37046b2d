import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { YangContext } from "../../../native/index.ts";
import { type Clock, type Log, type Metrics, messageOf, Scope, toMilliseconds } from "../../base/index.ts";
import { Model as Words } from "../../words/index.ts";
import type { UserBook } from "../access/index.ts";
import type { GrpcConfiguration } from "../configuration/grpc.ts";
import { schemaNodes } from "../control/schema-report.ts";
import type { Management } from "../datastore/index.ts";
import type { AccessBook } from "../nacm/index.ts";
import type { StateBook } from "../state/index.ts";
import { Authentication } from "./authentication.ts";
import { CallDoor } from "./calls.ts";
import type { RestartControl } from "./gnoi/restart.ts";
import { gnoiSystem, SYSTEM } from "./gnoi/system.ts";
import { health } from "./health.ts";
import { LeafMaker } from "./leaves.ts";
import type { Model } from "./parts.ts";
import { PathReader } from "./paths.ts";
import { reflection } from "./reflection/service.ts";
import { schemaTree } from "./schema-tree.ts";
import { GnmiServer } from "./server.ts";
import { FILES, FOLDER, gnmiService, loadProto, serviceNamed } from "./service.ts";
import type { OperatorTokens } from "./tokens.ts";

/** A configuration that listens. */
export type GnmiOptions = Omit<GrpcConfiguration, "issuers"> & { readonly tls: NonNullable<GrpcConfiguration["tls"]> };

export interface GnmiStartParts {
  readonly management: Management;
  readonly access: AccessBook;
  readonly state: StateBook;
  readonly users: UserBook;
  readonly tokens: OperatorTokens;
  readonly restart: RestartControl;
  /** With the modules that are served; only asked for what it has. */
  readonly context: YangContext;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A gNMI server that listens. */
export interface RunningGnmi extends AsyncDisposable {
  /** Ports in the order of the addresses. */
  readonly ports: readonly number[];
}

/** Services that health tells of. */
const SERVICES = ["gnmi.gNMI", SYSTEM] as const;
const REFLECTION = ["grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"] as const;
const ALONGSIDE = ["grpc.health.v1.Health", ...REFLECTION] as const;

/** Calls that are not subscriptions, at one time. */
const MAX_CALLS = 64;
/** What waits for a slow reader. */
const OUTBOX = { leaves: 200_000, octets: 64 * 1024 * 1024 } as const;
/** Streams of one connection. */
const MAX_CONNECTION_STREAMS = 100;
/** A client that is gone without a word is noticed. */
const KEEPALIVE_MS = 30_000;

/**
 * Starts gNMI as the configuration has it.
 *
 * @throws {Error} where an address cannot be listened on, or the certificate and its key cannot be used
 */
export async function startGnmi(options: GnmiOptions, parts: GnmiStartParts): Promise<RunningGnmi> {
  const { users, tokens, clock, log, metrics, context } = parts;
  const { listen, tls, maxMessage, maxStreams, idleTimeout } = options;
  const credentials = await serverCredentials(tls);
  const model = await openModel(context);
  const scope = new Scope();
  try {
    const proto = loadProto();
    const door = new CallDoor(MAX_CALLS, {
      ...parts,
      authentication: new Authentication({ users, tokens, clock, log }),
    });
    const server = new Server({
      "grpc.max_receive_message_length": maxMessage,
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": MAX_CONNECTION_STREAMS,
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      ...(idleTimeout === undefined ? {} : { "grpc.max_connection_idle_ms": toMilliseconds(idleTimeout) }),
    });
    // What is open ends with the process's word for it, not with a reset.
    scope.defer(() => server.forceShutdown());
    const gnmi = new GnmiServer({ maxStreams, outbox: OUTBOX }, { ...parts, model }, door);
    scope.own(gnmi);
    scope.own(door);
    server.addService(gnmiService(proto), gnmi.implementation);
    server.addService(serviceNamed(proto, SYSTEM), gnoiSystem(parts, door));
    server.addService(serviceNamed(proto, "grpc.health.v1.Health"), health(SERVICES));
    const describing = { folder: FOLDER, files: FILES, services: [...SERVICES, ...ALONGSIDE] };
    const reflecting = reflection(describing, door, metrics);
    for (const name of REFLECTION) server.addService(serviceNamed(proto, name), reflecting);
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
  const { certificateFile, keyFile, clientCaFile } = tls;
  try {
    const [cert, key] = await Promise.all([readFile(certificateFile), readFile(keyFile)]);
    const ca = clientCaFile === undefined ? null : await readFile(clientCaFile);
    createSecureContext({ cert, key, ...(ca === null ? {} : { ca }) });
    return ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], ca !== null);
  } catch (cause) {
    const files = [certificateFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])].join(", ");
    throw new Error(`the certificate of gNMI cannot be used (${files}): ${messageOf(cause)}`, { cause });
  }
}

/** @throws {Error} for files that a server could not start with */
export async function checkGnmiCertificate(tls: GnmiOptions["tls"]): Promise<void> {
  await serverCredentials(tls);
}

/** Everything that gNMI has to know about the modules. */
export async function openModel(context: YangContext): Promise<Model> {
  const schema = await context.schema();
  const root = schemaTree(schema);
  let grammar: Words | undefined;
  const words = (): Words => (grammar ??= new Words(schemaNodes(schema, "configuration")));
  const implemented = context.modules.filter((module) => module.implemented);
  const modules = await Promise.all(
    implemented.map(async ({ name, revision }) => {
      const text = await context.source(name, revision === "" ? undefined : revision);
      const organization = /\borganization\s+"([^"]*)"/.exec(text)?.[1]?.replace(/\s+/g, " ").trim();
      return { name, revision, organization: organization ?? "" };
    }),
  );
  const paths = new PathReader(
    root,
    context.modules.map(({ name }) => name),
  );
  return { root, paths, leaves: new LeafMaker(root), words, modules };
}
