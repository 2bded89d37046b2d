import type { Server, Socket } from "node:net";
import type { Clock } from "../base/index.ts";
import { PacedSocket } from "./paced-socket.ts";

/** Has whoever serves the connections of `server` read them by pieces. Only for those who take any stream, as `node:http` does. */
export function paceConnections(server: Server, clock: Clock): void {
  const serving = server.listeners("connection");
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const paced = new PacedSocket(socket, clock);
    for (const serve of serving) serve.call(server, paced);
  });
}
