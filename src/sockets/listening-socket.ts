import { type AddressInfo, type ListenOptions, Server, type Socket } from "node:net";
import { type Clock, type Counter, type Log, type Metrics, messageOf, SourceRates } from "../base/index.ts";
import { DescriptorLimit } from "./descriptor-limit.ts";

export interface ListeningParts {
  /** What listens, in logs and metrics: "gnmi". */
  readonly name: string;
  /**
   * Who comes may be anybody, so that connections are refused where few descriptors are left: the router needs some for its files, its
   * neighbours and its operators. Default: everybody who connects is one of these.
   */
  readonly isOpenToMany?: boolean;
  /** Whoever comes before `letIn` is closed, as where nobody listens. Default: it lets in at once. */
  readonly opensLater?: boolean;
  readonly clock: Clock;
  /** Absent: nobody is told of it. */
  readonly log?: Log | undefined;
  /** Absent: it is not counted. */
  readonly metrics?: Metrics | undefined;
}

/** Of each kind: a router that has run out of descriptors says so, and goes on with its work. */
const TOLD = { perSecond: 1 / 60, burst: 1 } as const;
const ADVICE = "raise the limit of open files (LimitNOFILE of the service), or have fewer clients connect";
const HELP = "Connections that were not taken up: few descriptors were left, or the system could not hand them over.";

/**
 * A server of `node:net`, or one that is made of it, that listens at one place. Its connections outlive it.
 *
 * What goes wrong later, when connections are accepted, is counted and told of: as an event that nobody hears it would end the process.
 */
export class ListeningSocket implements AsyncDisposable {
  readonly #server: Server;
  readonly #parts: ListeningParts;
  readonly #told: SourceRates;
  readonly #limit: DescriptorLimit;
  #isOpen: boolean;

  private constructor(server: Server, parts: ListeningParts) {
    this.#server = server;
    this.#parts = parts;
    this.#told = new SourceRates(TOLD, parts.clock);
    this.#limit = new DescriptorLimit(parts.clock);
    this.#isOpen = parts.opensLater !== true;
  }

  /** @param server that has its listeners for connections already. @throws {Error} with `code` of the system call where it cannot */
  static async open(server: Server, at: ListenOptions, parts: ListeningParts): Promise<ListeningSocket> {
    const socket = new ListeningSocket(server, parts);
    if (parts.isOpenToMany === true || !socket.#isOpen) socket.#turnAway();
    await socket.#listen(at);
    return socket;
  }

  /** From now on who comes is served. */
  letIn(): void {
    this.#isOpen = true;
  }

  /** Listens there instead. The connections that it has stay. @throws as `open` does; then it listens nowhere */
  async again(at: ListenOptions): Promise<void> {
    this.#server.off("error", this.#failed);
    Server.prototype.close.call(this.#server); // one of HTTP would close connections that ask for nothing at the moment
    await this.#listen(at);
  }

  /** In the turn of who calls. */
  async #listen(at: ListenOptions): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const server = this.#server;
    server.once("error", reject).listen(at, resolve);
    await promise.finally(() => server.off("error", reject).off("listening", resolve));
    server.on("error", this.#failed);
  }

  get port(): number {
    const at = this.#server.address() as AddressInfo | string | null;
    return typeof at === "object" && at !== null ? at.port : 0;
  }

  /** Nobody comes in any more, and the address is free. Who is in stays: whoever waited for them would wait for a client. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
  }

  /** Before anybody serves them. */
  #turnAway(): void {
    const { isOpenToMany = false } = this.#parts;
    const served = this.#server.listeners("connection");
    this.#server.removeAllListeners("connection");
    this.#server.on("connection", (socket: Socket) => {
      if (!this.#isOpen) {
        socket.destroy();
        return;
      }
      const open = isOpenToMany ? this.#limit.nearBy(socket) : undefined;
      if (open === undefined) {
        for (const serve of served) serve.call(this.#server, socket);
        return;
      }
      socket.destroy();
      this.#count("descriptors").add();
      this.#tell("descriptors", "sockets.few-descriptors", { open, limit: this.#limit.most, advice: ADVICE });
    });
  }

  readonly #failed = (cause: Error): void => {
    this.#count("system").add();
    this.#tell("system", "sockets.accept-failed", { reason: messageOf(cause) });
  };

  #tell(kind: string, event: string, fields: Readonly<Record<string, unknown>>): void {
    const { name, log } = this.#parts;
    const at = this.#server.address();
    const place = typeof at === "string" ? { path: at } : { address: at?.address, port: at?.port };
    if (this.#told.take(kind)) log?.warn(event, { listener: name, ...place, ...fields });
  }

  #count(reason: "descriptors" | "system"): Counter {
    const { name, metrics } = this.#parts;
    const labels = { listener: name, reason };
    return metrics?.counter("semrd_connections_not_accepted_total", HELP, labels) ?? { add: () => {} };
  }
}
