import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import type { NodeState } from "./state.ts";

export interface SpawnInNode {
  /** Added to the node's environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Folder to run in; `/` without. */
  readonly directory?: string;
  /** Aborting kills the process. */
  readonly signal?: AbortSignal;
}

export interface ExecInNode extends SpawnInNode {
  readonly stdin?: string | Uint8Array;
  /** Milliseconds after which the process is killed; 60 000 without. */
  readonly timeout?: number;
}

export interface ExecResult {
  /** Exit code; 128 and the signal's number for a process that a signal ended. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What was written to standard output, unchanged. */
  readonly octets: Buffer;
}

/** A process inside a node. Disposing kills it. */
export interface LabProcess extends AsyncDisposable {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves to the exit code (see {@link ExecResult}) when the process has ended and its output is complete. */
  readonly exited: Promise<number>;
  /** Sends a signal to the process itself, not to what carried it into the node. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

const BASE_ENVIRONMENT = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  LANG: "C.UTF-8",
} as const;

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** What a process had said when it was ended is read within this time, in milliseconds. */
const DROP_MS = 1_000;

export const exitCode = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (SIGNAL_NUMBERS[signal ?? ""] ?? 0);

/** What every process of a node finds in its environment. */
export function nodeEnvironment(node: Pick<NodeState, "env" | "name">, added: Readonly<Record<string, string>> = {}) {
  return { ...BASE_ENVIRONMENT, HOSTNAME: node.name, ...node.env, ...added };
}

/** The command that runs `argv` inside a node, below its root folder (the runner may be in a chroot); the process dies with whoever carries it. */
function enter(node: NodeState, argv: readonly string[], directory: string | undefined): string[] {
  const inside = directory === undefined ? argv : ["env", "-C", directory, ...argv];
  const target = ["--target", String(node.init.pid), "--mount", "--root", "--wd", "--uts", "--net", "--pid"];
  return ["nsenter", ...target, "--", "setpriv", "--pdeathsig", "KILL", ...node.confine, "--", ...inside];
}

/** Starts `nsenter` itself; `stdio: "inherit"` gives the process this terminal. */
export function spawnRaw(node: NodeState, argv: readonly string[], options: SpawnInNode, stdio: SpawnOptions["stdio"]) {
  const [command, ...args] = enter(node, argv, options.directory);
  return spawn(command!, args, { stdio, env: nodeEnvironment(node, options.env) });
}

/** Starts a process in a node, with pipes. */
export function spawnInNode(node: NodeState, argv: readonly string[], options: SpawnInNode = {}): LabProcess {
  const carrier = spawnRaw(node, argv, options, "pipe");
  return new CarriedProcess(carrier, options.signal);
}

class CarriedProcess implements LabProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<number>;
  readonly #carrier: ChildProcess;
  /** Its end was asked for. */
  #isEnded = false;
  #closed = false;
  #drop: NodeJS.Timeout | undefined;

  constructor(carrier: ChildProcess, signal: AbortSignal | undefined) {
    this.#carrier = carrier;
    this.stdin = carrier.stdin!;
    this.stdout = carrier.stdout!;
    this.stderr = carrier.stderr!;
    // A process that ends without reading its input is no fault of the one who wrote.
    this.stdin.on("error", () => {});
    const abort = (): void => void this.#end();
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort, { once: true });
    this.exited = new Promise((resolve, reject) => {
      carrier.on("error", reject);
      carrier.on("exit", () => {
        if (this.#isEnded) this.#dropPipes();
      });
      carrier.on("close", (code, by) => {
        this.#closed = true;
        clearTimeout(this.#drop);
        signal?.removeEventListener("abort", abort);
        resolve(exitCode(code, by));
      });
    });
    this.exited.catch(() => {});
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const inside = await childOf(this.#carrier.pid);
    if (inside === undefined) return;
    try {
      process.kill(inside, signal);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ESRCH") throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    this.stdout.resume();
    this.stderr.resume();
    await this.exited;
  }

  /**
   * Kills the process inside; what carries it reaps it and follows. The kernel kills it with its carrier only once setpriv(1)
   * has asked for that: one that is younger would outlive it, with the pipes open. A carrier that is stopped begins no other one
   * meanwhile.
   */
  async #end(): Promise<void> {
    this.#isEnded = true;
    const { pid } = this.#carrier;
    if (pid === undefined || !this.#carrier.kill("SIGSTOP")) {
      this.#dropPipes();
      return;
    }
    while (!(await isStill(pid))) await new Promise(setImmediate);
    await this.kill("SIGKILL");
    // One without a child would go on to begin it. One with a child that is killed before it leaves a zombie to process 1.
    this.#carrier.kill((await childOf(pid)) === undefined ? "SIGKILL" : "SIGCONT");
  }

  /** What it began may live on in the node, and holds its pipes: nobody waits for that one to end. */
  #dropPipes(): void {
    if (this.#closed) return;
    this.#drop ??= setTimeout(() => {
      this.stdout.destroy();
      this.stderr.destroy();
    }, DROP_MS);
  }
}

/** Stopped, a zombie, or gone. */
async function isStill(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return !/^[RSDI]/.test(stat.slice(stat.lastIndexOf(")") + 2));
}

/** `nsenter` has one child: the process inside. */
async function childOf(pid: number | undefined): Promise<number | undefined> {
  if (pid === undefined) return undefined;
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => undefined);
  if (list !== undefined) return Number.parseInt(list, 10) || undefined;
  // Kernels without CONFIG_PROC_CHILDREN.
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    if (Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === pid) return Number(name);
  }
  return undefined;
}

/** Runs a command in a node to its end. Never throws for an exit code. */
export async function execInNode(
  node: NodeState,
  argv: readonly string[],
  options: ExecInNode = {},
): Promise<ExecResult> {
  const { stdin, timeout = 60_000, signal, ...rest } = options;
  const limit = AbortSignal.timeout(timeout);
  const running = spawnInNode(node, argv, {
    ...rest,
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  running.stdout.on("data", (part: Buffer) => stdout.push(part));
  running.stderr.on("data", (part: Buffer) => stderr.push(part));
  running.stdin.end(stdin);
  const code = await running.exited;
  signal?.throwIfAborted();
  const octets = Buffer.concat(stdout);
  const said = Buffer.concat(stderr).toString();
  const note = limit.aborted ? `${said}\n${argv[0]} in ${node.name} was killed after ${timeout} ms` : said;
  return { code, octets, stdout: octets.toString(), stderr: note };
}
