import { messageOf, sameValue } from "../../base/index.ts";
import {
  type Answer,
  answered,
  type Consequence,
  fault,
  type Prepared,
  type Provider,
  type RouterChange,
  type RouterConfiguration,
  refused,
} from "../../management/index.ts";

export interface ServerKind<Options, Server extends AsyncDisposable> {
  /** For people: "the DNS server". */
  readonly name: string;
  /** Data path of what it is configured by. */
  readonly path: string;
  /** `undefined`: it is not wanted. */
  wanted(configuration: RouterConfiguration): Options | undefined;
  start(options: Options, configuration: RouterConfiguration): Promise<Server>;
  /** Throws what would keep it from starting as it is to be: nobody could start with what is committed. */
  check?(options: Options): Promise<void>;
  /** It becomes what is wanted without another one in its place, and without ending anything. */
  change(server: Server, next: Options): Promise<Prepared>;
  /** Lets nobody in any more, and ends once everybody has his answer: one of them may be who does not want it any more. */
  retire?(server: Server): Promise<void>;
}

/** A server that the configuration asks for or not. */
export class ServerSlot<Options, Server extends AsyncDisposable> implements AsyncDisposable, Provider<RouterChange> {
  readonly name: string;
  readonly #kind: ServerKind<Options, Server>;
  #server: Server | undefined;
  /** Servers that end, until they have. */
  readonly #retiring = new Map<Server, Promise<void>>();

  constructor(kind: ServerKind<Options, Server>) {
    this.name = kind.name;
    this.#kind = kind;
  }

  get server(): Server | undefined {
    return this.#server;
  }

  /** @throws whatever starting throws */
  async start(configuration: RouterConfiguration): Promise<void> {
    const options = this.#kind.wanted(configuration);
    if (options !== undefined) this.#server = await this.#kind.start(options, configuration);
  }

  plan({ before, after }: RouterChange): Answer<readonly Consequence[]> {
    const kind = this.#kind;
    if (kind.wanted(before) === undefined || kind.wanted(after) !== undefined) return answered([]);
    const message = `${kind.name} ends: its open connections end`;
    return answered([{ when: "immediate", code: "server.restart", path: kind.path, message }]);
  }

  async prepare({ before, after }: RouterChange): Promise<Answer<Prepared | undefined>> {
    const kind = this.#kind;
    const next = kind.wanted(after);
    if (sameValue(kind.wanted(before), next)) return answered(undefined);
    const server = this.#server;
    if (next === undefined) return answered(this.#goingAway());
    try {
      if (server === undefined) return answered(this.#coming(await kind.start(next, after)));
      await kind.check?.(next);
      return answered(await kind.change(server, next));
    } catch (cause) {
      return refused(fault("operation-failed", `${this.name}: ${messageOf(cause)}`, { path: kind.path }));
    }
  }

  /** One that has not been wanted before: it is there, and this one's when it is applied. */
  #coming(ready: Server): Prepared {
    const end = async (): Promise<void> => {
      this.#server = undefined;
      await ready[Symbol.asyncDispose]();
    };
    const apply = (): void => {
      this.#server = ready;
    };
    return { apply, revert: end, abandon: end };
  }

  #goingAway(): Prepared {
    const server = this.#server;
    const kind = this.#kind;
    const finish = async (): Promise<void> => {
      if (server === undefined) return;
      this.#server = undefined;
      if (kind.retire === undefined) {
        await server[Symbol.asyncDispose]();
        return;
      }
      const over = kind.retire(server).finally(() => this.#retiring.delete(server));
      this.#retiring.set(server, over);
    };
    return { apply: () => undefined, revert: () => undefined, finish };
  }

  async #end(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    for (const [server, over] of [...this.#retiring]) {
      await server[Symbol.asyncDispose]();
      await over;
    }
  }
}
