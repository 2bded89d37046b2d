import { after } from "node:test";
import { startFibServiceDataplane } from "../../../src/dataplane/index.ts";
import { systemClock, systemRandom } from "../../../src/host/index.ts";
import { TallyMetrics } from "../../sim/tally-metrics.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { drivenWorld } from "./driven-world.ts";
import { ExecutorProcess } from "./executor-process.ts";
import { frameFrom, whereTo } from "./model-links.ts";
import { dataplaneSuite } from "./run.ts";
import type { Arrival } from "./world.ts";

let started: Promise<ExecutorProcess> | undefined;
after(async () => (await started)?.kill());

/** The driver against the reference executor of `lab/fib-executor`, which is another process. */
dataplaneSuite("fib-service", async (options = {}) => {
  started ??= ExecutorProcess.start();
  const executor = await started;
  const place = { router: "r1", executor: { host: "::1", port: executor.port } };
  const parts = { clock: systemClock, random: systemRandom, log: SILENT, metrics: new TallyMetrics() };
  return drivenWorld({
    starting: () => startFibServiceDataplane({ ...OPTIONS, ...options, ...place }, parts),
    inEffect: (dataplane) => dataplane.settled(),
    counted: (dataplane) => dataplane.refreshCounters(),
    async send(from, packets) {
      const arrivals: Arrival[] = [];
      for (const packet of packets) {
        const { interface: name, frame } = frameFrom(from, packet);
        arrivals.push(...whereTo(from, await executor.process(name, frame)));
      }
      return arrivals;
    },
  });
});
