import { HOST } from "./links.ts";
import type { Topology } from "./topology.ts";

/** A Mermaid flowchart of the topology: one subgraph per `group`, links labelled with their interfaces. */
export function mermaid(topology: Topology): string {
  const lines = ["graph LR"];
  // Mermaid's identifiers allow less than node names do.
  const id = (name: string): string => `n_${name.replace(/[^A-Za-z0-9]/g, "_")}`;
  const groups = Map.groupBy(topology.nodes, (node) => node.group ?? "");
  for (const [group, nodes] of groups) {
    const indent = group === "" ? "  " : "    ";
    if (group !== "") lines.push(`  subgraph ${id(`group ${group}`)}["${group}"]`);
    for (const node of nodes) lines.push(`${indent}${id(node.name)}["${node.name}"]`);
    if (group !== "") lines.push("  end");
  }
  const ends = topology.links.flatMap((link) => link.ends);
  const hostNode = topology.nodes.some((node) => node.name === HOST);
  if (!hostNode && ends.some((end) => end.node === HOST)) lines.push(`  ${id(HOST)}["this machine"]`);
  for (const {
    ends: [first, second],
  } of topology.links) {
    lines.push(`  ${id(first.node)} ---|"${first.interface} – ${second.interface}"| ${id(second.node)}`);
  }
  return `${lines.join("\n")}\n`;
}
