export { BEAT_PORT } from "./abi.ts";
export * from "./driver.ts";
export * from "./edge-plan.ts";
export { DataplaneError, type DataplaneFault } from "./error.ts";
export type {
  GroupChoice,
  PacketExplanation,
  PacketQuestion,
  Probe,
} from "./explain/index.ts";
export type { Feature } from "./features.ts";
export * from "./fib-service/index.ts";
export type {
  FlowEvent,
  FlowProgress,
  FlowTelling,
  FlowWatch,
} from "./flows.ts";
export { removePins } from "./kernel/detach.ts";
export { type KernelDataplane, type KernelDataplaneDependencies, startKernelDataplane } from "./kernel/driver.ts";
export { probeKernel } from "./kernel/probe.ts";
export { type LinuxDataplane, type LinuxOptions, startLinuxDataplane } from "./linux/driver.ts";
export { probeLinux } from "./linux/probe.ts";
export { type MemoryDataplane, type MemoryDataplaneDependencies, startMemoryDataplane } from "./memory/driver.ts";
export { type OvsDataplane, type OvsOptions, startOvsDataplane } from "./ovs/driver.ts";
export { probeOvs } from "./ovs/probe.ts";
export { operationsOfSnapshot } from "./plan-operations.ts";
export { type TableSizes, tableSizes } from "./sizes.ts";
