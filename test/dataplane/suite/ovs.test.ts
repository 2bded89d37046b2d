import { execFileSync } from "node:child_process";
import { after } from "node:test";
import { type OvsDataplane, startOvsDataplane } from "../../../src/dataplane/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { answered, isolatedWithOpenVswitch, OpenVswitch } from "../ovs/open-vswitch.ts";
import { inVxlan } from "../ovs/vxlan-plan.ts";
import { NEXT_ROUTER, STATIONS, SWITCHED_LINKS_SETUP, switchedAddresses, Wire } from "./links.ts";
import { dataplaneSuite } from "./run.ts";
import type { World } from "./world.ts";

const BRIDGE = "semrd";
/** What the switch's sockets hold of small packets when it makes a flow for each. */
const BURST = 128;
await isolatedWithOpenVswitch(import.meta.filename, SWITCHED_LINKS_SETUP, async () => {
  const openVswitch = await OpenVswitch.start();
  const wire = await Wire.start();
  after(async () => {
    await wire[Symbol.asyncDispose]();
    await openVswitch[Symbol.asyncDispose]();
  });
  dataplaneSuite("ovs", async (options = {}) => {
    const starting = (): Promise<OvsDataplane> =>
      startOvsDataplane(
        { ...OPTIONS, ...options },
        { database: openVswitch.socket, bridge: BRIDGE, datapathType: "netdev" },
        { log: SILENT },
      );
    let dataplane = await starting();
    execFileSync("sh", ["-ec", switchedAddresses(BRIDGE)]);
    // Open vSwitch has neighbours of its own for tunnels, and nobody answers it at the far ends
    openVswitch.tool("ovs-appctl", "tnl/neigh/set", BRIDGE, ...NEXT_ROUTER);
    let generation = 0;
    // The switch has it; the megaflows that it made before are followed until its revalidators have been there
    const inEffect = async (): Promise<void> => {
      await dataplane.settled();
      openVswitch.tool("ovs-appctl", "revalidator/wait");
    };
    await wire.opens(STATIONS);
    let isStopped = false;
    const world: World = {
      get dataplane() {
        return dataplane;
      },
      async apply(operations: readonly Operation[]) {
        dataplane.apply(operations.map(inVxlan), ++generation);
        await inEffect();
      },
      async setHealth(nextHop, state) {
        dataplane.setHealth(nextHop, state);
        await inEffect();
      },
      async send(from, packets) {
        const arrived = [];
        const whoAnswers = async () => (isStopped ? undefined : answered(dataplane));
        for (let i = 0; i < packets.length; i += BURST)
          arrived.push(...(await wire.send(from, packets.slice(i, i + BURST), whoAnswers)));
        return arrived;
      },
      async counters() {
        openVswitch.tool("ovs-appctl", "revalidator/wait");
        await dataplane.count();
        return dataplane.counters();
      },
      async stop() {
        isStopped = true;
        await dataplane[Symbol.asyncDispose]();
      },
      async start() {
        dataplane = await starting();
        isStopped = false;
      },
      async [Symbol.asyncDispose]() {
        await dataplane.remove();
      },
    };
    return world;
  });
});
