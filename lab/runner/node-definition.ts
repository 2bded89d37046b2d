import path from "node:path";
import { splitCommand } from "./expand.ts";
import type { Section } from "./section.ts";
import type { WaitFor } from "./topology.ts";
import {
  type Bind,
  type Healthcheck,
  NODE_KINDS,
  type NodeDefinition,
  type NodeKind,
  STAGES,
  type Stage,
} from "./topology.ts";

const NODE_NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
const MAPS = new Set(["env", "sysctls", "labels", "stages", "healthcheck", "dns"]);
const LISTS = new Set(["exec", "binds", "cap-add"]);

interface Layers {
  readonly defaults: Section;
  readonly kinds: Section;
  readonly groups: Section;
}

/**
 * What a node says, on top of its group, its kind and the defaults: mappings are merged key by key, `exec`, `binds`
 * and `cap-add` are put one after the other, everything else is replaced by the more specific layer.
 */
export function mergeLayers(node: Section, { defaults, kinds, groups }: Layers): Section {
  const text = (section: Section, key: string): string | undefined =>
    section.raw(key) === undefined ? undefined : section.text(key);
  const group = text(node, "group") ?? text(defaults, "group");
  const inGroup = group === undefined ? undefined : groups.section(group);
  const kind = text(node, "kind") ?? (inGroup && text(inGroup, "kind")) ?? text(defaults, "kind") ?? "linux";

  const merged: Record<string, unknown> = {};
  for (const layer of [defaults, kinds.section(kind), inGroup, node]) {
    for (const [key, value] of Object.entries(layer?.content() ?? {})) {
      const below = merged[key];
      if (MAPS.has(key) && isMapping(below) && isMapping(value)) merged[key] = { ...below, ...value };
      else if (LISTS.has(key) && Array.isArray(below) && Array.isArray(value)) merged[key] = [...below, ...value];
      else merged[key] = value;
    }
  }
  return node.withContent({ ...merged, kind });
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Reads one node after inheritance; `own` is where the file has it. */
export function readNode(name: string, node: Section, own: Section): NodeDefinition {
  if (!NODE_NAME.test(name)) own.fault("", "a node's name is made of letters, digits, '.', '_' and '-'");
  const kind = node.text("kind") ?? "linux";
  if (!(NODE_KINDS as readonly string[]).includes(kind)) {
    node.fault("kind", `${kind} needs an image of its vendor; this runner has ${NODE_KINDS.join(", ")}`);
  }
  const mode = node.text("network-mode");
  if (mode !== undefined && mode !== "none") {
    node.notice("network-mode", "warning", `${mode} is taken as none: there is no management network`);
  }
  const dns = node.section("dns");
  const definition: NodeDefinition = {
    name,
    kind: kind as NodeKind,
    image: node.text("image"),
    group: node.text("group"),
    entrypoint: commandLine(node, "entrypoint"),
    cmd: commandLine(node, "cmd"),
    exec: node.texts("exec"),
    env: node.scalars("env"),
    binds: readBinds(node),
    sysctls: node.scalars("sysctls"),
    labels: node.scalars("labels"),
    privileged: node.flag("privileged") ?? true,
    capAdd: node.texts("cap-add").map((capability) => capability.toLowerCase().replace(/^cap_/, "")),
    startupDelaySeconds: node.integer("startup-delay", { min: 0, max: 3600 }) ?? 0,
    waitFor: readWaits(node),
    healthcheck: readHealthcheck(node),
    dns: { servers: dns.texts("servers"), search: dns.texts("search"), options: dns.texts("options") },
  };
  dns.reportRest();
  own.reportRest(node.asked);
  return definition;
}

function commandLine(node: Section, key: string): string | undefined {
  const line = node.text(key);
  if (line === undefined) return undefined;
  try {
    splitCommand(line);
  } catch (cause) {
    node.fault(key, (cause as Error).message);
  }
  return line;
}

/** `source:target[:ro]`; for one target the more specific layer, which comes last, wins. */
function readBinds(node: Section): Bind[] {
  const byTarget = new Map<string, Bind>();
  for (const text of node.texts("binds")) {
    const [source, target, mode = "", ...rest] = text.split(":");
    const options = mode.split(",").filter((option) => option !== "");
    if (source === undefined || source === "" || target === undefined || !path.isAbsolute(target) || rest.length > 0) {
      node.fault("binds", `${text} is not source:/target or source:/target:ro`);
      continue;
    }
    for (const option of options) {
      if (option !== "ro" && option !== "rw") node.notice("binds", "warning", `${text}: option ${option} left out`);
    }
    const clean = path.normalize(target).replace(/(?<=.)\/$/, "");
    byTarget.set(clean, { source, target: clean, readOnly: options.includes("ro") });
  }
  return [...byTarget.values()];
}

function readWaits(node: Section): WaitFor[] {
  const waits: WaitFor[] = [];
  const stages = node.section("stages");
  for (const [at, stage] of stages.entries()) {
    const supported = at === "create" || at === "configure";
    if (!supported) stages.notice(at, "warning", "only create and configure can wait: left out");
    for (const item of stage.list("wait-for")) {
      const other = item.text("node");
      const waited = item.text("stage");
      item.reportRest();
      if (other === undefined) item.fault("node", "is missing");
      else if (!(STAGES as readonly string[]).includes(waited ?? "")) {
        item.fault("stage", `must be one of ${STAGES.join(", ")}`);
      } else if (supported) waits.push({ at, node: other, stage: waited as Stage });
    }
    stage.reportRest();
  }
  return waits;
}

function readHealthcheck(node: Section): Healthcheck | undefined {
  if (node.raw("healthcheck") === undefined) return undefined;
  const check = node.section("healthcheck");
  const test = check.texts("test");
  const [how, ...words] = test;
  if (words.length === 0 || (how !== "CMD" && how !== "CMD-SHELL") || (how === "CMD-SHELL" && words.length > 1)) {
    check.fault("test", "must be [CMD, word, …] or [CMD-SHELL, line]");
  }
  const range = { min: 0, max: 86_400 };
  const result: Healthcheck = {
    test,
    startPeriodSeconds: check.integer("start-period", range) ?? 0,
    intervalSeconds: check.integer("interval", { ...range, min: 1 }) ?? 30,
    timeoutSeconds: check.integer("timeout", { ...range, min: 1 }) ?? 30,
    retries: check.integer("retries", { min: 1, max: 100_000 }) ?? 3,
  };
  check.reportRest();
  return result;
}
