import net from "node:net";
import { userInfo } from "node:os";
import { ServerCredentials } from "@grpc/grpc-js";
import type { YangContext } from "../../../native/index.ts";
import { messageOf, Scope } from "../../base/index.ts";
import { type LocalUserOf, localUserOf } from "../control/local-users.ts";
import { claimSocketPath, listenOnPath, socketFailure } from "../control/socket.ts";
import type { Doorkeeper } from "./authentication.ts";
import { openModel, openServer, type ServingOptions, type ServingParts } from "./serving.ts";

export interface LocalGnmiOptions extends ServingOptions {
  /** Of the UNIX socket. */
  readonly path: string;
}

export interface LocalGnmiParts extends ServingParts {
  /** With the modules that are served; asked for once, when somebody comes. */
  readonly openContext: () => Promise<YangContext & AsyncDisposable>;
  /** Default: as the kernel says. */
  readonly localUserOf?: LocalUserOf;
}

/** Its owner, and so root, and nobody else. */
const MODE = 0o600;
const MAX_CONNECTIONS = 64;
/** Octets of a path of a UNIX socket. */
export const LONGEST_SOCKET_PATH = 107;

/**
 * Serves gNMI without TLS to root and whoever runs the router, with the rights that both have on the control socket. Until
 * somebody comes there is nothing but the socket, as it is there by default.
 *
 * @throws {ControlSocketError} where the socket cannot be made
 */
export async function startLocalGnmi(options: LocalGnmiOptions, parts: LocalGnmiParts): Promise<AsyncDisposable> {
  const { log } = parts;
  const scope = new Scope();
  type Connect = (socket: net.Socket) => void;
  let serving: Promise<Connect> | undefined;

  async function open(): Promise<Connect> {
    await using context = await parts.openContext();
    const model = await openModel(context);
    const own = { ...parts, model, authentication: recovery(), transport: "local" as const };
    const server = await openServer(options, own, scope);
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
    scope.defer(() => injector.destroy());
    return (socket) => {
      injector.injectConnection(socket);
      socket.resume();
    };
  }

  async function connected(socket: net.Socket): Promise<void> {
    socket.on("error", (cause) => log.debug("gnmi.local-connection-failed", { reason: cause.message }));
    try {
      const who = await (parts.localUserOf ?? localUserOf)(socket);
      if (!who.isRecovery) {
        log.warn("gnmi.login-failed", {
          source: "local socket",
          user: who.name,
          reason: "neither root nor the router",
        });
        socket.destroy();
        return;
      }
      serving ??= open();
      const connect = await serving;
      if (!scope.signal.aborted && !socket.destroyed) connect(socket);
    } catch (cause) {
      serving = undefined;
      socket.destroy();
      log.error("gnmi.local-connection-failed", { reason: messageOf(cause) });
    }
  }

  try {
    await claimSocketPath(options.path);
    // Nothing is read before whoever answers is there.
    const listener = net.createServer({ pauseOnConnect: true }, (socket) => void connected(socket));
    listener.maxConnections = MAX_CONNECTIONS;
    const sockets = new Set<net.Socket>();
    listener.on("connection", (socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    scope.defer(() => {
      for (const socket of sockets) socket.destroy();
    });
    await listenOnPath(listener, options.path, MODE);
    scope.defer(() => {
      // The file goes with it.
      listener.close();
    });
    return { [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose]() };
  } catch (cause) {
    throw await scope.abandon(socketFailure(cause, options.path));
  }
}

/** Everybody who could open the socket. */
function recovery(): Doorkeeper {
  const login = { user: ownName(), isRecovery: true } as const;
  return { loginOf: async () => login };
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.geteuid?.()}`; // nobody of the host's list
  }
}
