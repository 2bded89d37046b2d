import { setTimeout as delay } from "node:timers/promises";
import type { ExecResult } from "./process.ts";
import type { Healthcheck, NodeDefinition, Stage } from "./topology.ts";

export interface StageActions {
  /** Starts the node's command. */
  start(node: NodeDefinition): void;
  /** Runs the node's `exec`. */
  configure(node: NodeDefinition): Promise<void>;
  /** Runs one health check. */
  check(node: NodeDefinition, argv: readonly string[], timeoutMilliseconds: number): Promise<ExecResult>;
  readonly progress: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Takes every node through its stages, each as early as its `wait-for` allows. Namespaces and links exist before: they
 * wait for nothing, so `create` here is the start of the node's command, and `create-links` is reached at once.
 *
 * Resolves when all are configured, to a function per node that waits for its health.
 */
export async function bringUp(
  nodes: readonly NodeDefinition[],
  actions: StageActions,
): Promise<ReadonlyMap<string, () => Promise<void>>> {
  const reached = new Map(nodes.map((node) => [node.name, new StagePromises()]));
  const health = new Map<string, () => Promise<void>>();

  const waits = (node: NodeDefinition, at: "create" | "configure"): Promise<unknown> =>
    Promise.all(
      node.waitFor
        .filter((wait) => wait.at === at)
        // A node of kind host is there from the beginning.
        .map((wait) =>
          wait.stage === "healthy" ? health.get(wait.node)?.() : reached.get(wait.node)?.[wait.stage].promise,
        ),
    );

  for (const node of nodes) {
    let started: Promise<void> | undefined;
    const stages = reached.get(node.name)!;
    health.set(node.name, () => {
      started ??= stages.create.promise.then(() => waitHealthy(node, actions, stages));
      return started;
    });
  }

  const run = async (node: NodeDefinition): Promise<void> => {
    const stages = reached.get(node.name)!;
    try {
      stages["create-links"].resolve();
      await waits(node, "create");
      if (node.startupDelaySeconds > 0)
        await delay(node.startupDelaySeconds * 1000, undefined, { signal: actions.signal });
      actions.signal.throwIfAborted();
      actions.start(node);
      stages.create.resolve();
      await waits(node, "configure");
      await actions.configure(node);
      stages.configure.resolve();
      actions.progress(`${node.name} configured`);
    } catch (cause) {
      stages.reject(cause);
      throw cause;
    }
  };
  await Promise.all(nodes.map(run));
  return health;
}

/** One promise per stage; those that nobody waits for may be rejected unheard. */
class StagePromises {
  readonly create = Promise.withResolvers<void>();
  readonly "create-links" = Promise.withResolvers<void>();
  readonly configure = Promise.withResolvers<void>();

  constructor() {
    for (const stage of this.#all()) stage.promise.catch(() => {});
  }

  #all() {
    return [this.create, this["create-links"], this.configure] satisfies PromiseWithResolvers<void>[];
  }

  reject(cause: unknown): void {
    for (const stage of this.#all()) stage.reject(cause);
  }
}

export type WaitableStage = Exclude<Stage, "healthy">;

/**
 * Repeats the health check until it passes. Failures count only after the start period; without a check, a node is
 * healthy once it is configured.
 */
async function waitHealthy(node: NodeDefinition, actions: StageActions, stages: StagePromises): Promise<void> {
  const check = node.healthcheck;
  if (check === undefined) return stages.configure.promise;
  const countFrom = performance.now() + check.startPeriodSeconds * 1000;
  let failures = 0;
  for (;;) {
    const result = await actions.check(node, healthCommand(check), check.timeoutSeconds * 1000);
    if (result.code === 0) return;
    if (performance.now() >= countFrom) failures++;
    if (failures >= check.retries) {
      const said = (result.stderr || result.stdout).trim().split("\n").at(-1);
      throw new Error(`node ${node.name} is unhealthy after ${failures} checks: exit code ${result.code}: ${said}`);
    }
    await delay(check.intervalSeconds * 1000, undefined, { signal: actions.signal });
  }
}

function healthCommand(check: Healthcheck): readonly string[] {
  const [how, ...words] = check.test;
  return how === "CMD-SHELL" ? ["/bin/sh", "-c", words[0]!] : words;
}
