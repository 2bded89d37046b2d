import net from "node:net";
import type { YangContext } from "../../../native/index.ts";
import { messageOf, Scope } from "../../base/index.ts";
import { LocalSocket } from "../control/local-socket.ts";
import { type LocalUser, type LocalUserOf, localUserOf } from "../control/local-users.ts";
import { socketFailure } from "../control/socket.ts";
import type { Prepared } from "../transaction/index.ts";
import type { Caller, Doorkeeper, Login } from "./authentication.ts";
import { openModel, Serving, type ServingOptions, type ServingParts, SWITCHED_OFF } from "./serving.ts";
import { GnmiError } from "./status.ts";

export interface LocalGnmiOptions extends ServingOptions {
  /** Of the UNIX socket. */
  readonly path: string;
}

export interface LocalServingParts extends ServingParts {
  /** With the modules that are served; asked for once, when somebody needs them. */
  readonly openContext: () => Promise<YangContext & AsyncDisposable>;
}

export interface LocalGnmiParts extends LocalServingParts {
  /** Default: as the kernel says. */
  readonly localUserOf?: LocalUserOf;
}

/** Its owner, and so root, and nobody else. */
const MODE = 0o600;
const MAX_CONNECTIONS = 64;
/** Octets of a path of a UNIX socket. */
export const LONGEST_SOCKET_PATH = 107;

/** gNMI without TLS and login, over connections of this host. */
export interface LocalGnmi extends AsyncDisposable {
  /** Serves one of which nothing has been read, or what has been is put back. @throws where there is no server to be had */
  connect(socket: net.Socket, who: LocalUser): Promise<void>;
  /** For calls from now on. */
  goBy(options: ServingOptions): Promise<void>;
  /** Takes no new calls, and ends when each has its answer. */
  retire(why: string): Promise<void>;
}

/** It on a socket of its own. */
export interface LocalGnmiSocket extends AsyncDisposable {
  prepare(next: LocalGnmiOptions): Prepared;
  retire(): Promise<void>;
}

/** Until somebody comes there is nothing. `source`: what it is, for logs. */
export function openLocalGnmi(options: ServingOptions, parts: LocalServingParts, source: string): LocalGnmi {
  const scope = new Scope();
  const users = new LocalUsers(source);
  let wanted = options;
  let opening: Promise<Serving> | undefined;

  async function open(): Promise<Serving> {
    const own = { ...parts, openModel: modelOf, authentication: users, transport: "local" as const };
    const serving = scope.own(await Serving.open(wanted, own));
    serving.goBy(wanted);
    return serving;
  }

  async function modelOf(): ReturnType<typeof openModel> {
    await using context = await parts.openContext();
    return await openModel(context);
  }

  return {
    async connect(socket, who) {
      users.admit(socket, who);
      try {
        opening ??= open();
        const serving = await opening;
        if (scope.signal.aborted || socket.destroyed) return;
        // Of a server of HTTP/1.1 it may be half open: nobody would close our half when the other one is.
        socket.allowHalfOpen = false;
        serving.connect(socket);
        socket.resume();
      } catch (cause) {
        opening = undefined;
        throw cause;
      }
    },
    async goBy(next) {
      wanted = next;
      (await opening)?.goBy(next);
    },
    async retire(why) {
      await (await opening)?.retire(why);
      await scope[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

/** Who has connected, as the kernel says. */
class LocalUsers implements Doorkeeper {
  readonly #source: string;
  readonly #byConnection = new Map<string, LocalUser>();
  #count = 0;

  constructor(source: string) {
    this.#source = source;
  }

  admit(socket: net.Socket, who: LocalUser): void {
    const name = `connection ${++this.#count}`;
    // All that a call says of its connection is the address at the other end, which UNIX sockets have not.
    Object.defineProperty(socket, "remoteAddress", { value: name });
    this.#byConnection.set(name, who);
    socket.once("close", () => this.#byConnection.delete(name));
  }

  async loginOf({ source: connection, metadata }: Caller): Promise<Login> {
    const who = this.#byConnection.get(connection);
    if (who === undefined) throw new GnmiError("UNAUTHENTICATED", "the connection is closed");
    const { name, groups, isRecovery } = who;
    const own = { source: this.#source, groups };
    if (!isRecovery) return { ...own, user: name };
    // Who may do everything says for whom.
    const [said] = metadata.get("semrd-user");
    const isName = typeof said === "string" && /^[\x21-\x7e]{1,64}$/.test(said);
    return { ...own, user: isName ? said : name, isRecovery };
  }
}

/**
 * Serves gNMI without TLS to root and whoever runs the router, with the rights that both have on the control socket. Until
 * somebody comes there is nothing but the socket, as it is there by default.
 *
 * @throws {ControlSocketError} where the socket cannot be made
 */
export async function startLocalGnmi(options: LocalGnmiOptions, parts: LocalGnmiParts): Promise<LocalGnmiSocket> {
  const { log } = parts;
  const scope = new Scope();
  const gnmi = scope.own(openLocalGnmi(options, parts, "local socket"));

  async function connected(socket: net.Socket): Promise<void> {
    socket.on("error", (cause) => log.debug("gnmi.local-connection-failed", { reason: cause.message }));
    try {
      const who = await (parts.localUserOf ?? localUserOf)(socket);
      if (who.isRecovery) {
        await gnmi.connect(socket, who);
        return;
      }
      log.warn("gnmi.login-failed", { source: "local socket", user: who.name, reason: "neither root nor the router" });
      socket.destroy();
    } catch (cause) {
      socket.destroy();
      log.error("gnmi.local-connection-failed", { reason: messageOf(cause) });
    }
  }

  try {
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
    const { clock, metrics } = parts;
    const own = { name: "gnmi-local", clock, log, metrics };
    const listening = scope.own(await LocalSocket.open(listener, { path: options.path, mode: MODE }, own));
    return {
      prepare: (next) => ({
        apply: () => undefined,
        revert: () => undefined,
        finish: () => gnmi.goBy(next),
      }),
      async retire() {
        await listening[Symbol.asyncDispose]();
        await gnmi.retire(SWITCHED_OFF);
        await scope[Symbol.asyncDispose]();
      },
      [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
    };
  } catch (cause) {
    throw await scope.abandon(socketFailure(cause, options.path));
  }
}
