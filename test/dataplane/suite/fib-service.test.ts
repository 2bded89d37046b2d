import { after } from "node:test";
import { startFibServiceDataplane } from "../../../src/dataplane/index.ts";
import { systemClock, systemRandom } from "../../../src/host/index.ts";
import { TallyMetrics } from "../../sim/tally-metrics.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { ExecutorProcess } from "./executor-process.ts";
import { frameFrom, whereTo } from "./model-links.ts";
import { dataplaneSuite } from "./run.ts";
import type { Arrival, World } from "./world.ts";

let started: Promise<ExecutorProcess> | undefined;
after(async () => (await started)?.kill());

/** The driver against the reference executor of `lab/fib-executor`, which is another process. */
dataplaneSuite("fib-service", async (options = {}) => {
  started ??= ExecutorProcess.start();
  const executor = await started;
  const starting = () =>
    startFibServiceDataplane(
      { ...OPTIONS, ...options, router: "r1", executor: { host: "::1", port: executor.port } },
      { clock: systemClock, random: systemRandom, log: SILENT, metrics: new TallyMetrics() },
    );
  let dataplane = await starting();
  let generation = 0;
  const world: World = {
    get dataplane() {
      return dataplane;
    },
    async apply(operations) {
      dataplane.apply(operations, ++generation);
      await dataplane.settled();
    },
    async setHealth(nextHop, state) {
      dataplane.setHealth(nextHop, state);
      await dataplane.settled();
    },
    async send(from, packets) {
      const arrivals: Arrival[] = [];
      for (const packet of packets) {
        const { interface: name, frame } = frameFrom(from, packet);
        arrivals.push(...whereTo(from, await executor.process(name, frame)));
      }
      return arrivals;
    },
    async counters() {
      await dataplane.refreshCounters();
      return dataplane.counters();
    },
    async stop() {
      await dataplane[Symbol.asyncDispose]();
    },
    async start() {
      dataplane = await starting();
    },
    async [Symbol.asyncDispose]() {
      await dataplane.remove();
    },
  };
  return world;
});
