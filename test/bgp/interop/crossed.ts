/** Two routers that open a session towards each other at the same moment, on a real wire. */
import type { Connection, ConnectionHandlers, Transport } from "../../../src/bgp/speaker/index.ts";

/**
 * A transport on which the first connections of both ends meet: what this end opens says and hears nothing until the other end
 * has connected as well, and what the other end opens is not taken until this end has. Then both connections have their OPENs,
 * and one of them has to go. @see RFC 4271 §6.8
 */
export function crossed(inner: Transport): Transport {
  const held: HeldConnection[] = [];
  const waiting: (() => void)[] = [];
  let haveMet = false;
  const meet = (): void => {
    if (haveMet || held.length === 0 || waiting.length === 0) return;
    haveMet = true;
    for (const accept of waiting) accept();
    for (const connection of held) connection.release();
  };
  return {
    ...(inner.subnets === undefined ? {} : { subnets: (local: string) => inner.subnets!(local) }),
    connect: (options, done) =>
      inner.connect(options, (result) => {
        if (haveMet || result instanceof Error) return done(result);
        const connection = new HeldConnection(result);
        held.push(connection);
        done(connection);
        meet();
      }),
    listen: (local, guards, accept) =>
      inner.listen(local, guards, (connection) => {
        if (haveMet) return accept(connection);
        waiting.push(() => accept(connection));
        meet();
      }),
  };
}

class HeldConnection implements Connection {
  readonly #inner: Connection;
  readonly #written: Uint8Array[] = [];
  readonly #read: Uint8Array[] = [];
  #handlers: ConnectionHandlers | undefined;
  #isHeld = true;

  constructor(inner: Connection) {
    this.#inner = inner;
  }

  get local() {
    return this.#inner.local;
  }

  get remote() {
    return this.#inner.remote;
  }

  get queued(): number {
    return this.#inner.queued;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    this.#inner.start({
      data: (octets) => {
        if (this.#isHeld) this.#read.push(octets.slice());
        else handlers.data(octets);
      },
      closed: (reason) => handlers.closed(reason),
      drained: () => handlers.drained(),
    });
  }

  release(): void {
    this.#isHeld = false;
    for (const octets of this.#written.splice(0)) this.#inner.write(octets);
    for (const octets of this.#read.splice(0)) this.#handlers?.data(octets);
  }

  write(octets: Uint8Array): void {
    if (this.#isHeld) this.#written.push(octets.slice());
    else this.#inner.write(octets);
  }

  limitHops(...args: Parameters<Connection["limitHops"]>): void {
    this.#inner.limitHops(...args);
  }

  protect(...args: Parameters<Connection["protect"]>): void {
    this.#inner.protect(...args);
  }

  pause(): void {
    this.#inner.pause();
  }

  resume(): void {
    this.#inner.resume();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
