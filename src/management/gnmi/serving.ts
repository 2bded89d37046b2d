import type { Socket } from "node:net";
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import type { YangContext } from "../../../native/index.ts";
import { type Clock, type Log, type Metrics, messageOf, milliseconds, toMilliseconds } from "../../base/index.ts";
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
/** What streams are told then. */
export const SWITCHED_OFF = "gNMI is switched off by the configuration";
/** For clients to be told that the process ends. */
const LAST_WORDS = milliseconds(500);
/** Longest that a call may be at an answer when it is switched off. */
const LAST_ANSWERS = milliseconds(60_000);

/** gRPC as it is configured at one time. */
interface Generation {
  readonly server: Server;
  readonly connect: (socket: Socket) => void;
  readonly sockets: Set<Socket>;
  /** With its last connection. */
  ended?: () => void;
}

export interface ServingOwnParts extends ServingParts {
  /** Asked for once, when somebody needs it. */
  readonly openModel: () => Promise<Model>;
  readonly authentication: Doorkeeper;
  readonly transport: "tls" | "local";
}

/**
 * All services, on whatever connections it is given. gRPC takes its limits when it is made, so where they change there is another one:
 * connections end with the calls that they have, and clients make their next ones on new connections.
 */
export class Serving implements AsyncDisposable {
  readonly #parts: ServingOwnParts;
  readonly #door: CallDoor;
  readonly #gnmi: GnmiServer;
  readonly #services: readonly (readonly [ServiceDefinition, UntypedServiceImplementation])[];
  /** Those that take no new calls, until they have none. */
  readonly #earlier = new Map<Generation, Promise<void>>();
  #options: ServingOptions;
  #current: Generation;
  #closed: Promise<void> | undefined;

  private constructor(options: ServingOptions, parts: ServingOwnParts, proto: Awaited<ReturnType<typeof loadServed>>) {
    this.#options = options;
    this.#parts = parts;
    this.#door = new CallDoor(MAX_CALLS, parts);
    this.#gnmi = new GnmiServer({ maxStreams: options.maxStreams, outbox: OUTBOX }, parts, this.#door);
    const describing = { folder: FOLDER, files: FILES, services: [...SERVICES, ...ALONGSIDE] };
    const reflecting = reflection(describing, this.#door);
    this.#services = [
      [gnmiService(proto), this.#gnmi.implementation],
      [serviceNamed(proto, SYSTEM), gnoiSystem(parts, this.#door)],
      [serviceNamed(proto, "grpc.health.v1.Health"), health(SERVICES)],
      ...REFLECTION.map((name) => [reflectionService(proto, name), reflecting] as const),
    ];
    this.#current = this.#generation(options);
  }

  static async open(options: ServingOptions, parts: ServingOwnParts): Promise<Serving> {
    return new Serving(options, parts, await loadServed(parts.clock));
  }

  /** Speaks gRPC on a connection, whatever it came over; nothing of it has been read. */
  connect(socket: Socket): void {
    const current = this.#current;
    current.sockets.add(socket);
    socket.once("close", () => {
      current.sockets.delete(socket);
      if (current.sockets.size === 0) current.ended?.();
    });
    socket.on("error", (cause) => this.#parts.log.debug("gnmi.connection-failed", { reason: messageOf(cause) }));
    current.connect(socket);
  }

  /** For calls from now on. */
  goBy(options: ServingOptions): void {
    const before = this.#options;
    this.#gnmi.maxStreams = options.maxStreams;
    this.#options = options;
    if (before.maxMessage !== options.maxMessage || before.idleTimeout !== options.idleTimeout) this.renew();
  }

  /** Who calls next has to connect anew. */
  renew(): void {
    const before = this.#current;
    this.#current = this.#generation(this.#options);
    void this.#drain(before);
  }

  /** Takes no new calls; streams are told why, and every other call has its answer. Resolves when nothing is open. */
  async retire(why: string): Promise<void> {
    const { clock } = this.#parts;
    const timer = clock.after(LAST_ANSWERS, () => void this[Symbol.asyncDispose]());
    void this.#drain(this.#current);
    this.#door.end(why);
    await Promise.all(this.#earlier.values());
    timer.cancel();
    await this[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { clock } = this.#parts;
    this.#door[Symbol.dispose]();
    this.#gnmi[Symbol.dispose]();
    void this.#drain(this.#current);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = clock.after(LAST_WORDS, resolve);
    await Promise.race([Promise.all(this.#earlier.values()), late]);
    timer.cancel();
    const all = [...this.#earlier.keys(), this.#current];
    for (const { server } of all) server.forceShutdown();
    for (const { sockets } of all) for (const socket of sockets) socket.destroy();
  }

  #drain(generation: Generation): Promise<void> {
    const { server, sockets } = generation;
    const known = this.#earlier.get(generation);
    if (known !== undefined) return known;
    const drained = new Promise<void>((resolve) => {
      generation.ended = resolve;
      // It calls back before the last call has its answer: Node has closed the sessions by then, which is not their end.
      server.tryShutdown(() => {
        if (sockets.size === 0) resolve();
      });
    }).finally(() => this.#earlier.delete(generation));
    this.#earlier.set(generation, drained);
    return drained;
  }

  #generation({ maxMessage, idleTimeout }: ServingOptions): Generation {
    const server = new Server({
      "grpc.max_receive_message_length": maxMessage,
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": MAX_CONNECTION_STREAMS,
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      interceptors: [inTurns(this.#parts.clock)],
      ...(idleTimeout === undefined ? {} : { "grpc.max_connection_idle_ms": toMilliseconds(idleTimeout) }),
    });
    for (const [service, implementation] of this.#services) server.addService(service, implementation);
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    return { server, sockets: new Set(), connect: (socket) => injector.injectConnection(socket) };
  }
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
