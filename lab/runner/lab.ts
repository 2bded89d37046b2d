import { readFile } from "node:fs/promises";
import { messageOf, Scope } from "../../src/base/index.ts";
import { expandMagicWords, splitCommand } from "./expand.ts";
import { identify } from "./identity.ts";
import { makeLinks } from "./network.ts";
import {
  type ExecInNode,
  type ExecResult,
  execInNode,
  type LabProcess,
  type SpawnInNode,
  spawnInNode,
} from "./process.ts";
import { bringUp } from "./stages.ts";
import { type PreparedNode, prepareNode } from "./start-node.ts";
import { claimLab, destroyLab, type LabState, labDirectory, type NodeState, writeState } from "./state.ts";
import { type NodeDefinition, type Notice, readTopology, type Topology } from "./topology.ts";

export interface DeployOptions {
  /** Instead of the name in the file, so that a topology can be there twice. */
  readonly name?: string;
  /** Environment for `${…}` in the file, on top of this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Runs before any node is made; the lab's folder exists then. For files that nodes bind. */
  readonly prepare?: (directory: string) => Promise<void>;
  /** Hears what of the file is read differently or not at all, before anything is made. */
  readonly notice?: (notice: Notice) => void;
  /** Hears one short text per thing done. */
  readonly progress?: (text: string) => void;
}

export interface LabNode {
  readonly name: string;
  readonly kind: string;
  /** The node's first process, as this machine numbers it. */
  readonly pid: number;
  /** Path of the network namespace. */
  readonly namespace: string;
  /** What the node's command printed. */
  readonly logFile: string;
  readonly definition: NodeDefinition;
}

/** A deployed lab. Disposing ends every process in it and leaves nothing. */
export interface Lab extends AsyncDisposable {
  readonly name: string;
  readonly topology: Topology;
  /** The lab's folder: a place for files that live as long as it. */
  readonly directory: string;
  readonly nodes: ReadonlyMap<string, LabNode>;
  /** @throws {RangeError} if there is no such node */
  node(name: string): LabNode;
  /** Runs a command in a node to its end. */
  exec(node: string, argv: readonly string[], options?: ExecInNode): Promise<ExecResult>;
  /** Starts a process in a node. */
  spawn(node: string, argv: readonly string[], options?: SpawnInNode): LabProcess;
  /** Resolves when the node's health check has passed; rejects when it has failed as often as it may. */
  healthy(node: string): Promise<void>;
}

/**
 * Realises a containerlab file. Resolves when every node has been configured (its `exec` has run), or leaves nothing.
 * Aborting `signal` stops a deployment; a deployed lab lives until it is disposed.
 *
 * @throws {TopologyError} on a file that cannot be realised; {@link LabInUse}; Error with what a step said
 */
export async function deployLab(file: string, options: DeployOptions = {}, signal?: AbortSignal): Promise<Lab> {
  const read = await readTopology(file, { ...process.env, ...options.environment });
  const topology: Topology = options.name === undefined ? read : { ...read, name: options.name };
  for (const notice of topology.notices) options.notice?.(notice);
  const progress = options.progress ?? (() => {});

  const scope = new Scope(signal);
  try {
    const runner = (await identify(process.pid))!;
    const state: LabState = { name: topology.name, prefix: topology.prefix, file: topology.file, runner, nodes: [] };
    await claimLab(state);
    scope.defer(async () => void (await destroyLab(topology.name)));

    await options.prepare?.(labDirectory(topology.name));

    const made = topology.nodes.filter((node) => node.kind !== "host");
    const prepared = await prepareAll(made, topology, state);
    progress(`${prepared.size} nodes`);
    scope.signal.throwIfAborted();

    const states = new Map([...prepared].map(([name, node]) => [name, node.state]));
    await makeLinks(topology.links, topology.nodes, states);
    progress(`${topology.links.length} links`);

    const health = await bringUp(made, {
      start: (node) => prepared.get(node.name)!.start(),
      configure: (node) => configure(node, states.get(node.name)!, labDirectory(topology.name), scope.signal),
      check: (node, argv, timeout) => execInNode(states.get(node.name)!, argv, { timeout, signal: scope.signal }),
      signal: scope.signal,
      progress,
    });
    return new DeployedLab(topology, prepared, health, scope);
  } catch (cause) {
    throw await scope.abandon(cause);
  }
}

