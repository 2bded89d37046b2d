import { Server } from "@grpc/grpc-js";
import type { YangContext } from "../../../native/index.ts";
import { type Clock, type Log, type Metrics, type Scope, toMilliseconds } from "../../base/index.ts";
import { Model as Words } from "../../words/index.ts";
import type { GrpcConfiguration } from "../configuration/grpc.ts";
import { schemaNodes } from "../control/schema-report.ts";
import type { Management } from "../datastore/index.ts";
import type { AccessBook } from "../nacm/index.ts";
import type { StateBook } from "../state/index.ts";
import type { Doorkeeper } from "./authentication.ts";
import { CallDoor } from "./calls.ts";
import type { ControlOrigin } from "./control/index.ts";
import type { Arbiter } from "./extensions.ts";
import type { RestartControl } from "./gnoi/restart.ts";
import { gnoiSystem, SYSTEM } from "./gnoi/system.ts";
import { health } from "./health.ts";
import { inTurns } from "./in-turns.ts";
import { LeafMaker } from "./leaves.ts";
import type { Model } from "./parts.ts";
import { PathReader } from "./paths.ts";
import { reflection } from "./reflection/service.ts";
import { schemaTree } from "./schema-tree.ts";
import { GnmiServer } from "./server.ts";
import { FILES, FOLDER, gnmiService, loadServed, reflectionService, serviceNamed } from "./service.ts";

export type ServingOptions = Pick<GrpcConfiguration, "maxStreams" | "maxMessage" | "idleTimeout">;

/** What the services are made of, whatever they are reached over. */
export interface ServingParts {
  readonly management: Management;
  readonly access: AccessBook;
  readonly state: StateBook;
  readonly restart: RestartControl;
  readonly control: ControlOrigin;
  /** One for all servers: they write to the same datastores. */
  readonly arbiter: Arbiter;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
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

/** A server of all services, which listens nowhere yet; it ends with `scope`. */
export async function openServer(
  { maxMessage, maxStreams, idleTimeout }: ServingOptions,
  parts: ServingParts & {
    /** Asked for once, when somebody needs it. */
    readonly openModel: () => Promise<Model>;
    readonly authentication: Doorkeeper;
    readonly transport: "tls" | "local";
  },
  scope: Scope,
): Promise<Server> {
  const proto = await loadServed(parts.clock);
  const door = new CallDoor(MAX_CALLS, parts);
  const server = new Server({
    "grpc.max_receive_message_length": maxMessage,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": MAX_CONNECTION_STREAMS,
    "grpc.keepalive_time_ms": KEEPALIVE_MS,
    interceptors: [inTurns(parts.clock)],
    ...(idleTimeout === undefined ? {} : { "grpc.max_connection_idle_ms": toMilliseconds(idleTimeout) }),
  });
  // What is open ends with the process's word for it, not with a reset.
  scope.defer(() => server.forceShutdown());
  const gnmi = scope.own(new GnmiServer({ maxStreams, outbox: OUTBOX }, parts, door));
  scope.own(door);
  server.addService(gnmiService(proto), gnmi.implementation);
  server.addService(serviceNamed(proto, SYSTEM), gnoiSystem(parts, door));
  server.addService(serviceNamed(proto, "grpc.health.v1.Health"), health(SERVICES));
  const describing = { folder: FOLDER, files: FILES, services: [...SERVICES, ...ALONGSIDE] };
  const reflecting = reflection(describing, door);
  for (const name of REFLECTION) server.addService(reflectionService(proto, name), reflecting);
  return server;
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
