import { once } from "node:events";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";

/** A client of TLS on a connection, whose records can be made before they are sent. */
export class HeldRecords {
  readonly stream: TLSSocket;
  #held: Buffer[] | undefined;

  private constructor(socket: Socket, options: ConnectionOptions) {
    const beneath = new Duplex({
      read: () => void socket.resume(),
      write: (octets: Buffer, _, done) => {
        if (this.#held === undefined) socket.write(octets, done);
        else {
          this.#held.push(Buffer.from(octets));
          done();
        }
      },
      final: (done) => void socket.end(done),
    });
    socket.on("data", (octets) => void beneath.push(octets));
    socket.on("end", () => void beneath.push(null));
    socket.on("close", () => void beneath.destroy());
    this.stream = connect({
      socket: beneath as never,
      servername: "",
      checkServerIdentity: () => undefined,
      ...options,
    });
    this.stream.on("error", () => undefined);
  }

  static async on(socket: Socket, options: ConnectionOptions): Promise<HeldRecords> {
    const client = new HeldRecords(socket, options);
    await once(client.stream, "secureConnect");
    return client;
  }

  /** What `octets` are in records of so many; to be sent before anything else. */
  async of(octets: Uint8Array, size: number): Promise<Buffer> {
    const held: Buffer[] = [];
    this.#held = held;
    for (let at = 0; at < octets.length; at += size)
      await new Promise<void>((resolve) => void this.stream.write(octets.subarray(at, at + size), () => resolve()));
    this.#held = undefined;
    return Buffer.concat(held);
  }
}
