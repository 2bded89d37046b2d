import assert from "node:assert/strict";
import { it } from "node:test";
import { A, B, Scene } from "./scene.ts";

const START = { restarted: true, forwardingPreserved: true };

for (const forwarded of [true, false, undefined]) {
  const said = forwarded === true;
  it(`unicast routes ${said ? "" : "not "}forwarded here: the F bit says so after a restart (RFC 4724 §3), ${forwarded}`, async (t) => {
    const scene = new Scene(t);
    const unicast = { family: "ipv6-unicast", ...(forwarded === undefined ? {} : { forwarded }) } as const;
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      speaker: { start: START },
      peers: [{ address: B, families: [unicast] }],
    });
    const peers = [{ address: A, families: [{ family: "ipv6-unicast" as const }] }];
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers });
    scene.established(a, b);
    assert.equal(b.peer(A).gracefulRestart.peerForwardingPreserved, said);
  });
}
