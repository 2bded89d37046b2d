/** A peer in a thread of its own: it ends its connection while the thread of the test stands still. */
import { once } from "node:events";
import net from "node:net";
import { parentPort, workerData } from "node:worker_threads";

export interface ResettingPeerData {
  /** The other end, which listens there; `undefined`: this end listens, and says its port first. */
  readonly to: { readonly address: string; readonly port: number } | undefined;
  readonly address: string;
  /** Said when there is a connection. */
  readonly firstWords: Uint8Array;
  /** Said right before the end, when it is asked for. */
  readonly lastWords: Uint8Array;
  /** One number, 1 when the reset has been sent. */
  readonly isOver: SharedArrayBuffer;
}

const { to, address, firstWords, lastWords, isOver } = workerData as ResettingPeerData;
const test = parentPort!;
const asked = once(test, "message");

async function connection(): Promise<net.Socket> {
  if (to !== undefined) {
    const socket = net.connect({ host: to.address, port: to.port, localAddress: address });
    await once(socket, "connect");
    return socket;
  }
  const server = net.createServer({ pauseOnConnect: true });
  server.listen(0, address);
  await once(server, "listening");
  test.postMessage((server.address() as net.AddressInfo).port);
  const [socket] = await once(server, "connection");
  return socket;
}

const socket = await connection();
socket.setNoDelay(true);
// What comes is not read: that is why closing is a reset.
const said = (words: Uint8Array): Promise<void> => new Promise((resolve) => void socket.write(words, () => resolve()));
if (firstWords.length > 0) await said(firstWords);
await asked;
if (lastWords.length > 0) await said(lastWords);
socket.resetAndDestroy();
await once(socket, "close");
const over = new Int32Array(isOver);
Atomics.store(over, 0, 1);
Atomics.notify(over, 0);
