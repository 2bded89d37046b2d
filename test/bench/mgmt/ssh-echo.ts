/*
 * An SSH server whose subsystem answers each message with the same few octets: what ssh2, the framing and the sockets cost
 * when there is no router behind them. Prints its port, then serves until it is killed. Arguments: host key, reply.
 */
import type { AddressInfo } from "node:net";
import ssh2 from "ssh2";
import { framed, MessageFramer } from "../../../src/management/netconf/framing.ts";

const [hostKey, reply] = process.argv.slice(2) as [string, string];
const hello = `<hello xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><capabilities><capability>urn:ietf:params:netconf:base:1.1</capability></capabilities><session-id>1</session-id></hello>`;

const server = new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
  connection.on("error", () => undefined);
  (connection as unknown as { setNoDelay(noDelay: boolean): void }).setNoDelay(true);
  connection.on("authentication", (context) => context.accept());
  connection.on("session", (accept) => {
    accept().on("subsystem", (acceptIt) => {
      const stream = acceptIt();
      const framer = new MessageFramer(1 << 20);
      for (const piece of framed([Buffer.from(hello)], "end-of-message")) stream.write(piece);
      let isFirst = true;
      stream.on("data", (octets: Uint8Array) => {
        framer.push(octets);
        for (let next = framer.next(); next.kind === "message"; next = framer.next()) {
          if (isFirst) {
            isFirst = false;
            framer.framing = "chunked";
          } else for (const piece of framed([Buffer.from(reply)], "chunked")) stream.write(piece);
        }
      });
    });
  });
});
server.listen(0, "127.0.0.1", function (this: { address(): AddressInfo }) {
  console.log(this.address().port);
});
