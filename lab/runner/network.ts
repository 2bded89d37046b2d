import { spawn } from "node:child_process";
import { HOST } from "./links.ts";
import type { NodeState } from "./state.ts";
import type { LinkDefinition, LinkEnd, NodeDefinition } from "./topology.ts";

/**
 * Makes the links of a lab, both ends under their final names straight in their namespaces, and brings them up. They
 * need no cleaning up: a veth goes with the namespace of either end. Names in different labs cannot meet.
 */
export async function makeLinks(
  links: readonly LinkDefinition[],
  nodes: readonly NodeDefinition[],
  states: ReadonlyMap<string, NodeState>,
): Promise<void> {
  const inNode = (end: LinkEnd): NodeState | undefined => states.get(end.node);
  const place = (end: LinkEnd): string => `name ${end.interface} netns ${inNode(end)?.init.pid ?? process.pid}`;
  const made = links.map(({ ends: [first, second], mtu }) => {
    const size = mtu === undefined ? "" : `mtu ${mtu} `;
    return `link add ${size}${place(first)} type veth peer ${size}${place(second)}`;
  });
  await ipBatch(undefined, made);

  const ends = links.flatMap((link) => link.ends);
  for (const node of nodes) {
    const own = ends.filter((end) => end.node === node.name);
    const state = states.get(node.name);
    if (state === undefined) continue;
    const lines = own.map((end) => `link set dev ${end.interface} up`);
    if (node.kind === "bridge") {
      lines.unshift(`link add name ${node.name} type bridge`, `link set dev ${node.name} up`);
      lines.push(...own.map((end) => `link set dev ${end.interface} master ${node.name}`));
    }
    await ipBatch(state, lines);
  }
  await ipBatch(
    undefined,
    ends
      .filter((end) => end.node === HOST || inNode(end) === undefined)
      .map((end) => `link set dev ${end.interface} up`),
  );
}

/** Runs lines of `ip -batch` in a node, or in this process's own namespace. */
async function ipBatch(node: NodeState | undefined, lines: readonly string[]): Promise<void> {
  if (lines.length === 0) return;
  const enter = node === undefined ? [] : ["nsenter", "--target", String(node.init.pid), "--net", "--"];
  const [command, ...args] = [...enter, "ip", "-batch", "-"];
  const child = spawn(command!, args, { stdio: ["pipe", "ignore", "pipe"] });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  child.stdin.on("error", () => {});
  child.stdin.end(lines.map((line) => `${line}\n`).join(""));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) {
    const at = /Command failed -:(\d+)/.exec(said)?.[1];
    const line = at === undefined ? "" : ` at: ip ${lines[Number(at) - 1]}`;
    throw new Error(`ip failed${node === undefined ? "" : ` in ${node.name}`}${line}: ${said.trim()}`);
  }
}
