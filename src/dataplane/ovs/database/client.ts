import { createConnection, type Socket } from "node:net";
import { JsonFrames } from "./json-frames.ts";

/** One operation of a transaction. @see RFC 7047 §5.2 */
export type DatabaseOperation = Readonly<Record<string, unknown>> & { readonly op: string };
/** The rows that an operation selected. */
export type Row = Readonly<Record<string, unknown>>;

const DATABASE = "Open_vSwitch";
const ANSWER_MS = 10_000;

interface Waiting {
  resolve(result: unknown): void;
  reject(cause: Error): void;
}

/**
 * A conversation with an OVSDB server over its Unix socket: transactions, one table watched, echoes answered.
 * @see RFC 7047 §4
 */
export class DatabaseClient implements Disposable {
  readonly #socket: Socket;
  readonly #path: string;
  readonly #frames = new JsonFrames();
  readonly #waiting = new Map<number, Waiting>();
  readonly #watchers = new Set<(rows: readonly Row[]) => void>();
  #next = 1;
  #ended: Error | undefined;

  private constructor(socket: Socket, path: string) {
    this.#socket = socket;
    this.#path = path;
    socket.on("data", (octets: Buffer) => this.#read(octets));
    socket.on("error", (cause) => this.#end(cause));
    socket.on("close", () => this.#end(new Error("it closed the connection")));
  }

  /** @throws {Error} the socket's own error: nobody listens, no such file, no right to it */
  static connect(path: string): Promise<DatabaseClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path);
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new DatabaseClient(socket, path));
      });
    });
  }

  /** All of the operations or none. Results in their order. @throws {Error} the server's own words about the first that failed */
  async transact(operations: readonly DatabaseOperation[]): Promise<readonly Row[]> {
    const results = await this.#call("transact", [DATABASE, ...operations]);
    if (!Array.isArray(results)) throw new Error(`the database at ${this.#path} answered without results`);
    for (const [i, result] of results.entries()) {
      const { error, details } = (result ?? {}) as { readonly error?: string; readonly details?: string };
      if (error !== undefined)
        throw new Error(
          `the database at ${this.#path} refuses ${operations[i]?.op ?? "the transaction"}: ${error}${details ? ` (${details})` : ""}`,
        );
    }
    return results as Row[];
  }

  /** Rows of a table that match. */
  async select(table: string, where: readonly unknown[] = [], columns?: readonly string[]): Promise<readonly Row[]> {
    const [result] = await this.transact([{ op: "select", table, where, ...(columns ? { columns } : {}) }]);
    const rows = result?.rows;
    return Array.isArray(rows) ? (rows as Row[]) : [];
  }

  /** Whether a client holds the lock now. @see RFC 7047 §4.1.8 and §4.1.10 */
  async isLocked(lock: string): Promise<boolean> {
    const { locked } = ((await this.#call("lock", [lock])) ?? {}) as { readonly locked?: unknown };
    await this.#call("unlock", [lock]);
    return locked === false;
  }

  /** Resolves once the switch has done what `next_cfg` asked for. @see ovs-vswitchd.conf.db(5), "cur_cfg" */
  async waitFor(configuration: number): Promise<void> {
    const done = Promise.withResolvers<void>();
    const look = (rows: readonly Row[]): void => {
      if (rows.some(({ cur_cfg: current }) => typeof current === "number" && current >= configuration)) done.resolve();
    };
    this.#watchers.add(look);
    const timer = setTimeout(
      () =>
        done.reject(
          new Error(`ovs-vswitchd did not take up its new configuration within ${ANSWER_MS / 1000} s: does it run?`),
        ),
      ANSWER_MS,
    );
    try {
      const watched = await this.#call("monitor", [
        DATABASE,
        `cfg-${configuration}`,
        { [DATABASE]: { columns: ["cur_cfg"] } },
      ]);
      this.#tell(watched);
      await done.promise;
    } finally {
      clearTimeout(timer);
      this.#watchers.delete(look);
      if (this.#ended === undefined) await this.#call("monitor_cancel", [`cfg-${configuration}`]);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
    this.#end(new Error("closed here"));
  }

  #call(method: string, params: readonly unknown[]): Promise<unknown> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(
      () =>
        this.#settle(id)?.reject(
          new Error(`the database at ${this.#path} did not answer within ${ANSWER_MS / 1000} s`),
        ),
      ANSWER_MS,
    );
    this.#waiting.set(id, {
      resolve: (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      reject: (cause) => {
        clearTimeout(timer);
        reject(cause);
      },
    });
    this.#socket.write(JSON.stringify({ method, params, id }));
    return promise;
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #read(octets: Uint8Array): void {
    try {
      for (const text of this.#frames.push(octets)) this.#take(JSON.parse(text));
    } catch (cause) {
      if (!(cause instanceof SyntaxError)) throw cause;
      this.#socket.destroy();
      this.#end(new Error(`the database at ${this.#path} does not speak OVSDB: ${cause.message}`));
    }
  }

  #take(message: {
    readonly id?: unknown;
    readonly method?: unknown;
    readonly params?: unknown;
    readonly result?: unknown;
    readonly error?: unknown;
  }): void {
    const { id, method, params, result, error } = message;
    if (method === "echo") this.#socket.write(JSON.stringify({ result: params ?? [], error: null, id }));
    else if (method === "update") this.#tell(Array.isArray(params) ? params[1] : undefined);
    else if (typeof id === "number") {
      const waiting = this.#settle(id);
      if (error === null || error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(`the database at ${this.#path} refuses: ${JSON.stringify(error)}`));
    }
  }

  /** The new rows of table updates. @see RFC 7047 §4.1.6 */
  #tell(updates: unknown): void {
    const rows: Row[] = [];
    for (const table of Object.values((updates ?? {}) as Record<string, Record<string, { readonly new?: Row }>>))
      for (const { new: row } of Object.values(table ?? {})) if (row !== undefined) rows.push(row);
    for (const watcher of this.#watchers) watcher(rows);
  }

  #end(cause: Error): void {
    this.#ended ??= cause;
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(this.#ended);
  }
}
