import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import type { YangContext, YangError, YangFault, YangPath, YangTree } from "../../../native/api.ts";
import { type Clock, type Milliseconds, milliseconds, type Timer } from "../../base/index.ts";
import type { XPathAnswer, XPathEvent, XPathRequest } from "./messages.ts";

export interface XPathLimits {
  /** For one expression, of processors: a machine that is busy with other things makes none of them wrong. */
  readonly time: Milliseconds;
  /** For the same, as the clock on the wall has it: others wait meanwhile. */
  readonly patience: Milliseconds;
  /** For taking over a tree, or starting; also by the clock on the wall. */
  readonly preparation: Milliseconds;
  /** Resident memory of the helper, octets. */
  readonly memory: number;
  /** Expressions that wait; more are refused. */
  readonly waiting: number;
}

const LIMITS: XPathLimits = {
  time: milliseconds(1000),
  patience: milliseconds(5000),
  preparation: milliseconds(20_000),
  memory: 2 ** 30,
  waiting: 64,
};
const WATCH = milliseconds(25);
const LOWER_PRIORITY = 10;
/** Of the times in /proc/PID/stat: `sysconf(_SC_CLK_TCK)`, which is 100 on all machines that Node runs on. */
const TICK_MS = 10;
const HELPER = fileURLToPath(import.meta.url).replace(/evaluator\.(\w+)$/, "helper.$1");

export interface XPathOptions {
  /** The folders that the context of the trees was made with. */
  readonly searchPaths: readonly string[];
  readonly clock: Clock;
  readonly limits?: Partial<XPathLimits>;
}

/**
 * Evaluates expressions of clients in a process of its own, since libyang cannot be stopped in the middle of one. A
 * helper that takes too long or too much is killed, and the next expression gets a new one. It starts with the first.
 */
export class XPathEvaluator implements AsyncDisposable {
  readonly #options: XPathOptions;
  readonly #limits: XPathLimits;
  #helper: ChildProcess | undefined;
  /** What the helper has. */
  #context: YangContext | undefined;
  #tree: YangTree | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #closed = false;

