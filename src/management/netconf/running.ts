import { type Clock, milliseconds, Scope, sameValue, toMilliseconds } from "../../base/index.ts";
import type { NetconfConfiguration } from "../configuration/operators.ts";
import type { ListenAddress } from "../configuration/types.ts";
import type { Prepared } from "../transaction/index.ts";
import { CallHome } from "./call-home.ts";
import { type DoorParts, type Doors, sshDoor, tlsDoor } from "./doors.ts";
import { Listener } from "./listener.ts";
import type { NetconfServer } from "./server.ts";
import type { Connections, TransportName } from "./transport.ts";

export interface RunningParts extends DoorParts {
  readonly connections: Connections;
  /** Of the server; ends with it. */
  readonly xpath: AsyncDisposable | Disposable;
}

interface Place extends ListenAddress {
  readonly transport: TransportName;
}

/** Longest that a session may be at an answer when NETCONF is switched off. */
const LAST_ANSWERS = milliseconds(60_000);
/** For clients to close what has ended. */
const GRACE = milliseconds(2_000);

/**
 * NETCONF as the configuration has it, and as it has it next. No change ends a session, least of all the one that makes it: what is
 * configured is for who comes from then on.
 */
export class RunningNetconf implements AsyncDisposable {
  readonly #parts: RunningParts;
  readonly #listeners = new Map<string, Listener>();
  readonly #calls = new Map<string, CallHome>();
  #options: NetconfConfiguration | undefined;
  #doors: Doors = new Map();
  #closed: Promise<void> | undefined;

  /** Does nothing until a change gives it something to do. */
  constructor(parts: RunningParts) {
    this.#parts = parts;
  }

  get server(): NetconfServer {
    return this.#parts.server;
  }

  /**
   * What is to be listened on in addition is, from here on, but lets nobody in before it is applied; where something else that goes
   * is in its way, it is when it is applied.
   *
   * @throws {Error} with the `code` of the system call where an address cannot be listened on, or a host key, key or
   * certificate is none
   */
  async prepare(next: NetconfConfiguration): Promise<Prepared> {
    const before = { options: this.#options, doors: this.#doors };
    const doors = await this.#doorsFor(next);
    const wanted = placesOf(next);
    const going = placesOf(before.options).filter((place) => !wanted.some((other) => sameValue(place, other)));
    const coming = wanted.filter((place) => !this.#listeners.has(nameOf(place)));
    const added = new Map<string, Listener>();
    const inTheWay: Place[] = [];
    const late: Place[] = [];
    const close = async (): Promise<void> => {
      for (const [name, listener] of added) {
        this.#listeners.delete(name);
        await listener[Symbol.asyncDispose]();
      }
    };
    try {
      for (const place of coming) {
        const others = going.filter(({ port }) => port === place.port);
        try {
          added.set(nameOf(place), await this.#listen(place));
        } catch (cause) {
          if (others.length === 0 || (cause as { readonly code?: unknown }).code !== "EADDRINUSE") throw cause;
          inTheWay.push(...others);
          late.push(place);
        }
      }
    } catch (cause) {
      await close();
      throw cause;
    }
    return {
      apply: async () => {
        for (const place of inTheWay) await this.#leave(place);
        for (const place of late) added.set(nameOf(place), await this.#listen(place));
        for (const [name, listener] of added) this.#listeners.set(name, listener);
        this.#goBy(next, doors);
      },
      revert: async () => {
        await close();
        for (const place of inTheWay) {
          if (!this.#listeners.has(nameOf(place))) this.#listeners.set(nameOf(place), await this.#listen(place));
        }
        if (before.options !== undefined) this.#goBy(before.options, before.doors);
      },
      finish: async () => {
        for (const place of going) await this.#leave(place);
        this.#callHome(next);
      },
      abandon: close,
    };
  }

  /** Lets nobody in any more, and ends each session as soon as it has its answer; resolves when nothing is open. */
  async retire(): Promise<void> {
    const { server, clock, connections } = this.#parts;
    for (const listener of this.#listeners.values()) await listener[Symbol.asyncDispose]();
    for (const call of this.#calls.values()) call.retire();
    const timer = clock.after(LAST_ANSWERS, () => server.close());
    await server.retire("NETCONF is switched off by the configuration");
    timer.cancel();
    await within(GRACE, connections.allClosed(), clock);
    await this[Symbol.asyncDispose]();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await using scope = new Scope();
    scope.own(this.#parts.xpath);
    scope.own(this.#parts.connections);
    for (const listener of this.#listeners.values()) scope.own(listener);
    for (const call of this.#calls.values()) scope.own(call);
    // Before its connections end, so that every session knows why.
    scope.defer(() => this.server.close());
  }

  /** Those that are not to be different stay, with what they know of logins that have begun. */
  async #doorsFor({ ssh, tls }: NetconfConfiguration): Promise<Doors> {
    const before = this.#options;
    const doors = new Map(this.#doors);
    if (!sameBesideListen(before?.ssh, ssh)) doors.set("ssh", await sshDoor(ssh, this.#parts));
    if (tls === undefined) doors.delete("tls");
    else if (!sameBesideListen(before?.tls, tls)) doors.set("tls", await tlsDoor(tls, this.#parts));
    return doors;
  }

  #listen({ address, port, transport }: Place): Promise<Listener> {
    return Listener.listen(address, port, { ...this.#parts, transport });
  }

  async #leave(place: Place): Promise<void> {
    const name = nameOf(place);
    const listener = this.#listeners.get(name);
    if (listener === undefined) return;
    this.#listeners.delete(name);
    await listener[Symbol.asyncDispose]();
    this.#parts.log.info("netconf.listening-ended", { ...place, effect: "sessions that came by it go on" });
  }

  #goBy(options: NetconfConfiguration, doors: Doors): void {
    this.#options = options;
    this.#doors = doors;
    this.server.goBy(options);
    for (const listener of this.#listeners.values()) listener.door = doors.get(listener.transport);
  }

  #callHome({ callHome }: NetconfConfiguration): void {
    const { clock, log } = this.#parts;
    const retry = { retry: toMilliseconds(callHome.retry), maxRetry: toMilliseconds(callHome.maxRetry) };
    const wanted = new Map(callHome.clients.map((client) => [JSON.stringify(client), client]));
    for (const [name, call] of this.#calls) {
      if (wanted.has(name)) continue;
      this.#calls.delete(name);
      call.retire();
    }
    for (const [name, client] of wanted) {
      const { transport } = this.#doors.get(client.transport)!; // the model asks for certificates where there is a client over TLS
      const call = this.#calls.get(name);
      if (call === undefined) this.#calls.set(name, new CallHome(client, retry, { transport, clock, log }));
      else call.goBy(retry, transport);
    }
  }
}

function placesOf(options: NetconfConfiguration | undefined): readonly Place[] {
  const places = (transport: TransportName): Place[] =>
    (options?.[transport]?.listen ?? []).map(({ address, port }) => ({ address, port, transport }));
  return [...places("ssh"), ...places("tls")];
}

const nameOf = ({ address, port, transport }: Place): string => `${transport} ${address} ${port}`;

function sameBesideListen<T extends { readonly listen: unknown }>(a: T | undefined, b: T): boolean {
  return a !== undefined && sameValue({ ...a, listen: undefined }, { ...b, listen: undefined });
}

/** Resolves with `done`, and at the latest after `delay`. */
function within(delay: typeof GRACE, done: Promise<void>, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(delay, resolve);
    done.then(resolve, reject).finally(() => timer.cancel());
  });
}
