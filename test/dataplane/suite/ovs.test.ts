import { execFileSync } from "node:child_process";
import { after } from "node:test";
import { type OvsDataplane, startOvsDataplane } from "../../../src/dataplane/index.ts";
import type { Operation } from "../../../src/forwarding/index.ts";
import { address, udp } from "../memory/frames.ts";
import { AGENT, CLIENT, OPTIONS, SILENT } from "../memory/story.ts";
import { isolatedWithOpenVswitch, OpenVswitch } from "../ovs/open-vswitch.ts";
import { inVxlan } from "../ovs/vxlan-plan.ts";
import { NEXT_ROUTER, SWITCHED_LINKS_SETUP, switchedAddresses, Wire } from "./links.ts";
import { dataplaneSuite } from "./run.ts";
import type { Side, World } from "./world.ts";

const BRIDGE = "semrd";
/** What the switch's sockets hold of small packets when it makes a flow for each. */
const BURST = 128;
const STATIONS: readonly (readonly [Side, Uint8Array, Uint8Array])[] = [
  ["client", CLIENT, address("2001:db8:c::ffff")],
  ["agent", AGENT, address("2001:db8:a::ffff")],
  ["core", address(NEXT_ROUTER[0]), address("2001:db8:e::1")],
];

await isolatedWithOpenVswitch(import.meta.filename, SWITCHED_LINKS_SETUP, async () => {
  const openVswitch = await OpenVswitch.start();
  after(() => openVswitch[Symbol.asyncDispose]());
  dataplaneSuite("ovs", async (options = {}) => {
    const starting = (): Promise<OvsDataplane> =>
      startOvsDataplane(
        { ...OPTIONS, ...options },
        { database: openVswitch.socket, bridge: BRIDGE, datapathType: "netdev" },
        { log: SILENT },
      );
    let dataplane = await starting();
    const wire = await Wire.start({ by: "quiet", seconds: 0.15 });
    execFileSync("sh", ["-ec", switchedAddresses(BRIDGE)]);
    // Open vSwitch has neighbours of its own for tunnels, and nobody answers it at the far ends
    openVswitch.tool("ovs-appctl", "tnl/neigh/set", BRIDGE, ...NEXT_ROUTER);
    let generation = 0;
    // The switch has it; the megaflows that it made before are followed until its revalidators have been there
    const inEffect = async (): Promise<void> => {
      await dataplane.settled();
      openVswitch.tool("ovs-appctl", "revalidator/wait");
    };
    // The switch learns by what they send who is behind which port
    for (const [side, source, destination] of STATIONS)
      await wire.send(side, [udp({ source, destination }, { sourcePort: 9, destinationPort: 9 })]);
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
        for (let i = 0; i < packets.length; i += BURST)
          arrived.push(...(await wire.send(from, packets.slice(i, i + BURST))));
        return arrived;
      },
      async counters() {
        openVswitch.tool("ovs-appctl", "revalidator/wait");
        await dataplane.count();
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
        await wire[Symbol.asyncDispose]();
      },
    };
    return world;
  });
});
