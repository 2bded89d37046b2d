import { messageOf, sameValue } from "../../base/index.ts";
import {
  type Answer,
  answered,
  type Consequence,
  fault,
  type ListenAddress,
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
  listen(options: Options): readonly ListenAddress[];
  start(options: Options, configuration: RouterConfiguration): Promise<Server>;
  /** Throws what would keep it from starting, where it is not started at once: nobody could start with what is committed. */
  check?(options: Options): Promise<void>;
  /** It can become what is wanted without another one in its place, and without ending anything. */
  change?(server: Server, next: Options): Promise<Prepared>;
  /** Lets nobody in any more, and ends once everybody has his answer: one of them may be who does not want it any more. */
  retire?(server: Server): Promise<void>;
}

/**
 * A server that the configuration asks for or not. Another one takes its place when it is to be different: at other
 * addresses it is there before the old one goes, at the same ones there is a moment without. One that can change does that instead.
 */
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
    const { name, path } = this.#kind;
    const [old, next] = [this.#kind.wanted(before), this.#kind.wanted(after)];
    if (old === undefined || sameValue(old, next)) return answered([]);
    if (next !== undefined && this.#kind.change !== undefined) return answered([]);
    const message = `${name} ${next === undefined ? "ends" : "is started anew"}: its open connections end`;
    return answered([{ when: "immediate", code: "server.restart", path, message }]);
  }

  async prepare({ before, after }: RouterChange): Promise<Answer<Prepared | undefined>> {
    const [old, next] = [this.#kind.wanted(before), this.#kind.wanted(after)];
    if (sameValue(old, next)) return answered(undefined);
    const server = this.#server;
    const { change, check } = this.#kind;
    const isFree = next !== undefined && !this.#meets(old, next);
    try {
      const isChanged = server !== undefined && next !== undefined && change !== undefined;
      if (next !== undefined && (isChanged || !isFree)) await check?.(next);
      if (isChanged) return answered(await change(server, next));
      const ready = isFree ? await this.#kind.start(next, after) : undefined;
      return answered(this.#change({ old, next, ready, before, after }));
    } catch (cause) {
      return refused(fault("operation-failed", `${this.name}: ${messageOf(cause)}`, { path: this.#kind.path }));
    }
  }

  /** Whether both listen somewhere together. */
  #meets(old: Options | undefined, next: Options): boolean {
    const ports = new Set((old === undefined ? [] : this.#kind.listen(old)).map(({ port }) => port));
    return this.#kind.listen(next).some(({ port }) => ports.has(port));
  }

  #change(of: {
    readonly old: Options | undefined;
    readonly next: Options | undefined;
    readonly ready: Server | undefined;
    readonly before: RouterConfiguration;
    readonly after: RouterConfiguration;
  }): Prepared {
    const { old, next, ready, before, after } = of;
    const earlier = this.#server;
    const { retire } = this.#kind;
    if (next === undefined && earlier !== undefined && retire !== undefined) {
      const finish = (): void => {
        this.#server = undefined;
        const over = retire(earlier).finally(() => this.#retiring.delete(earlier));
        this.#retiring.set(earlier, over);
      };
      return { apply: () => undefined, revert: () => undefined, finish };
    }
    let isApplied = false;
    return {
      apply: async () => {
        isApplied = true;
        if (ready !== undefined) {
          this.#server = ready;
          return;
        }
        await this.#end();
        if (next !== undefined) this.#server = await this.#kind.start(next, after);
      },
      revert: async () => {
        if (ready !== undefined) {
          this.#server = earlier;
          await ready[Symbol.asyncDispose]();
        } else if (isApplied) {
          await this.#end();
          if (old !== undefined) this.#server = await this.#kind.start(old, before);
        }
      },
      finish: async () => {
        if (ready !== undefined) await earlier?.[Symbol.asyncDispose]();
      },
      abandon: async () => {
        await ready?.[Symbol.asyncDispose]();
      },
    };
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
