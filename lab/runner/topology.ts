import { readFile } from "node:fs/promises";
import path from "node:path";
import { parse, YAMLParseError } from "yaml";
import { type Environment, expandEnvironment } from "./expand.ts";
import { readLinks } from "./links.ts";
import { mergeLayers, readNode } from "./node-definition.ts";
import { Section } from "./section.ts";

export const NODE_KINDS = ["linux", "bridge", "host"] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

/** What a node can wait for in another one. */
export const STAGES = ["create", "create-links", "configure", "healthy"] as const;
export type Stage = (typeof STAGES)[number];

export interface Bind {
  /** As written: relative to the topology file. May hold magic words. */
  readonly source: string;
  /** Absolute path inside the node. */
  readonly target: string;
  readonly readOnly: boolean;
}

export interface Healthcheck {
  /** `CMD` and words, or `CMD-SHELL` and one shell line. */
  readonly test: readonly string[];
  readonly startPeriodSeconds: number;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly retries: number;
}

export interface WaitFor {
  /** The stage of this node that waits. */
  readonly at: "create" | "configure";
  readonly node: string;
  readonly stage: Stage;
}

export interface NodeDefinition {
  readonly name: string;
  readonly kind: NodeKind;
  readonly image: string | undefined;
  readonly group: string | undefined;
  readonly entrypoint: string | undefined;
  readonly cmd: string | undefined;
  readonly exec: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly binds: readonly Bind[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly privileged: boolean;
  /** Without the `CAP_` prefix, lower case. */
  readonly capAdd: readonly string[];
  readonly startupDelaySeconds: number;
  readonly waitFor: readonly WaitFor[];
  readonly healthcheck: Healthcheck | undefined;
  readonly dns: {
    readonly servers: readonly string[];
    readonly search: readonly string[];
    readonly options: readonly string[];
  };
}

export interface LinkEnd {
  readonly node: string;
  readonly interface: string;
}

export interface LinkDefinition {
  readonly ends: readonly [LinkEnd, LinkEnd];
  readonly mtu: number | undefined;
}

/** Something in the file that the runner reads differently from containerlab, or not at all. */
export interface Notice {
  readonly level: "info" | "warning";
  /** Where in the file, for example `topology.nodes.r1.memory`. */
  readonly path: string;
  readonly text: string;
}

export interface Topology {
  readonly name: string;
  readonly prefix: string;
  /** Absolute path of the file. */
  readonly file: string;
  readonly nodes: readonly NodeDefinition[];
  readonly links: readonly LinkDefinition[];
  readonly notices: readonly Notice[];
}

/** The file cannot be realised; every reason found, each with its path. */
export class TopologyError extends Error {
  readonly faults: readonly { readonly path: string; readonly text: string }[];

  constructor(file: string, faults: TopologyError["faults"]) {
    super(
      `${file}: ${faults.map((fault) => (fault.path === "" ? fault.text : `${fault.path}: ${fault.text}`)).join("\n  ")}`,
    );
    this.name = "TopologyError";
    this.faults = faults;
  }
}

const LAB_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;

/** Reads a containerlab file. @throws {TopologyError} */
export async function readTopology(file: string, environment: Environment = process.env): Promise<Topology> {
  const absolute = path.resolve(file);
  let text: string;
  try {
    text = await readFile(absolute, "utf8");
  } catch (cause) {
    throw new TopologyError(file, [{ path: "", text: (cause as Error).message }]);
  }
  return parseTopology(text, absolute, environment);
}

/** The subset of containerlab's file format that this runner realises. @throws {TopologyError} */
export function parseTopology(text: string, file: string, environment: Environment): Topology {
  const notices: Notice[] = [];
  const faults: { path: string; text: string }[] = [];
  const expanded = expandEnvironment(text, environment);
  for (const name of new Set(expanded.unset)) {
    notices.push({ level: "warning", path: `\${${name}}`, text: "not set and without a default: taken as empty" });
  }

  let document: unknown;
  try {
    document = parse(expanded.text);
  } catch (cause) {
    if (!(cause instanceof YAMLParseError)) throw cause;
    throw new TopologyError(file, [{ path: "", text: cause.message }]);
  }

  const top = new Section(document, "", notices, faults);
  const name = top.text("name") ?? "";
  if (!LAB_NAME.test(name)) top.fault("name", "a lab needs a name of letters, digits, '.', '_' and '-'");
  const prefix = top.text("prefix") ?? "clab";
  const topology = top.section("topology");
  top.reportRest();

  const layers = {
    defaults: topology.section("defaults"),
    kinds: topology.section("kinds"),
    groups: topology.section("groups"),
  };
  const nodes = topology.section("nodes").entries();
  if (nodes.length === 0) topology.fault("nodes", "a lab needs at least one node");
  let known: ReadonlySet<string> = new Set();
  const definitions = nodes.map(([nodeName, own]) => {
    const merged = mergeLayers(own, layers);
    const definition = readNode(nodeName, merged, own);
    known = merged.asked;
    return definition;
  });
  layers.defaults.reportRest(known);
  for (const [, layer] of [...layers.kinds.entries(), ...layers.groups.entries()]) layer.reportRest(known);
  for (const image of new Set(definitions.map((node) => node.image))) {
    const text = `image ${image} is not used: nodes see this machine's files`;
    if (image !== undefined) notices.push({ level: "info", path: "topology.nodes", text });
  }
  const links = readLinks(topology, definitions);
  topology.reportRest();
  checkWaits(definitions, topology);

  if (faults.length > 0) throw new TopologyError(file, faults);
  return { name, prefix, file, nodes: definitions, links, notices };
}

/** Waits must name nodes that are there, and never lead back. */
function checkWaits(nodes: readonly NodeDefinition[], topology: Section): void {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const reaches = (from: string, to: string, seen: Set<string>): boolean => {
    if (seen.has(from)) return false;
    seen.add(from);
    return (byName.get(from)?.waitFor ?? []).some((wait) => wait.node === to || reaches(wait.node, to, seen));
  };
  for (const node of nodes) {
    for (const wait of node.waitFor) {
      const at = `nodes.${node.name}.stages.${wait.at}.wait-for`;
      if (!byName.has(wait.node)) topology.fault(at, `there is no node ${wait.node}`);
    }
    if (reaches(node.name, node.name, new Set())) {
      topology.fault(`nodes.${node.name}.stages`, "this node waits, through others, for itself");
    }
  }
}
