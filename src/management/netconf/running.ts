import { type Clock, milliseconds, type Place, Places, Scope, sameValue, toMilliseconds } from "../../base/index.ts";
import type { NetconfConfiguration } from "../configuration/operators.ts";
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

interface TransportPlace extends Place {
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
  readonly #places: Places<TransportPlace, Listener>;
  readonly #calls = new Map<string, CallHome>();
  #options: NetconfConfiguration | undefined;
  #doors: Doors = new Map();
  #closed: Promise<void> | undefined;

  /** Does nothing until a change gives it something to do. */
  constructor(parts: RunningParts) {
    this.#parts = parts;
    this.#places = new Places({
      listen: ({ address, port, transport }) => Listener.listen(address, port, { ...parts, transport }),
      left: (place) =>
        parts.log.info("netconf.listening-ended", { ...place, effect: "sessions that came by it go on" }),
    });
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
    const places = await this.#places.prepare(placesOf(next));
    return {
      apply: async () => {
        await places.apply();
        this.#goBy(next, doors);
      },
      revert: async () => {
        await places.revert();
        if (before.options !== undefined) this.#goBy(before.options, before.doors);
      },
      finish: async () => {
        await places.finish();
        this.#callHome(next);
      },
      abandon: places.abandon,
    };
  }

  /** Lets nobody in any more, and ends each session as soon as it has its answer; resolves when nothing is open. */
  async retire(): Promise<void> {
    const { server, clock, connections } = this.#parts;
    await this.#places.leaveAll();
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
    scope.defer(() => this.#places.leaveAll());
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

  #goBy(options: NetconfConfiguration, doors: Doors): void {
    this.#options = options;
    this.#doors = doors;
    this.server.goBy(options);
    for (const listener of this.#places.listeners) listener.door = doors.get(listener.transport);
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

function placesOf(options: NetconfConfiguration | undefined): readonly TransportPlace[] {
  const places = (transport: TransportName): TransportPlace[] =>
    (options?.[transport]?.listen ?? []).map(({ address, port }) => ({ address, port, transport }));
  return [...places("ssh"), ...places("tls")];
}

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
