import { createRequire } from "node:module";
import type * as prom from "prom-client";

const piece = createRequire(import.meta.url);
const Counter: typeof prom.Counter = piece("prom-client/lib/counter");

/**
 * What prom-client knows of a process, but its times of the processor: that piece brings OpenTelemetry with it, 15 ms of a start and
 * megabytes that nobody uses.
 */
const PIECES = [
  "processStartTime",
  "osMemoryHeap",
  "processOpenFileDescriptors",
  "processMaxFileDescriptors",
  "eventLoopLag",
  "processResources",
  "processHandles",
  "processRequests",
  "heapSizeAndUsed",
  "heapSpacesSizeAndUsed",
  "version",
  "gc",
] as const;

type Collect = (registry: prom.Registry, config: { readonly eventLoopMonitoringPrecision: number }) => void;

/** Milliseconds between two looks at how late the event loop is. */
const LAG_LOOK = 10;

/** Puts the metrics of this process into the registry, under the names that all clients of Prometheus have for them. */
export function collectProcessMetrics(registry: prom.Registry): void {
  collectProcessorTimes(registry);
  for (const name of PIECES) {
    const collect: Collect = piece(`prom-client/lib/metrics/${name}`);
    collect(registry, { eventLoopMonitoringPrecision: LAG_LOOK });
  }
}

function collectProcessorTimes(registry: prom.Registry): void {
  let before = process.cpuUsage();
  const counter = (which: string, help: string, collect?: () => void): prom.Counter =>
    new Counter({
      ...{ name: `process_cpu_${which}seconds_total`, help, registers: [registry] },
      ...(collect === undefined ? {} : { collect }),
    });
  const user: prom.Counter = counter("user_", "Total user CPU time spent in seconds.", () => {
    const spent = process.cpuUsage(before);
    before = { user: before.user + spent.user, system: before.system + spent.system };
    user.inc(spent.user / 1e6);
    system.inc(spent.system / 1e6);
    both.inc((spent.user + spent.system) / 1e6);
  });
  const system = counter("system_", "Total system CPU time spent in seconds.");
  const both = counter("", "Total user and system CPU time spent in seconds.");
}
