import { connect, type Socket } from "node:net";
import { type Clock, type Log, type Milliseconds, messageOf, milliseconds } from "../../base/index.ts";
import { sourceOf, type Transport } from "./transport.ts";

export interface CallHomeClient {
  readonly name: string;
  readonly address: string;
  readonly port: number;
}

export interface CallHomeOptions {
  /** Before the next attempt; doubles with each one after which nobody has logged in. */
  readonly retry: Milliseconds;
  readonly maxRetry: Milliseconds;
}

export interface CallHomeParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Log;
}

/** Notices a client that went without a word. @see RFC 8071 §4.1, S7 */
const KEEP_ALIVE = 30_000;

/** Keeps connected to a client, which then logs in here as if it had connected itself. @see RFC 8071 §3.1 */
export class CallHome implements AsyncDisposable {
  readonly #client: CallHomeClient;
  #options: CallHomeOptions;
  /** That the next connection is for. */
  #transport: Transport;
  #isServing = false;
  #isRetired = false;
  readonly #parts: CallHomeParts;
  readonly #ended = new AbortController();
  readonly #calling: Promise<void>;

  constructor(client: CallHomeClient, options: CallHomeOptions, parts: CallHomeParts) {
    this.#client = client;
    this.#options = options;
    this.#transport = parts.transport;
    this.#parts = parts;
    this.#calling = this.#call();
  }

  /** From the next attempt on. */
  goBy(options: CallHomeOptions, transport: Transport): void {
    this.#options = options;
    this.#transport = transport;
  }

  /** Does not call again. The connection that there is stays. */
  retire(): void {
    this.#isRetired = true;
    if (!this.#isServing) this.#ended.abort();
  }

  /** Ends the connection that there is. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#calling;
  }

  async #call(): Promise<void> {
    const { log } = this.#parts;
    const { name, address, port } = this.#client;
    let wait = this.#options.retry;
    while (!this.#ended.signal.aborted) {
      const socket = await this.#connected();
      const isIn = socket === undefined ? false : await this.#served(socket);
      if (this.#ended.signal.aborted || this.#isRetired) return;
      const { retry, maxRetry } = this.#options;
      log.info("netconf.call-home-again", {
        ...{ client: name, address, port, transport: this.#transport.name, inSeconds: wait / 1000 },
        reason: socket === undefined ? "not reached" : isIn ? "the client left" : "nobody logged in",
      });
      if (isIn) wait = retry;
      await this.#pause(wait);
      wait = isIn ? this.#options.retry : milliseconds(Math.min(wait * 2, maxRetry));
    }
  }

  async #served(socket: Socket): Promise<boolean> {
    const { log } = this.#parts;
    const transport = this.#transport;
    if (this.#ended.signal.aborted) {
      socket.destroy();
      return false;
    }
    log.info("netconf.call-home", { client: this.#client.name, to: sourceOf(socket), transport: transport.name });
    const end = (): void => void socket.destroy();
    this.#ended.signal.addEventListener("abort", end, { once: true });
    this.#isServing = true;
    const isIn = await transport.take(socket);
    this.#isServing = false;
    this.#ended.signal.removeEventListener("abort", end);
    return isIn;
  }

  #connected(): Promise<Socket | undefined> {
    const { address, port, name } = this.#client;
    const { signal } = this.#ended;
    return new Promise((resolve) => {
      const socket = connect({
        host: address,
        port,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE,
      });
      const end = (): void => void socket.destroy();
      signal.addEventListener("abort", end, { once: true });
      const over = (reached: Socket | undefined): void => {
        signal.removeEventListener("abort", end);
        socket.removeAllListeners();
        resolve(reached);
      };
      socket.once("connect", () => over(socket));
      socket.once("error", (cause) => {
        this.#parts.log.debug("netconf.call-home-failed", { client: name, reason: messageOf(cause) });
        over(undefined);
        socket.on("error", () => undefined);
      });
      socket.once("close", () => over(undefined));
    });
  }

  #pause(delay: Milliseconds): Promise<void> {
    const { signal } = this.#ended;
    return new Promise((resolve) => {
      const over = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", over);
        resolve();
      };
      const timer = this.#parts.clock.after(delay, over);
      signal.addEventListener("abort", over, { once: true });
    });
  }
}
