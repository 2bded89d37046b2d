import assert from "node:assert/strict";
import { it } from "node:test";
import { A, B, Scene } from "./scene.ts";

const CASES = [
  { forwarded: true, preserved: false, said: false },
  { forwarded: true, preserved: true, said: true },
  // Somebody else forwards by them, whatever becomes of this process.
  { forwarded: false, preserved: false, said: true },
  { forwarded: undefined, preserved: false, said: true },
];

for (const { forwarded, preserved, said } of CASES) {
  const what = `forwarded here: ${forwarded ?? "default"}, survived: ${preserved}`;
  it(`unicast routes, ${what}: the F bit after a restart is ${said} (RFC 4724 §3)`, async (t) => {
    const scene = new Scene(t);
    const unicast = { family: "ipv6-unicast", ...(forwarded === undefined ? {} : { forwarded }) } as const;
    const a = await scene.router({
      address: A,
      identifier: "10.0.0.1",
      speaker: { start: { restarted: true, forwardingPreserved: preserved } },
      peers: [{ address: B, families: [unicast] }],
    });
    const peers = [{ address: A, families: [{ family: "ipv6-unicast" as const }] }];
    const b = await scene.router({ address: B, identifier: "10.0.0.2", peers });
    scene.established(a, b);
    assert.equal(b.peer(A).gracefulRestart.peerForwardingPreserved, said);
  });
}
