import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as after } from "node:timers/promises";

/** A connection, and what is spoken on it: TLS, or itself. */
export interface Spoken {
  readonly socket: Socket;
  readonly stream: Duplex;
}

/** What is neither a record of TLS nor a request. */
const GARBAGE = Buffer.from(Uint8Array.from({ length: 300 }, (_, i) => (i * 37 + 11) % 251));

/** A UNIX socket has none: closed with answers that were not read, it is one. */
function reset(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

/** Ways to leave in the middle of answers that are not being read, by name. */
export const RUDE_ENDS: Readonly<Record<string, (spoken: Spoken) => Promise<void> | void>> = {
  "a reset": ({ socket }) => reset(socket),
  "garbage, and a reset": async ({ socket }) => {
    socket.write(GARBAGE);
    await after(10);
    reset(socket);
  },
  "its end, and garbage behind it": async ({ socket, stream }) => {
    stream.end();
    await after(5);
    if (socket.writable) socket.write(GARBAGE);
    await after(5);
    socket.destroy();
  },
  "half of a connection, and a reset": async ({ socket }) => {
    socket.end();
    await after(10);
    reset(socket);
  },
  "no request, and a reset": async ({ socket, stream }) => {
    stream.write("\0no request\r\n\r\n".repeat(500));
    await after(10);
    reset(socket);
  },
  "everything that waited, read after garbage": async ({ socket }) => {
    socket.write(GARBAGE);
    socket.resume();
    await after(20);
    socket.destroy();
  },
};
