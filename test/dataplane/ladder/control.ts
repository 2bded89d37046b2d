import net from "node:net";
import type { BfdMonitor } from "../../../src/bfd/index.ts";
import { CONTROL_PORT } from "./part.ts";

/** How long a connection may take, and how soon another one is tried. Milliseconds. */
const TRY = 50;
const AGAIN = 10;
/** How long the speaker waits for a FIN that is only late. */
const LATE = 250;

/**
 * What the BGP session with a neighbour is to BFD: a connection that ends with its process, while what it said is kept
 * (graceful restart), and which is given up when BFD says that the path is broken.
 */
export class ControlSessions implements Disposable {
  readonly #own: string;
  readonly #monitor: () => BfdMonitor;
  readonly #sockets = new Map<string, net.Socket>();
  readonly #broken = new Map<string, NodeJS.Timeout>();
  readonly #server: net.Server;
  #closed = false;

  /** `connectsTo`: who is called; the others call. */
  constructor(own: string, connectsTo: readonly string[], monitor: () => BfdMonitor) {
    this.#own = own;
    this.#monitor = monitor;
    this.#server = net.createServer((socket) => this.#established(socket.remoteAddress!, socket));
    this.#server.listen(CONTROL_PORT, own);
    for (const peer of connectsTo) this.#connect(peer);
  }

  /** BFD says so. */
  pathFailed(peer: string): void {
    const ends = setTimeout(() => {
      this.#broken.delete(peer);
      this.#gone(peer, { retained: false })?.destroy();
    }, LATE);
    this.#broken.set(peer, ends);
  }

  pathRecovered(peer: string): void {
    clearTimeout(this.#broken.get(peer));
    this.#broken.delete(peer);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.#server.close();
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #connect(peer: string): void {
    if (this.#closed) return;
    const socket = net.connect({ host: peer, port: CONTROL_PORT, localAddress: this.#own });
    const tooLong = setTimeout(() => socket.destroy(), TRY);
    socket.once("connect", () => {
      clearTimeout(tooLong);
      this.#established(peer, socket);
    });
    socket.on("error", () => {});
    socket.once("close", () => setTimeout(() => this.#connect(peer), AGAIN));
  }

  #established(peer: string, socket: net.Socket): void {
    this.pathRecovered(peer);
    this.#sockets.set(peer, socket);
    socket.on("error", () => {}).resume();
    socket.once("close", () => {
      if (this.#sockets.get(peer) === socket) this.#gone(peer, { retained: true });
    });
    const local = { address: socket.localAddress!, port: socket.localPort! };
    const remote = { address: socket.remoteAddress!, port: socket.remotePort! };
    this.#monitor().session(peer, { type: "established", connection: { local, remote } });
  }

  #gone(peer: string, how: { readonly retained: boolean }): net.Socket | undefined {
    const socket = this.#sockets.get(peer);
    if (socket === undefined || this.#closed) return undefined;
    this.pathRecovered(peer);
    this.#sockets.delete(peer);
    this.#monitor().session(peer, { type: "ended", ...how });
    return socket;
  }
}
