/** Two UDP instances, which note each datagram: its number, and when it was sent and came. Says all of it when asked. */
import dgram from "node:dgram";
import { once } from "node:events";
import { INSTANCE_PORTS, now } from "./part.ts";

export interface Arrival {
  readonly number: number;
  readonly flow: number;
  readonly instance: number;
  readonly at: number;
}

const arrivals: Arrival[] = [];
for (const [instance, port] of INSTANCE_PORTS.entries()) {
  const socket = dgram.createSocket({ type: "udp6", recvBufferSize: 1 << 22 });
  socket.on("message", (octets, { port: flow }) => {
    arrivals.push({ number: octets.readUInt32BE(0), flow, instance, at: now() });
  });
  socket.bind(port, "::");
  await once(socket, "listening");
}
process.on("message", () => process.send!(arrivals.splice(0)));
process.on("disconnect", () => process.exit(0));
process.send!("ready");
