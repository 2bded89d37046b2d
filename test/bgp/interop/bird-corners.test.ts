import assert from "node:assert/strict";
import { it } from "node:test";
import { parseIpv6 } from "../../../src/base/index.ts";
import { BIRD, bird } from "./bird.ts";
import {
  AS,
  clientsOfReflector,
  ended,
  FAMILY,
  NEIGHBOUR,
  ownEnd,
  session,
  sizesAroundTheBound,
  THEIR_AS,
  withdraw,
} from "./corners.ts";
import { crossed } from "./crossed.ts";
import { OURS, originate, PORT, peerLab } from "./lab.ts";
import { narrowNumbers } from "./session-corners.ts";

const OWN = "export where source = RTS_STATIC;";

it("BIRD inside, as a client of a reflector: clusters by neighbour, nothing between meshed clients, routes of every size around 4096 octets", async (t) => {
  const lab = await peerLab(t, BIRD, "bird2");
  if (lab === undefined) return;
  const them = await bird(t, lab, { localAs: AS, routes: 1, channel: `import all; ${OWN}` });
  // BIRD alone connects: of two connections that cross it may end one, and nothing is to be ended here.
  const router = await clientsOfReflector(t, lab, { passive: true }, (prefix) => them.route(prefix));
  t.diagnostic(`BIRD ${(await them.tell("show status")).split("\n")[0]}`);
  // Without the protocol it counts the tables of both families, IPv4 first, and its own route as well.
  const routes = async (): Promise<number> =>
    Number(/^(\d+) of \d+ routes .* in table master6$/m.exec(await them.tell("show route protocol semrd count"))?.[1]);
  t.diagnostic(JSON.stringify(await sizesAroundTheBound(router, routes)));
});

it("BIRD of 2-octet AS numbers: wider ones in a path of their own, OPENs that cross, several paths in one direction, its limit of routes", async (t) => {
  const lab = await peerLab(t, BIRD, "bird2");
  if (lab === undefined) return;
  const them = await bird(t, lab, {
    localAs: THEIR_AS,
    routes: 1,
    protocol: "enable as4 off;",
    channel: `add paths rx; import all; receive limit 4 action restart; ${OWN}`,
  });
  const families = [{ family: FAMILY, addPath: { send: "all", receive: true } }] as const;
  // Ours is the larger identifier: our connection stays (RFC 4271 §6.8).
  const router = await ownEnd(t, lab, { peer: { ...NEIGHBOUR, families }, identifier: "10.0.0.9", over: crossed });
  await narrowNumbers(
    router,
    async (prefix) => /BGP\.as_path: (.*)$/m.exec(await them.route(prefix))?.[1]?.replaceAll(" ", ",") ?? "",
    [THEIR_AS],
  );
  assert.notEqual(router.peer().local!.port, PORT);
  assert.equal(router.peer().establishedTransitions, 1);
  assert.deepEqual(router.peer().perFamily[0]!.addPath, { send: true, receive: false });

  // More than it takes.
  originate(router, FAMILY, 0x2a, 2, 7, { nextHop: parseIpv6(OURS)! });
  assert.equal(await ended(router, 1), "cease: maximum number of prefixes reached");
  for (let n = 2; n < 7; n++) withdraw(router, n);
  await session(router, "the session after its limit");
  assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);
});
