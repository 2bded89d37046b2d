import { type Clock, type Ipv6Prefix, milliseconds } from "../../src/base/index.ts";
import type {
  Connection,
  ConnectionHandlers,
  ConnectOptions,
  Endpoint,
  Guard,
  LinkAddresses,
  Listener,
  TcpProtection,
  Transport,
} from "../../src/bgp/speaker/index.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What the kernel of a receiver takes in while nobody reads. */
const WINDOW = 64 * 1024;

/**
 * TCP between simulated hosts, in virtual time. Streams are cut into pieces of random size, and a piece is overwritten once
 * it has been handed over, so that nobody can hold on to what was only borrowed.
 */
export class SimNetwork {
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #latency: number;
  readonly #listeners = new Map<string, SimListener>();
  readonly #connections = new Set<SimConnection>();
  readonly #cuts = new Set<string>();
  readonly #deaths = new Map<string, number>();
  #nextPort = 40_000;
  /** The link that all hosts are on. */
  subnets: readonly Ipv6Prefix[] = [];
  /** What hosts are known by on it, by their other address. */
  readonly linkAddresses = new Map<string, LinkAddresses>();

  constructor(clock: Clock, random: SeededRandom, latency = 1) {
    this.#clock = clock;
    this.#random = random;
    this.#latency = latency;
  }

