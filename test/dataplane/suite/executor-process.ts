import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { fromHex, toHex } from "../../../src/base/index.ts";
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
    const [said] = await Promise.race([once(child, "message"), once(child, "exit")]);
    if (typeof said !== "object" || said === null) throw new Error(`the executor ended with ${said}`);
    return new ExecutorProcess(child, (said as { listening: number }).listening);
  }

  async process(port: string, frame: Uint8Array): Promise<ModelOutcome> {
    const answer = once(this.#child, "message");
    this.#child.send({ port, frame: toHex(frame) });
    const [said] = (await answer) as [{ action: ModelOutcome["action"]; frame: string }];
    return { action: said.action, frame: fromHex(said.frame) };
  }

  /** Lets it find out something about a next hop by itself. */
  report(nextHop: number, reason?: string): void {
    this.#child.send({ next_hop: nextHop, unreachable: reason !== undefined, reason: reason ?? "" });
  }

  /** At once, with no chance to say anything. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}
