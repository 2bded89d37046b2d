import { type MemoryDataplane, startMemoryDataplane } from "../../../src/dataplane/index.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { type DrivenWorld, drivenWorld } from "./driven-world.ts";
import { frameFrom, whereTo } from "./model-links.ts";
import { dataplaneSuite } from "./run.ts";

dataplaneSuite("memory", async (options = {}) => {
  const world: DrivenWorld<MemoryDataplane> = await drivenWorld({
    starting: async () => startMemoryDataplane({ ...OPTIONS, ...options }, { log: SILENT }),
    send: async (from, packets) =>
      packets.flatMap((packet) => {
        const { interface: name, frame } = frameFrom(from, packet);
        return whereTo(from, world.dataplane.process(name, frame));
      }),
  });
  return world;
});
