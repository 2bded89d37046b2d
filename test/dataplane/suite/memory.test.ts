import { type MemoryDataplane, startMemoryDataplane } from "../../../src/dataplane/index.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { frameFrom, whereTo } from "./model-links.ts";
import { dataplaneSuite } from "./run.ts";
import type { World } from "./world.ts";

dataplaneSuite("memory", async (options = {}) => {
  const starting = (): MemoryDataplane => startMemoryDataplane({ ...OPTIONS, ...options }, { log: SILENT });
  let dataplane = starting();
  let generation = 0;
  const world: World = {
    get dataplane() {
      return dataplane;
    },
    async apply(operations) {
      dataplane.apply(operations, ++generation);
    },
    async setHealth(nextHop, state) {
      dataplane.setHealth(nextHop, state);
    },
    async send(from, packets) {
      return packets.flatMap((packet) => {
        const { interface: name, frame } = frameFrom(from, packet);
        return whereTo(from, dataplane.process(name, frame));
      });
    },
    async counters() {
      return dataplane.counters();
    },
    async stop() {
      await dataplane[Symbol.asyncDispose]();
    },
    async start() {
      dataplane = starting();
    },
    [Symbol.asyncDispose]: () => dataplane[Symbol.asyncDispose](),
  };
  return world;
});
