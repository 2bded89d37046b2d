import { AsyncLocalStorage } from "node:async_hooks";
import type { Socket } from "node:net";
import type { TLSSocket, Server as TlsServer } from "node:tls";
import type { Clock } from "../base/index.ts";
import { PacedSocket } from "./paced-socket.ts";

/** TLS is spoken on a stream that is no socket, and tells no address: the connection itself does. */
export interface SecuredHandlers {
  /** A handshake is done; in the place of `secureConnection`. */
  secured(stream: TLSSocket, socket: Socket): void;
  /** A handshake has failed; in the place of `tlsClientError`. */
  failed(cause: Error, socket: Socket): void;
}

/** Has `server` read its connections by pieces: a record of TLS may hold one octet. */
export function paceSecured(server: TlsServer, clock: Clock, handlers: SecuredHandlers): void {
  const securing = server.listeners("connection");
  const sockets = new AsyncLocalStorage<Socket>();
  for (const event of ["connection", "secureConnection", "tlsClientError"]) server.removeAllListeners(event);
  server.on("connection", (socket: Socket) => {
    const paced = new PacedSocket(socket, clock);
    // What a handshake leads to is called in the context in which it began: nothing else tells which connection it was.
    sockets.run(socket, () => {
      for (const secure of securing) secure.call(server, paced);
    });
  });
  server.on("secureConnection", (stream: TLSSocket) => {
    const socket = sockets.getStore();
    if (socket === undefined) stream.destroy();
    else handlers.secured(stream, socket);
  });
  server.on("tlsClientError", (cause: Error, stream: TLSSocket) => {
    const socket = sockets.getStore();
    stream.destroy();
    if (socket !== undefined) handlers.failed(cause, socket);
  });
}