  /** The transport of a process on the host with this address; it is of no use after `kill`. */
  host(address: string): Transport {
    const life = this.#deaths.get(address) ?? 0;
    const alive = (): boolean => (this.#deaths.get(address) ?? 0) === life;
    return {
      connect: (options, done) => this.#connect(address, options, done, alive),
      listen: async (local, guards, accept) => this.#listen(local, guards, accept),
      subnets: () => this.subnets,
      addresses: (local) => this.linkAddresses.get(local) ?? {},
    };
  }

  /** Nothing passes between the two any more, and nobody is told. */
  cut(a: string, b: string): void {
    this.#cuts.add(pair(a, b));
  }

  heal(a: string, b: string): void {
    this.#cuts.delete(pair(a, b));
    for (const connection of this.#connections) connection.flow();
  }

  isCut(a: string, b: string): boolean {
    return this.#cuts.has(pair(a, b));
  }

  /** Every connection between the two is reset, as after the death of a process. */
  reset(a: string, b: string): void {
    for (const connection of [...this.#connections]) {
      if (pair(connection.local.address, connection.remote.address) === pair(a, b)) connection.break("ECONNRESET");
    }
  }

  /** The host's process dies: its connections are reset, its listeners are gone, and it hears nothing of it. */
  kill(address: string): void {
    this.#deaths.set(address, (this.#deaths.get(address) ?? 0) + 1);
    for (const [key, listener] of this.#listeners) if (listener.local.address === address) this.#listeners.delete(key);
    for (const connection of [...this.#connections]) if (connection.local.address === address) connection.die();
  }

  get open(): number {
    return this.#connections.size / 2;
  }

  forget(connection: SimConnection): void {
    this.#connections.delete(connection);
  }

  later(run: () => void): void {
    this.#clock.after(milliseconds(this.#latency), run);
  }

  soon(run: () => void): void {
    this.#clock.soon(run);
  }

  /** How much of what is there arrives in one piece. */
  piece(available: number): number {
    return 1 + Math.floor(this.#random.next() * Math.min(available, 20_000));
  }

  #connect(
    from: string,
    options: ConnectOptions,
    done: (result: Connection | Error) => void,
    alive: () => boolean,
  ): { cancel(): void } {
    let cancelled = false;
    const { remote } = options;
    this.later(() => {
      if (cancelled || !alive() || this.isCut(from, remote.address)) return;
      const listener = this.#listeners.get(keyOf(remote));
      const wanted = listener?.passwords.get(from);
      if (listener === undefined) {
        done(new Error("ECONNREFUSED"));
        return;
      }
      // A wrong signature is dropped in silence (RFC 2385 §2).
      const password = options.protection?.password;
      if (wanted !== password) return;
      const near = new SimConnection(this, { address: from, port: this.#nextPort++ }, remote);
      const far = new SimConnection(this, remote, near.local);
      near.join(far, password);
      this.#connections.add(near).add(far);
      listener.accept(far);
      done(near);
    });
    return {
      cancel: () => {
        cancelled = true;
      },
    };
  }

  #listen(local: Endpoint, guards: readonly Guard[], accept: (connection: Connection) => void): Listener {
    if (this.#listeners.has(keyOf(local))) throw new Error(`EADDRINUSE ${keyOf(local)}`);
    const listener = new SimListener(local, accept, () => this.#listeners.delete(keyOf(local)));
    listener.guard(guards);
    this.#listeners.set(keyOf(local), listener);
    return listener;
  }
}

const keyOf = ({ address, port }: Endpoint): string => `${address} ${port}`;
const pair = (a: string, b: string): string => [a, b].sort().join(" ");

class SimListener implements Listener {
  readonly local: Endpoint;
  readonly accept: (connection: Connection) => void;
  passwords = new Map<string, string | undefined>();
  readonly #close: () => void;

  constructor(local: Endpoint, accept: (connection: Connection) => void, close: () => void) {
    this.local = local;
    this.accept = accept;
    this.#close = close;
  }

  guard(guards: readonly Guard[]): void {
    this.passwords = new Map(guards.map(({ address, protection }) => [address, protection?.password]));
  }

  protects(): boolean {
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
  }
}

class SimConnection implements Connection {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly #network: SimNetwork;
  #peer!: SimConnection;
  #handlers: ConnectionHandlers | undefined;
  #password: string | undefined;
  /** On the way to this end. */
  #arriving: Uint8Array[] = [];
  #bytes = 0;
  #paused = true;
  #flowing = false;
  #closed = false;
  #finished = false;
  #endReason = "closed by the peer";

  constructor(network: SimNetwork, local: Endpoint, remote: Endpoint) {
    this.#network = network;
    this.local = local;
    this.remote = remote;
  }

  join(peer: SimConnection, password: string | undefined): void {
    this.#peer = peer;
    peer.#peer = this;
    this.#password = password;
    peer.#password = password;
  }

  /** With other keys than the peer's nothing passes, and what was said is sent again once they are the same. */
  protect({ password }: TcpProtection): void {
    this.#password = password;
    this.#network.later(() => {
      this.flow();
      this.#peer.flow();
    });
  }

  /** Hosts of this network are next door to each other. */
  limitHops(): void {}

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    this.resume();
  }

  write(octets: Uint8Array): void {
    if (this.#closed || octets.length === 0) return;
    this.#peer.#arriving.push(octets.slice());
    this.#peer.#bytes += octets.length;
    octets.fill(0xaa); // it is the connection's now
    this.#network.later(() => this.#peer.flow());
  }

  get queued(): number {
    return Math.max(0, this.#peer.#bytes - WINDOW);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#network.soon(() => this.flow());
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#handlers = undefined;
    this.#network.forget(this);
    this.#network.later(() => {
      this.#peer.#finished = true;
      this.#peer.flow();
    });
  }

  break(reason: string): void {
    this.#arriving = [];
    this.#bytes = 0;
    this.#finished = true;
    this.#endReason = reason;
    this.flow();
  }

  die(): void {
    this.#handlers = undefined;
    this.#closed = true;
    this.#network.forget(this);
    this.#network.later(() => this.#peer.break("ECONNRESET"));
  }

  /** Hands over what has arrived, unless somebody holds it. */
  flow(): void {
    if (this.#flowing) return;
    this.#flowing = true;
    const full = this.#peer.queued > 0;
    while (this.#ready && this.#arriving.length > 0) {
      const first = this.#arriving[0]!;
      const count = Math.min(first.length, this.#network.piece(first.length));
      const piece = first.slice(0, count);
      if (count === first.length) this.#arriving.shift();
      else this.#arriving[0] = first.subarray(count);
      this.#bytes -= count;
      this.#handlers!.data(piece);
      if (!this.#paused) piece.fill(0xaa);
    }
    if (full && this.#peer.queued === 0) this.#network.soon(() => this.#peer.#handlers?.drained());
    this.#flowing = false;
    if (this.#finished && this.#arriving.length === 0 && this.#ready) this.#end();
  }

  get #ready(): boolean {
    const cut = this.#network.isCut(this.local.address, this.remote.address);
    const signed = this.#password === this.#peer.#password;
    return this.#handlers !== undefined && !this.#paused && !cut && signed;
  }

  #end(): void {
    const handlers = this.#handlers;
    this.#handlers = undefined;
    this.#closed = true;
    this.#network.forget(this);
    handlers?.closed(this.#endReason);
  }
}
