export { deployFresh } from "./fresh.ts";
export { mermaid } from "./graph.ts";
export { type DeployOptions, deployLab, type Lab, type LabNode } from "./lab.ts";
export type { ExecInNode, ExecResult, LabProcess, SpawnInNode } from "./process.ts";
export { destroyHint, destroyLab, hasRunner, LabInUse, labDirectory } from "./state.ts";
export { type Notice, parseTopology, readTopology, type Topology, TopologyError } from "./topology.ts";
