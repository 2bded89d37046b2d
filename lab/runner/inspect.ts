import { identify, isAlive } from "./identity.ts";
import { execInNode } from "./process.ts";
import type { LabState, NodeState } from "./state.ts";

/** One node as `containerlab inspect --format json` describes a container: its field names. */
export interface InspectedNode {
  readonly lab_name: string;
  readonly labPath: string;
  readonly name: string;
  readonly container_id: string;
  readonly image: string;
  readonly kind: string;
  readonly state: "running" | "exited";
  /** Management addresses: there is no management network here. */
  readonly ipv4_address: string;
  readonly ipv6_address: string;
}

/** The name that containerlab would give the container of a node. */
export function containerName(lab: Pick<LabState, "name" | "prefix">, node: string): string {
  if (lab.prefix === "") return node;
  return lab.prefix === "__lab-name" ? `${lab.name}-${node}` : `${lab.prefix}-${lab.name}-${node}`;
}

/** What is there of the given labs, by lab, as containerlab groups it. */
export async function inspectLabs(labs: readonly LabState[]): Promise<Record<string, InspectedNode[]>> {
  const entries = labs.map(async (lab) => [
    lab.name,
    await Promise.all(lab.nodes.map((node) => inspectNode(lab, node))),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

async function inspectNode(lab: LabState, node: NodeState): Promise<InspectedNode> {
  return {
    lab_name: lab.name,
    labPath: lab.file,
    name: containerName(lab, node.name),
    container_id: `pid ${node.init.pid}`,
    image: node.image ?? "N/A",
    kind: node.kind,
    state: (await isAlive(node.init)) ? "running" : "exited",
    ipv4_address: "N/A",
    ipv6_address: "N/A",
  };
}

export interface NodeInterface {
  readonly name: string;
  readonly mtu: number;
  readonly up: boolean;
  /** With prefix length; link-local ones are left out. */
  readonly addresses: readonly string[];
}

/** The interfaces of a node, as its kernel has them now. */
export async function nodeInterfaces(node: NodeState): Promise<NodeInterface[]> {
  if ((await identify(node.init.pid)) === undefined) return [];
  const shown = await execInNode(node, ["ip", "-json", "address", "show"]);
  if (shown.code !== 0) throw new Error(`ip in ${node.name}: ${shown.stderr.trim()}`);
  interface Shown {
    readonly ifname: string;
    readonly mtu: number;
    readonly flags: readonly string[];
    readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[];
  }
  return (JSON.parse(shown.stdout) as Shown[]).map((one) => ({
    name: one.ifname,
    mtu: one.mtu,
    up: one.flags.includes("UP"),
    addresses: one.addr_info.filter((address) => address.scope === "global").map((a) => `${a.local}/${a.prefixlen}`),
  }));
}

/** A table with a heading line: columns as wide as they must be. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
