import type { Lab, LabProcess } from "../../runner/index.ts";
import { monotonicOf, StoryError } from "./check.ts";

/** One request of the client, as curl reports it. */
export interface Answer {
  /** HTTP status; 0 if there was none. */
  readonly status: number;
  /** Who answered, as the agent says itself in `x-agent`. */
  readonly agent: string | undefined;
  /** The address that the client talked to. */
  readonly remote: string;
  readonly milliseconds: number;
  /** When it began, on this process's monotonic clock. */
  readonly began: number;
  /** curl's words, if it failed. */
  readonly error: string | undefined;
}

const FORMAT = ["%{http_code}", "%header{x-agent}", "%{remote_ip}", "%{time_total}", "%{exitcode}", "%{errormsg}"];
const WRITE_OUT = `${FORMAT.join("\t")}\n`;

/** Every request is a connection of its own, with bounds on both. */
const BOUNDS = ["--no-progress-meter", "--connect-timeout", "2", "--max-time", "10", "--header", "Connection: close"];

function parseAnswer(line: string, began: number | undefined): Answer {
  const [status, agent, remote, seconds, exitCode, error] = line.split("\t");
  const milliseconds = Number(seconds) * 1000;
  return {
    status: Number(status),
    agent: agent === "" ? undefined : agent,
    remote: remote ?? "",
    milliseconds,
    began: began ?? performance.now() - milliseconds,
    error: exitCode === "0" ? undefined : error || `curl: exit code ${exitCode}`,
  };
}

export const succeeded = (answer: Answer): boolean => answer.status === 200;

/** One request with its body and its answer's body. */
export async function request(
  lab: Lab,
  node: string,
  args: readonly string[],
): Promise<Answer & { readonly body: string; readonly octets: Buffer }> {
  const done = await lab.exec(node, ["curl", ...BOUNDS, "--write-out", `%{stderr}${WRITE_OUT}`, ...args], {
    timeout: 30_000,
  });
  const line =
    done.stderr
      .trimEnd()
      .split("\n")
      .find((text) => text.includes("\t")) ?? "0\t\t\t0\t1\t";
  return { ...parseAnswer(line, undefined), body: done.stdout, octets: done.octets };
}

/** `count` GET requests, each over a connection of its own, `parallel` at a time, from one curl. */
export async function requestMany(
  lab: Lab,
  node: string,
  url: string,
  count: number,
  parallel: number,
): Promise<Answer[]> {
  const args = ["--parallel", "--parallel-max", String(parallel), "--output", "/dev/null", "--write-out", WRITE_OUT];
  const done = await lab.exec(node, ["curl", ...BOUNDS, ...args, `${url}?[1-${count}]`], { timeout: 120_000 });
  return done.stdout
    .split("\n")
    .filter((line) => line.includes("\t"))
    .map((line) => parseAnswer(line, undefined));
}

/** How often each agent answered, in the order of first answers; failures under their own words. */
export function countByAgent(answers: readonly Answer[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const answer of answers) {
    const key = succeeded(answer) ? (answer.agent ?? "nobody") : (answer.error ?? `status ${answer.status}`);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/**
 * Asks without a pause, one request after the other, until disposed: the client's view of a failure. Every request is a
 * curl of its own, so a connection and a look-up of its own.
 */
export class Asker implements AsyncDisposable {
  readonly answers: Answer[] = [];
  readonly #process: LabProcess;
  #rest = "";
  #began: number | undefined;
  #waiting: (() => void)[] = [];
  /** What it asks with has ended by itself, and with what code. */
  #endedWith: number | undefined;

  constructor(lab: Lab, node: string, url: string) {
    const format = WRITE_OUT.replaceAll("\t", "\\t").replaceAll("\n", "\\n");
    const curl = `curl ${BOUNDS.map((word) => `'${word}'`).join(" ")} --output /dev/null --write-out '${format}' '${url}'`;
    // The client notes when a request begins: what it prints may be read late on a busy machine.
    this.#process = lab.spawn(node, ["sh", "-c", `while :; do date +%s%N; ${curl} 2>/dev/null; sleep 0.01; done`]);
    this.#process.stderr.resume();
    this.#process.stdout.setEncoding("utf8").on("data", (text: string) => this.#take(text));
    const ended = (code?: number): void => {
      this.#endedWith = code ?? -1;
      this.#wake();
    };
    this.#process.exited.then(ended, () => ended());
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop()!;
    for (const line of lines) {
      if (line.includes("\t")) this.answers.push(parseAnswer(line, this.#began));
      else this.#began = monotonicOf(Number(BigInt(line) / 1000n) / 1000);
    }
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /**
   * Resolves when `count` more requests that begin from now on have been answered, well or not.
   *
   * @throws {StoryError} when what asks has ended
   */
  async more(count: number, signal: AbortSignal): Promise<Answer[]> {
    const from = performance.now();
    for (;;) {
      const later = this.answers.filter((answer) => answer.began >= from);
      if (later.length >= count) return later;
      signal.throwIfAborted();
      if (this.#endedWith !== undefined) {
        const seen = `${later.length}, and it ended with code ${this.#endedWith}`;
        throw new StoryError("the client that asks without a pause", `${count} more answers`, seen);
      }
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push(resolve);
      const woken = (): void => resolve();
      signal.addEventListener("abort", woken, { once: true });
      await promise;
      signal.removeEventListener("abort", woken);
    }
  }

  since(moment: number): Answer[] {
    return this.answers.filter((answer) => answer.began >= moment);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]();
  }
}
