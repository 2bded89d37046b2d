import type { Connection, Transport } from "../../../src/bgp/speaker/index.ts";

/** What one end of a connection wrote. */
export interface Written {
  readonly parts: Uint8Array[];
}

/** The octets of a stream in one piece. */
export function streamOf({ parts }: Written): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/** A transport that keeps what is written to its connections, in the order in which they were made. */
export function recorded(transport: Transport, into: Written[]): Transport {
  const watch = (connection: Connection): Connection => {
    const written: Written = { parts: [] };
    into.push(written);
    return new Proxy(connection, {
      get(target, name) {
        if (name === "write") {
          return (octets: Uint8Array) => {
            written.parts.push(octets.slice());
            target.write(octets);
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  return {
    connect: (options, done) =>
      transport.connect(options, (result) => done(result instanceof Error ? result : watch(result))),
    listen: (local, guards, accept) => transport.listen(local, guards, (connection) => accept(watch(connection))),
  };
}
