import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, Socket } from "node:net";
import { it } from "node:test";
import { callBroken, cannotConnect } from "../../src/cli/router/failures.ts";
import type { RouterTarget } from "../../src/cli/router/target.ts";

const TARGET: RouterTarget = { kind: "router", host: "::1", port: 9339 };
const SHOWN: RouterTarget = { ...TARGET, cert: "own.pem", key: "own.key" };

/** What a connection comes to that the other end resets. */
async function reset(): Promise<NodeJS.ErrnoException> {
  const server = createServer((socket) => socket.resetAndDestroy()).listen(0, "::1");
  try {
    await once(server, "listening");
    const client = new Socket().connect((server.address() as AddressInfo).port, "::1");
    client.resume();
    return await new Promise((resolve) => client.once("error", resolve));
  } finally {
    server.close();
  }
}

it("a router that resets the connection, before or in a call, may not take the certificate that it was shown", async () => {
  const cause = await reset();
  assert.equal(cause.code, "ECONNRESET");
  for (const failure of [callBroken(cause, SHOWN), cannotConnect(cause, SHOWN)])
    assert.equal(
      failure.message,
      "the router at [::1]:9339 did not answer, and closed the connection: it may not take own.pem: give one that its client CA has signed",
    );
  assert.match(callBroken(cause, TARGET).message, /closed the connection: look at its log, then try again$/);
});
