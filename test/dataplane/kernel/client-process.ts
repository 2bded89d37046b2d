/**
 * A client that connects to a capability which nobody serves, from the first line on its standard input until that ends, and says
 * whether it was refused, and how often it sent a SYN again because the first was lost. It is alone in its network namespace.
 */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { synsAgain } from "./syns-again.ts";

const [address, port] = [process.argv[2]!, Number(process.argv[3])];
let ended = false;
await once(process.stdin, "data"); // until then there is no network
process.stdin.resume().on("end", () => {
  ended = true;
});

let refused = 0;
while (!ended) {
  const [cause] = (await once(connect({ host: address, port, family: 6 }), "error")) as [NodeJS.ErrnoException];
  if (cause.code !== "ECONNREFUSED") throw cause;
  refused++;
  if (refused === 1) process.stdout.write("connecting\n");
}
process.stdout.write(`refused ${refused > 0} again ${synsAgain(readFileSync("/proc/net/netstat", "utf8"))}\n`);
