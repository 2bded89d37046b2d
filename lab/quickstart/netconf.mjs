// A small NETCONF client: sends each line of its standard input as the operation of an <rpc>, prints each reply as a line.
//
//     node netconf.mjs HOST PORT USER PRIVATE-KEY-FILE
//
// Ends with 1 at the first <rpc-error>. Base 1.0 framing, which has no chunks to put together.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import ssh2 from "ssh2";

const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0";
const END = "]]>]]>";

const [host, port, username, keyFile] = process.argv.slice(2);
const client = new ssh2.Client();
const fail = (cause) => {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exit(1);
};
client.on("error", fail);
client.connect({ host, port: Number(port), username, privateKey: readFileSync(keyFile), readyTimeout: 10_000 });
await new Promise((resolve) => client.once("ready", resolve));
const stream = await new Promise((resolve, reject) => {
  client.subsys("netconf", (cause, opened) => (cause ? reject(cause) : resolve(opened)));
}).catch(fail);

/** Messages as they come. */
async function* messages() {
  let text = "";
  for await (const octets of stream) {
    text += octets;
    for (let at = text.indexOf(END); at >= 0; at = text.indexOf(END)) {
      yield text.slice(0, at);
      text = text.slice(at + END.length);
    }
  }
}

const received = messages();
await received.next();
stream.write(
  `<hello xmlns="${BASE}"><capabilities><capability>urn:ietf:params:netconf:base:1.0</capability></capabilities></hello>${END}`,
);
let id = 0;
for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === "") continue;
  stream.write(`<rpc message-id="${++id}" xmlns="${BASE}">${line}</rpc>${END}`);
  const { value, done } = await received.next();
  if (done) fail("the router ended the session");
  console.log(value.replaceAll("\n", " "));
  if (value.includes("<rpc-error>")) process.exit(1);
}
client.end();
