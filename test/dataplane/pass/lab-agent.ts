/**
 * The agent of the namespace test: an HTTP server on 8080 (or argv[2]) that hands out octets and hashes what it is given, and a UDP
 * server on 5353 (or argv[3], at the address argv[4]) that answers with how much it got and from whom, or, to what begins with E,
 * with the same. Knows nothing of capabilities.
 */
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { flushCompileCache } from "node:module";

/** Imported, it would load all that Node has of HTTP. */
const { createServer } = process.getBuiltinModule("node:http");

/** The octets that `GET /<count>` answers with. */
export function download(count: number): Uint8Array {
  const octets = new Uint8Array(count);
  for (let i = 0, x = 1; i < count; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    octets[i] = x >>> 24;
  }
  return octets;
}

async function main(): Promise<void> {
  flushCompileCache(); // it is killed: nothing is kept then
  const http = createServer((request, response) => {
    if (request.method === "GET") {
      response.end(download(Number(request.url!.slice(1))));
      return;
    }
    const hash = createHash("sha256");
    request.on("data", (chunk: Buffer) => hash.update(chunk));
    request.on("end", () => response.end(`${hash.digest("hex")} ${request.socket.remoteAddress}`));
  });
  http.listen(Number(process.argv[2] ?? 8080), "::");
  await once(http, "listening");
  const udp = createSocket("udp6");
  udp.on("message", (octets, from) => {
    const answer = octets[0] === 0x45 ? octets : `${octets.length} from ${from.address}`;
    udp.send(answer, from.port, from.address);
  });
  udp.bind(Number(process.argv[3] ?? 5353), process.argv[4] ?? "::");
  await once(udp, "listening");
  process.on("disconnect", () => process.exit(0));
  process.send!("ready");
}

if (process.argv[1] === import.meta.filename) await main();
