/** Two UDP instances, which note each datagram: its number, and when it was sent and came. Says all of it when asked. */
import dgram from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { INSTANCE_PORTS, now } from "./part.ts";

export interface Arrival {
  readonly number: number;
  readonly flow: number;
  readonly instance: number;
  readonly at: number;
}

const arrivals: Arrival[] = [];
const sockets: dgram.Socket[] = [];

async function begin(instance: number): Promise<void> {
  const socket = dgram.createSocket({ type: "udp6", recvBufferSize: 1 << 22 });
  sockets[instance] = socket;
  socket.on("message", (octets, { port: flow }) => {
    arrivals.push({ number: octets.readUInt32BE(0), flow, instance, at: now() });
  });
  socket.bind(INSTANCE_PORTS[instance]!, "::");
  await once(socket, "listening");
}

/** Ends an instance. What is in its hands then would be in nobody's account: it hears nobody new and reads that first. */
async function end(instance: number): Promise<void> {
  const socket = sockets[instance]!;
  const connected = once(socket, "connect");
  socket.connect(9, "::1");
  await connected;
  for (const deadline = now() + 20_000; unread(instance) > 0; await new Promise(setImmediate))
    if (now() > deadline) throw new Error("an instance that ends does not come to an end of what it was sent");
  const closed = once(socket, "close");
  socket.close();
  await closed;
}

/** Octets that wait at the socket of an instance. */
function unread(instance: number): number {
  const port = INSTANCE_PORTS[instance]!.toString(16).toUpperCase().padStart(4, "0");
  const table = readFileSync("/proc/self/net/udp6", "utf8");
  const [, waiting] = new RegExp(`^ *\\d+: \\w+:${port} .*? \\w+:(\\w+) `, "m").exec(table)!;
  return Number.parseInt(waiting!, 16);
}

for (const instance of INSTANCE_PORTS.keys()) await begin(instance);
process.on("message", async (asked: "arrivals" | { instance: number; does: "ends" | "begins" }) => {
  if (asked !== "arrivals") await (asked.does === "ends" ? end : begin)(asked.instance);
  process.send!(asked === "arrivals" ? arrivals.splice(0) : "done");
});
process.on("disconnect", () => process.exit(0));
process.send!("ready");