/** All nodes at once; if one fails, those that were made are in the state file and get destroyed. */
async function prepareAll(
  nodes: readonly NodeDefinition[],
  topology: Topology,
  state: LabState,
): Promise<Map<string, PreparedNode>> {
  const results = await Promise.allSettled(
    nodes.map((node) => prepareNode(node, topology.file, labDirectory(topology.name))),
  );
  const prepared = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  await writeState({ ...state, nodes: prepared.map((node) => node.state) });
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return new Map(prepared.map((node) => [node.state.name, node]));
}

/** Runs the node's `exec`, line by line. */
async function configure(
  node: NodeDefinition,
  state: NodeState,
  labFolder: string,
  signal: AbortSignal,
): Promise<void> {
  for (const line of node.exec) {
    const argv = splitCommand(expandMagicWords(line, { nodeName: node.name, labDirectory: labFolder }));
    const result = await execInNode(state, argv, { signal });
    if (result.code !== 0) {
      const said = (result.stderr || result.stdout).trim();
      throw new Error(`node ${node.name}: ${line}: exit code ${result.code}: ${said}`);
    }
  }
}

class DeployedLab implements Lab {
  readonly name: string;
  readonly topology: Topology;
  readonly directory: string;
  readonly nodes: ReadonlyMap<string, LabNode>;
  readonly #states: ReadonlyMap<string, NodeState>;
  readonly #health: ReadonlyMap<string, () => Promise<void>>;
  readonly #scope: Scope;

  constructor(
    topology: Topology,
    prepared: ReadonlyMap<string, PreparedNode>,
    health: ReadonlyMap<string, () => Promise<void>>,
    scope: Scope,
  ) {
    this.name = topology.name;
    this.topology = topology;
    this.directory = labDirectory(topology.name);
    this.#states = new Map([...prepared].map(([name, { state }]) => [name, state]));
    this.#health = health;
    this.#scope = scope;
    this.nodes = new Map(
      topology.nodes.flatMap((definition) => {
        const node = prepared.get(definition.name);
        if (node === undefined) return [];
        const { pid } = node.state.init;
        const { name, kind } = definition;
        const namespace = `/proc/${pid}/ns/net`;
        return [[name, { name, kind, pid, namespace, logFile: node.logFile, definition }]];
      }),
    );
  }

  node(name: string): LabNode {
    const node = this.nodes.get(name);
    if (node === undefined) throw new RangeError(`lab ${this.name} has no node ${name}`);
    return node;
  }

  #state(name: string): NodeState {
    this.node(name);
    return this.#states.get(name)!;
  }

  exec(node: string, argv: readonly string[], options: ExecInNode = {}): Promise<ExecResult> {
    return execInNode(this.#state(node), argv, options);
  }

  spawn(node: string, argv: readonly string[], options: SpawnInNode = {}): LabProcess {
    return spawnInNode(this.#state(node), argv, options);
  }

  async healthy(name: string): Promise<void> {
    const node = this.node(name);
    try {
      await this.#health.get(name)!();
    } catch (cause) {
      if (this.#scope.signal.aborted) throw cause;
      const words = (await readFile(node.logFile, "utf8")).trimEnd().split("\n").slice(-6).join("\n");
      throw new Error(`${messageOf(cause)}${words === "" ? "" : `; its log ends with:\n${words}`}`, { cause });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#scope[Symbol.asyncDispose]();
  }
}
