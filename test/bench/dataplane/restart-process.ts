/** A router's data plane alone: adopts what is pinned, puts a program of its own on the port, and waits to be killed. */
import { createInterface } from "node:readline";
import { loadNative } from "../../../native/index.ts";
import { NETWORK } from "./network.ts";
import { startDataplane, TENANT } from "./world.ts";

const [, , name, maxCapabilities] = process.argv;
const port = { interface: NETWORK.arrival, role: "client", tenantIndex: TENANT, hook: "xdp" } as const;
const dataplane = await startDataplane(name!, Number(maxCapabilities), { ports: [port] });
process.stdout.write(
  `${JSON.stringify({ adopted: dataplane.adopted, ifindex: loadNative().sock.interfaceIndex(port.interface) })}\n`,
);
for await (const _ of createInterface({ input: process.stdin }));
