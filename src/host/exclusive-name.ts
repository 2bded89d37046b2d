import { once } from "node:events";
import { createServer } from "node:net";
import { errnoOf, HostError } from "./faults.ts";

/** Longest name of an abstract socket. @see unix(7) */
const LONGEST = 100;

/**
 * Holds a name that only one process of this network namespace can hold, until it is disposed or the process dies: an
 * abstract UNIX socket, which leaves no file behind.
 *
 * @throws {HostError} host.name-in-use; `advice` says to a person what to do then
 */
export async function claimName(name: string, advice: string): Promise<AsyncDisposable> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  try {
    server.listen(`\0semrd ${name}`.slice(0, LONGEST));
    await once(server, "listening");
  } catch (cause) {
    throw new HostError({ code: "host.name-in-use", name, errno: errnoOf(cause) }, advice, { cause });
  }
  server.on("error", () => undefined); // who connects is turned away as well where there is no descriptor for him
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
