import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { fromHex, toHex } from "../../../src/base/index.ts";
import { answered, killed } from "../../host/child.ts";
import type { ModelOutcome } from "./model-links.ts";

const PROGRAM = fileURLToPath(new URL("../../../lab/fib-executor/main.ts", import.meta.url));

/** The reference executor in a process of its own, on loopback, with a way to put packets in. */
export class ExecutorProcess implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** `port`: that of an executor that was killed. */
  static async start(port = 0, ...options: readonly string[]): Promise<ExecutorProcess> {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = fork(PROGRAM, ["--listen", `[::1]:${port}`, ...options], {
      env,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const said = await answered(child);
    return new ExecutorProcess(child, (said as { listening: number }).listening);
  }

  async process(port: string, frame: Uint8Array): Promise<ModelOutcome> {
    const said = await answered(this.#child, () => this.#child.send({ port, frame: toHex(frame) }));
    const { action, frame: put } = said as { action: ModelOutcome["action"]; frame: string };
    return { action, frame: fromHex(put) };
  }

  /** Lets it find out something about a next hop by itself. */
  report(nextHop: number, reason?: string): void {
    this.#child.send({ next_hop: nextHop, unreachable: reason !== undefined, reason: reason ?? "" });
  }

  /** At once, with no chance to say anything. */
  async kill(): Promise<void> {
    await killed(this.#child);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
