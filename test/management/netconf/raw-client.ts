import { once } from "node:events";
import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import { type Framing, framed, MessageFramer } from "../../../src/management/netconf/framing.ts";

export const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0";
const PATIENCE = 60_000;
/** Nothing that these tests are answered is longer. */
const MAX_MESSAGE = 1 << 28;

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly privateKey?: string;
  readonly password?: string;
}

export interface Manner {
  /** Versions of the base protocol in the hello; absent: both. */
  readonly versions?: readonly ("1.0" | "1.1")[];
  /** Octets of data in one chunk; absent: as many as fit. */
  readonly pieceSize?: number;
  /** Octets in one packet of SSH; absent: whole messages, or a thousand where chunks are small. */
  readonly packetSize?: number;
}

/** What a client says first. */
export const hello = (versions: readonly string[]): string =>
  `<?xml version="1.0" encoding="UTF-8"?><hello xmlns="${BASE}"><capabilities>${versions
    .map((version) => `<capability>urn:ietf:params:netconf:base:${version}</capability>`)
    .join("")}</capabilities></hello>`;

/** What went wrong with the way to the server, rather than in an answer. */
export class Refused extends Error {}

/** Logs in by SSH. */
export async function connected(login: Login): Promise<ssh2.Client> {
  const client = new ssh2.Client();
  await new Promise<void>((resolve, reject) => {
    client.once("ready", resolve).once("error", reject);
    client.once("close", () => reject(new Refused("closed before the login was done")));
    client.connect({ ...login, readyTimeout: PATIENCE });
    client.setNoDelay(true);
  });
  client.on("error", () => undefined); // the channel says it too
  return client;
}

export async function subsystem(client: ssh2.Client): Promise<ssh2.ClientChannel> {
  return new Promise((resolve, reject) =>
    client.subsys("netconf", (cause, stream) => (cause ? reject(cause) : resolve(stream))),
  );
}

/** A NETCONF client that sends exactly what it is told, and checks nothing. */
export class RawClient implements AsyncDisposable {
  readonly stream: Duplex;
  readonly #close: () => void;
  readonly #framer = new MessageFramer(MAX_MESSAGE);
  readonly #waiting: ((message: string | undefined) => void)[] = [];
  readonly #messages: string[] = [];
  #framing: Framing = "end-of-message";
  #pieceSize = 64 * 1024;
  #packetSize: number | undefined;
  #next = 1;
  #isOver = false;
  /** The hello of the server. */
  hello = "";

  private constructor(stream: Duplex, close: () => void) {
    this.stream = stream;
    this.#close = close;
    stream.on("data", (octets: Uint8Array) => this.#received(octets));
    const over = (): void => {
      this.#isOver = true;
      for (const waiting of this.#waiting.splice(0)) waiting(undefined);
    };
    stream.on("close", over).on("end", over).on("error", over);
  }

  static async open(login: Login, manner: Manner = {}): Promise<RawClient> {
    const client = await connected(login);
    return RawClient.on(await subsystem(client), () => client.end(), manner);
  }

  /** On a stream that is there already. */
  static async on(
    stream: Duplex,
    close: () => void,
    { versions = ["1.0", "1.1"], pieceSize, packetSize }: Manner = {},
  ): Promise<RawClient> {
    const client = new RawClient(stream, close);
    client.hello = (await client.received()) ?? "";
    if (pieceSize !== undefined) client.#pieceSize = pieceSize;
    client.#packetSize = packetSize;
    await client.#write(hello(versions), "end-of-message");
    if (versions.includes("1.1")) client.#framing = client.#framer.framing = "chunked";
    return client;
  }

  get sessionId(): number {
    return Number(/<session-id>(\d+)</.exec(this.hello)?.[1]);
  }

  /** Sends an operation, and waits for the answer to it. */
  async rpc(operation: string, attributes = ""): Promise<string> {
    await this.send(operation, attributes);
    return this.answer();
  }

  /** Sends an operation and does not wait. */
  send(operation: string, attributes = ""): Promise<void> {
    return this.message(`<rpc xmlns="${BASE}" message-id="${this.#next++}"${attributes}>${operation}</rpc>`);
  }

  message(text: string): Promise<void> {
    return this.#write(text, this.#framing);
  }

  /** The next message. @throws where there is none any more */
  async answer(): Promise<string> {
    const answer = await this.received();
    if (answer === undefined) throw new Refused("the session ended instead of an answer");
    return answer;
  }

  /** The next message; undefined: the session has ended. */
  received(): Promise<string | undefined> {
    const there = this.#messages.shift();
    if (there !== undefined) return Promise.resolve(there);
    if (this.#isOver) return Promise.resolve(undefined);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Refused(`no message within ${PATIENCE} ms`)), PATIENCE);
      this.#waiting.push((message) => {
        clearTimeout(timer);
        resolve(message);
      });
    });
  }

  async #write(text: string, framing: Framing): Promise<void> {
    const octets = Buffer.concat([...framed([Buffer.from(text)], framing, this.#pieceSize)]);
    // Each write is a packet of SSH: cut anywhere, but not too many.
    const step = this.#packetSize ?? (this.#pieceSize < 1024 ? 1021 : octets.length);
    for (let at = 0; at < octets.length; at += step) {
      if (!this.stream.write(octets.subarray(at, at + step))) await this.#drained();
    }
  }

  /** Room for more. @throws where the session ends before */
  async #drained(): Promise<void> {
    const over = new AbortController();
    const { signal } = over;
    const closed = once(this.stream, "close", { signal }).then(() => {
      throw new Refused("the session ended in the middle of a message");
    });
    closed.catch(() => undefined); // heard below, if it matters
    try {
      if (this.stream.closed) throw new Refused("the session has ended");
      await Promise.race([once(this.stream, "drain", { signal }), closed]);
    } finally {
      over.abort();
    }
  }

  #received(octets: Uint8Array): void {
    this.#framer.push(octets);
    for (;;) {
      const next = this.#framer.next();
      if (next.kind === "need-more") return;
      if (next.kind !== "message") throw new Error(`the server's framing is wrong: ${JSON.stringify(next)}`);
      const text = Buffer.from(next.text).toString();
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#messages.push(text);
      else waiting(text);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    if (!this.stream.closed) {
      this.stream.destroy();
    }
  }
}
