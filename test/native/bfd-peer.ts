/** The other end of a BFD session, written for tests and sharing nothing with the addon. @see RFC 5880, 5881, 5883 */

import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { PATIENCE_MS } from "./bfd-end.ts";

export const STATES = ["AdminDown", "Down", "Init", "Up"] as const;
type State = (typeof STATES)[number];

export interface BfdFields {
  readonly version: number;
  readonly diagnostic: number;
  readonly state: State;
  readonly poll: boolean;
  readonly final: boolean;
  readonly independent: boolean;
  readonly authenticated: boolean;
  readonly demand: boolean;
  readonly multipoint: boolean;
  readonly multiplier: number;
  readonly length: number;
  readonly mine: number;
  readonly yours: number;
  /** Microseconds. */
  readonly desiredMinTx: number;
  readonly requiredMinRx: number;
  readonly requiredMinEchoRx: number;
}

const FLAGS = {
  poll: 0x20,
  final: 0x10,
  independent: 0x08,
  authenticated: 0x04,
  demand: 0x02,
  multipoint: 0x01,
} as const;

export function encode(fields: BfdFields): Buffer {
  const octets = Buffer.alloc(24);
  octets[0] = (fields.version << 5) | fields.diagnostic;
  let flags = STATES.indexOf(fields.state) << 6;
  for (const [name, bit] of Object.entries(FLAGS)) if (fields[name as keyof typeof FLAGS]) flags |= bit;
  octets[1] = flags;
  octets[2] = fields.multiplier;
  octets[3] = fields.length;
  const words = [fields.mine, fields.yours, fields.desiredMinTx, fields.requiredMinRx, fields.requiredMinEchoRx];
  for (const [index, word] of words.entries()) octets.writeUInt32BE(word, 4 + 4 * index);
  return octets;
}

export function decode(octets: Buffer): BfdFields {
  const bit = (name: keyof typeof FLAGS): boolean => (octets[1]! & FLAGS[name]) !== 0;
  return {
    version: octets[0]! >> 5,
    diagnostic: octets[0]! & 31,
    state: STATES[octets[1]! >> 6]!,
    poll: bit("poll"),
    final: bit("final"),
    independent: bit("independent"),
    authenticated: bit("authenticated"),
    demand: bit("demand"),
    multipoint: bit("multipoint"),
    multiplier: octets[2]!,
    length: octets[3]!,
    mine: octets.readUInt32BE(4),
    yours: octets.readUInt32BE(8),
    desiredMinTx: octets.readUInt32BE(12),
    requiredMinRx: octets.readUInt32BE(16),
    requiredMinEchoRx: octets.readUInt32BE(20),
  };
}

export interface Heard extends BfdFields {
  readonly octets: number;
  readonly port: number;
  /** Milliseconds, monotonic. */
  readonly at: number;
}

const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Speaks only when told: a test decides every packet, or lets it `follow`. */
export class BfdPeer {
  readonly heard: Heard[] = [];
  /** Between these two the last packet left, as `BfdChange.at` has it. */
  readonly lastSent = { begun: 0, done: 0 };
  readonly #socket: Socket;
  readonly #sender: Socket;
  readonly #remote: string;
  readonly #port: number;
  fields: BfdFields = {
    version: 1,
    diagnostic: 0,
    state: "Down",
    poll: false,
    final: false,
    independent: false,
    authenticated: false,
    demand: false,
    multipoint: false,
    // Not taken for dead when this process has to wait for a processor; who tests that sets a lower one.
    multiplier: 30,
    length: 24,
    mine: 0x1234,
    yours: 0,
    desiredMinTx: 50_000,
    requiredMinRx: 50_000,
    requiredMinEchoRx: 0,
  };
  #waiting: (() => void)[] = [];
  #answersPolls = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(socket: Socket, sender: Socket, remote: string, port: number) {
    this.#socket = socket;
    this.#sender = sender;
    this.#remote = remote;
    this.#port = port;
    socket.on("message", (octets, { port: from }) => {
      const packet = { ...decode(octets), octets: octets.length, port: from, at: performance.now() };
      this.heard.push(packet);
      if (this.#answersPolls && packet.poll) void this.send({ final: true });
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  static async open(
    local: string,
    remote: string,
    options: { multihop?: boolean; ttl?: number } = {},
  ): Promise<BfdPeer> {
    const family = local.includes(":") ? "udp6" : "udp4";
    const port = options.multihop ? 4784 : 3784;
    const [socket, sender] = [createSocket(family), createSocket(family)];
    socket.bind(port, local);
    sender.bind(0, local);
    await Promise.all([once(socket, "listening"), once(sender, "listening")]);
    sender.setTTL(options.ttl ?? 255);
    return new BfdPeer(socket, sender, remote, port);
  }

  setTtl(ttl: number): void {
    this.#sender.setTTL(ttl);
  }

  /** Sends one packet of the current fields, with some changed for once. */
  send(once: Partial<BfdFields> = {}): Promise<void> {
    return this.sendOctets(encode({ ...this.fields, ...once }));
  }

  sendOctets(octets: Uint8Array): Promise<void> {
    this.lastSent.begun = now();
    return new Promise((resolve, reject) =>
      this.#sender.send(octets, this.#port, this.#remote, (error) => {
        this.lastSent.done = now();
        if (error) reject(error);
        else resolve();
      }),
    );
  }

  /** The first packet that `fits` after the last one that was waited for, or that comes later; bounded. */
  async next(fits: (packet: Heard) => boolean, what: string): Promise<Heard> {
    const deadline = performance.now() + PATIENCE_MS;
    let from = 0;
    for (;;) {
      const found = this.heard.slice(from).find(fits);
      if (found !== undefined) return found;
      from = this.heard.length;
      if (performance.now() > deadline)
        throw new Error(`no packet: ${what}; heard ${JSON.stringify(this.heard.at(-1))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100);
        this.#waiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Takes the session up as the passive end, and repeats its packet every `interval` milliseconds from then on. */
  async comeUp(interval = 20): Promise<void> {
    const first = await this.next(({ state }) => state === "Down", "Down");
    this.fields = { ...this.fields, yours: first.mine, state: "Init" };
    await this.send();
    await this.next(({ state, yours }) => state === "Up" && yours === this.fields.mine, "Up");
    this.fields = { ...this.fields, state: "Up" };
    this.#answersPolls = true;
    await this.send();
    this.repeat(interval);
  }

  /** Answers no Poll from now on, or does. */
  answerPolls(answers: boolean): void {
    this.#answersPolls = answers;
  }

  repeat(interval: number): void {
    this.fallSilent();
    this.#timer = setInterval(() => void this.send(), interval);
  }

  fallSilent(): void {
    clearInterval(this.#timer);
  }

  close(): void {
    this.fallSilent();
    this.#socket.close();
    this.#sender.close();
  }
}
