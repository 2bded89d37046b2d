/**
 * A client that connects to a capability which nobody serves, from the first line on its standard input until that ends, and says how
 * often it was refused and how often that took as long as a lost SYN does.
 */
import { once } from "node:events";
import { connect } from "node:net";

/** A SYN is sent again after one second. @see RFC 6298 §2.1 */
const LOST_MS = 900;

const [address, port] = [process.argv[2]!, Number(process.argv[3])];
let ended = false;
await once(process.stdin, "data"); // until then there is no network
process.stdin.resume().on("end", () => {
  ended = true;
});

let refused = 0;
let late = 0;
while (!ended) {
  const begin = performance.now();
  const [cause] = (await once(connect({ host: address, port, family: 6 }), "error")) as [NodeJS.ErrnoException];
  if (cause.code !== "ECONNREFUSED") throw cause;
  refused++;
  if (refused === 1) process.stdout.write("connecting\n");
  if (performance.now() - begin > LOST_MS) late++;
}
process.stdout.write(`refused ${refused > 0} late ${late}\n`);
