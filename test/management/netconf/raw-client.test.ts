import assert from "node:assert/strict";
import { Duplex } from "node:stream";
import { it } from "node:test";
import { hello, RawClient, Refused } from "./raw-client.ts";

it("a client in the middle of a message hears that its session has ended", { timeout: 10_000 }, async () => {
  // It takes nothing, and closes without an error, as a channel of SSH does.
  const stream = new Duplex({ read() {}, write() {} });
  stream.push(`${hello(["1.0", "1.1"])}]]>]]>`);
  await using client = await RawClient.on(stream, () => stream.destroy(), { versions: ["1.0"] });
  const sent = assert.rejects(client.send("x".repeat(100_000)), Refused);
  setImmediate(() => stream.destroy());
  await sent;
  await assert.rejects(client.send("x".repeat(100_000)), Refused);
});
