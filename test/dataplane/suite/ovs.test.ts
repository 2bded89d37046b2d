import { execFileSync } from "node:child_process";
import { after } from "node:test";
import { startOvsDataplane } from "../../../src/dataplane/index.ts";
import { OPTIONS, SILENT } from "../memory/story.ts";
import { answered, isolatedWithOpenVswitch, OpenVswitch } from "../ovs/open-vswitch.ts";
import { inVxlan, vxlan } from "../ovs/vxlan-plan.ts";
import { drivenWorld } from "./driven-world.ts";
import { NEXT_ROUTER, STATIONS, SWITCHED_LINKS_SETUP, switchedAddresses, Wire } from "./links.ts";
import { dataplaneSuite } from "./run.ts";

const BRIDGE = "semrd";
/** What tells where a packet stayed: neighbours, addresses and routes of tunnels, what is cached, what was dropped and where. */
const TELLING: readonly (readonly string[])[] = [
  ["tnl/neigh/show"],
  ["tnl/ports/show", "-v"],
  ["ovs/route/show"],
  ["dpctl/dump-flows", "-m"],
  ["dpctl/show", "-s"],
  ["coverage/show"],
];
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
    const ovs = { database: openVswitch.socket, bridge: BRIDGE, datapathType: "netdev" } as const;
    const world = await drivenWorld({
      starting: () => startOvsDataplane({ ...OPTIONS, ...options }, ovs, { log: SILENT }),
      fit: inVxlan,
      tunnel: vxlan,
      // The switch has it; the megaflows that it made before are followed until its revalidators have been there
      async inEffect(dataplane) {
        await dataplane.settled();
        openVswitch.tool("ovs-appctl", "revalidator/wait");
      },
      async counted(dataplane) {
        openVswitch.tool("ovs-appctl", "revalidator/wait");
        await dataplane.count();
      },
      async send(from, packets) {
        const arrived = [];
        const whoAnswers = async () => (world.isStopped ? undefined : answered(world.dataplane));
        for (let i = 0; i < packets.length; i += BURST)
          arrived.push(...(await wire.send(from, packets.slice(i, i + BURST), whoAnswers)));
        return arrived;
      },
      tells: () =>
        TELLING.map((asked) => `${asked.join(" ")}:\n${openVswitch.tool("ovs-appctl", ...asked)}`).join("\n"),
    });
    execFileSync("sh", ["-ec", switchedAddresses(BRIDGE)]);
    // Open vSwitch has neighbours of its own for tunnels, and nobody answers it at the far ends
    openVswitch.tool("ovs-appctl", "tnl/neigh/set", BRIDGE, ...NEXT_ROUTER);
    await wire.opens(STATIONS);
    return world;
  });
});
