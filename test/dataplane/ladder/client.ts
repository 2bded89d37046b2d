/**
 * Sends datagrams of many flows, evenly, from when it is told until it is told again; then says when each was sent. Of so many
 * more (`more`) it says when the kernel has them.
 */
import dgram from "node:dgram";
import { once } from "node:events";
import { CAPABILITY, CLIENT, now, SERVICE_PORT } from "./part.ts";

const FLOWS = 32;
const EACH_MS = 2;
const sockets = await Promise.all(
  Array.from({ length: FLOWS }, async (_, i) => {
    const socket = dgram.createSocket({ type: "udp6" });
    socket.on("error", () => {}); // ICMPv6 errors: they are counted where they are made
    socket.bind(40_000 + i, CLIENT);
    await once(socket, "listening");
    return socket;
  }),
);
let sent: number[] = [];
/** What the kernel has taken, and of that what it could not send. */
let taken = 0;
let failed = 0;
let awaited = Number.POSITIVE_INFINITY;
let timer: NodeJS.Timeout | undefined;

/** So many as are due by now, so that a slow machine sends as many, only later. */
function send(began: number): void {
  const due = Math.min(Math.floor((now() - began) * EACH_MS), sent.length + 40);
  while (sent.length < due) {
    const octets = Buffer.alloc(16);
    octets.writeUInt32BE(sent.length);
    sent.push(now());
    sockets[sent.length % FLOWS]!.send(octets, SERVICE_PORT, CAPABILITY, (error) => {
      taken++;
      if (error !== null) failed++;
      if (taken < awaited) return;
      awaited = Number.POSITIVE_INFINITY;
      process.send!("sent");
    });
  }
}

/** Once the kernel has all of them. */
function said(): void {
  if (taken < sent.length) setTimeout(said, 1);
  else process.send!({ sent, failed });
}

process.on("message", (command: "start" | "stop" | { more: number }) => {
  if (typeof command === "object") {
    awaited = sent.length + command.more;
    return;
  }
  clearInterval(timer);
  if (command === "start") {
    sent = [];
    taken = failed = 0;
    const began = now();
    timer = setInterval(() => send(began), 1);
    process.send!("sending");
  } else said();
});
process.on("disconnect", () => process.exit(0));
process.send!("ready");
