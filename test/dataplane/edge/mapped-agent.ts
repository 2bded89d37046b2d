/** As the agent of the pass's tests, but it listens on both versions, and `GET /endless` is answered for as long as somebody reads. */
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { flushCompileCache } from "node:module";
import { pipeline, Readable } from "node:stream";
import { download } from "../pass/lab-agent.ts";

/** Imported, it would load all that Node has of HTTP. */
const { createServer } = process.getBuiltinModule("node:http");

function* endless(): Generator<Uint8Array> {
  for (const piece = download(64 * 1024); ; ) yield piece;
}

async function main(): Promise<void> {
  flushCompileCache(); // it is killed: nothing is kept then
  const http = createServer((request, response) => {
    if (request.url === "/endless") {
      pipeline(Readable.from(endless()), response, () => undefined); // ends with its reader
      return;
    }
    if (request.method === "GET") {
      response.end(
        request.url === "/who" ? `${request.socket.remoteAddress}` : download(Number(request.url!.slice(1))),
      );
      return;
    }
    const hash = createHash("sha256");
    request.on("data", (chunk: Buffer) => hash.update(chunk));
    request.on("end", () => response.end(`${hash.digest("hex")} ${request.socket.remoteAddress}`));
  });
  http.listen(8080, "::");
  await once(http, "listening");
  const udp = createSocket("udp6");
  udp.on("message", (octets, from) => udp.send(`${octets.length} from ${from.address}`, from.port, from.address));
  udp.bind(5353, "::");
  await once(udp, "listening");
  process.on("disconnect", () => process.exit(0));
  process.send!("ready");
}

if (process.argv[1] === import.meta.filename) await main();