  constructor(options: XPathOptions) {
    this.#options = options;
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /** Process ID of the helper, while there is one. */
  get helper(): number | undefined {
    return this.#helper?.pid;
  }

  /**
   * What `expression` selects of `tree`, with what it stands in, as a tree of `context`. `prefixes` are those of
   * {@link YangContext.xpath}, and so are `levels`.
   * @throws {YangError} also for an expression that takes too long or too much memory: `resource-denied`
   */
  async select(
    context: YangContext,
    tree: YangTree,
    expression: string,
    prefixes: Readonly<Record<string, string>> = {},
    levels?: number,
  ): Promise<YangTree> {
    return this.#inTurn(async () => {
      const chosen = { expression, prefixes, ...(levels === undefined ? {} : { levels }) };
      const text = await this.#evaluate(context, tree, chosen);
      return context.parse(text, "xml", { validate: false, state: true });
    });
  }

  /**
   * Where the topmost nodes are that `expression` selects of `tree`.
   * @throws {YangError} as {@link select}, and for what is no set of nodes
   */
  nodes(
    context: YangContext,
    tree: YangTree,
    expression: string,
    prefixes: Readonly<Record<string, string>> = {},
  ): Promise<readonly YangPath[]> {
    return this.#inTurn(async () => {
      await this.#prepare(context, tree);
      const answer = await this.#ask({ type: "nodes", expression, prefixes }, "limited");
      return answer.type === "found" ? answer.paths : [];
    });
  }

  /**
   * Whether `expression` selects anything of a notification of `context`.
   * @throws {YangError} as {@link select}
   */
  matches(
    context: YangContext,
    event: XPathEvent,
    expression: string,
    prefixes: Readonly<Record<string, string>> = {},
  ): Promise<boolean> {
    return this.#inTurn(async () => {
      await this.#prepare(context);
      const answer = await this.#ask({ type: "event", event, expression, prefixes }, "limited");
      return answer.type === "matched" && answer.matches;
    });
  }

  async #inTurn<T>(evaluate: () => Promise<T>): Promise<T> {
    if (this.#waiting >= this.#limits.waiting) {
      throw denied(`${this.#waiting} expressions are waiting already: try again later`);
    }
    this.#waiting++;
    const turn = this.#last.then(evaluate);
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  /** A helper that knows the modules of `context`, and `tree`. */
  async #prepare(context: YangContext, tree?: YangTree): Promise<void> {
    if (this.#closed) throw denied("the router is closing");
    if (this.#helper === undefined || this.#context !== context) {
      this.#kill();
      this.#helper = await start();
      if (this.#closed) throw denied("the router is closing");
      this.#context = context;
      const { searchPaths } = this.#options;
      const modules = context.modules
        .filter(({ implemented }) => implemented)
        .map(({ name, revision, features }) => ({ name, features, ...(revision === "" ? {} : { revision }) }));
      await this.#ask({ type: "open", searchPaths, modules }, "ours");
      // Of what clients ask, and not of what it is prepared with
      setPriority(this.#helper.pid!, LOWER_PRIORITY);
    }
    if (tree !== undefined && this.#tree !== tree) {
      const text = await context.print(tree, "xml", { defaults: "implicit-tagged" });
      await this.#ask({ type: "tree", text }, "ours");
      this.#tree = tree;
    }
  }

  async #evaluate(
    context: YangContext,
    tree: YangTree,
    chosen: Omit<Extract<XPathRequest, { readonly type: "expression" }>, "type">,
  ): Promise<string> {
    await this.#prepare(context, tree);
    const answer = await this.#ask({ type: "expression", ...chosen }, "limited");
    return answer.type === "selected" ? answer.text : "";
  }

  /** `limited`: what a client wants, by time of processors too. */
  #ask(request: XPathRequest, kind: "limited" | "ours"): Promise<XPathAnswer> {
    const helper = this.#helper!;
    const { clock } = this.#options;
    const { time, patience, preparation, memory } = this.#limits;
    const within = kind === "limited" ? patience : preparation;
    return new Promise<XPathAnswer>((resolve, reject) => {
      const finish = (work: () => void): void => {
        settled = true;
        timer.cancel();
        watch.cancel();
        helper.off("message", onAnswer);
        helper.off("exit", onExit);
        work();
      };
      const stop = (reason: string): void =>
        finish(() => {
          this.#kill();
          reject(denied(reason));
        });
      const onAnswer = (answer: XPathAnswer): void =>
        finish(() => {
          if (answer.type === "faults") reject(yangError(answer.faults));
          else if (answer.type === "failed") reject(new Error(`the XPath helper failed: ${answer.message}`));
          else resolve(answer);
        });
      const onExit = (): void => stop("the process that evaluates expressions has ended");
      const timer = clock.after(within, () =>
        stop(
          `the expression took longer than ${within} ms, and processors were busy with other things: try again later`,
        ),
      );
      let settled = false;
      let watch: Timer;
      /** Of processors, at the first look. */
      let first: number | undefined;
      const look = async (): Promise<void> => {
        const [octets, spent] = await Promise.all([residentOctets(helper.pid!), processorTime(helper.pid!)]);
        if (settled) return;
        first ??= spent - WATCH;
        if (octets > memory) stop("the expression took too much memory");
        else if (kind === "limited" && spent - first > time) stop(`the expression took longer than ${time} ms`);
        else watch = clock.after(WATCH, look);
      };
      watch = clock.after(WATCH, look);
      helper.on("message", onAnswer);
      helper.on("exit", onExit);
      helper.send(request, (error) => {
        if (error !== null) stop(`the process that evaluates expressions is gone: ${error.message}`);
      });
    });
  }

  #kill(): void {
    this.#helper?.kill("SIGKILL");
    this.#helper = undefined;
    this.#context = undefined;
    this.#tree = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#ended();
    await this.#last;
    await this.#ended(); // one that was being started
  }

  async #ended(): Promise<void> {
    const helper = this.#helper;
    const gone =
      helper === undefined || helper.exitCode !== null || helper.signalCode !== null ? undefined : once(helper, "exit");
    // It keeps nobody alive: a process that waits for nothing else would end here, in the middle of its end.
    helper?.ref();
    this.#kill();
    await gone;
  }
}

/** A process with nothing of ours in its environment that keeps nobody alive. */
async function start(): Promise<ChildProcess> {
  const helper = fork(HELPER, {
    env: {},
    cwd: "/",
    execArgv: [],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  helper.on("error", () => {}); // follows from kill, or is told by exit
  await new Promise((resolve, reject) => {
    helper.once("spawn", resolve);
    helper.once("error", reject);
  });
  helper.unref();
  helper.channel?.unref();
  return helper;
}

async function residentOctets(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}

/** Of all its threads, user's and system's. @see proc_pid_stat(5), fields 14 and 15 */
async function processorTime(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS;
}

function denied(message: string): YangError {
  return yangError([{ errorTag: "resource-denied", errorType: "application", message }]);
}

function yangError(faults: readonly YangFault[]): YangError {
  return Object.assign(new Error(faults[0]?.message), { code: "EYANG" as const, faults });
}
