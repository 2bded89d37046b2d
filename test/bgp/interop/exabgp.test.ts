import assert from "node:assert/strict";
import { it } from "node:test";
import { formatIpv6, seconds } from "../../../src/base/index.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { EXABGP, exaBgp } from "./exabgp.ts";
import { address, ask, learnt, OURS, originate, PORT, peerLab, prefixText, semrd, THEIRS, until } from "./lab.ts";

const FAMILY = "ipv6-unicast";
const COUNT = 100;

const PEER: PeerOptions = {
  address: THEIRS,
  port: PORT,
  remoteAs: 65000,
  passive: true,
  holdTime: seconds(30),
  connectRetry: seconds(1),
  updateSource: OURS,
  families: [{ family: FAMILY }, { family: "ipv4-unicast" }],
  password: "one key",
  // ExaBGP 4.2.21 dies of its own marks: "TypeError: 'RouteRefresh' object is not iterable".
  enhancedRouteRefresh: false,
};

const SIGNED = `md5-password "one key";
  capability { route-refresh enable; graceful-restart 60; }
  family { ipv6 unicast; ipv4 unicast; }
  api { processes [ heard ]; receive { parsed; update; notification; } neighbor-changes; }`;
const SIGNED_ROUTES = Array.from(
  { length: COUNT },
  (_, n) => `${prefixText(FAMILY, 0x20, n)} next-hop ${THEIRS} community [65000:7] med ${n}`,
);

it("ExaBGP: signed session, routes both ways, withdrawals, refresh, its restart", async (t) => {
  const made = await peerLab(t, EXABGP, "exabgp");
  if (made === undefined) return;
  t.diagnostic(`with ${(await ask(made.theirs, "sh", "-c", `${EXABGP} --version`)).split("\n")[0]}`);
  const router = await semrd(t, made.ours, { peer: PEER });
  originate(router, FAMILY, 0x2a, 0, COUNT, { communities: [0xfde80001], multiExitDisc: 7 });
  const settings = { terms: SIGNED, routes: SIGNED_ROUTES };
  let them = await exaBgp(t, made, settings);
  const received = (): number => learnt(router, FAMILY).length;
  await until(
    () => `the session: ${JSON.stringify(router.peer().lastError)}`,
    () => router.peer().state === "Established",
  );
  await until(
    () => `all routes: ${received()}`,
    () => received() === COUNT && them.known().size === COUNT,
  );
  assert.deepEqual(router.peer().families, ["ipv6/unicast", "ipv4/unicast"]);
  const meds = learnt(router, FAMILY).map(({ attributes }) => attributes.multiExitDisc);
  assert.deepEqual(
    meds.sort((a, b) => a! - b!),
    Array.from({ length: COUNT }, (_, n) => n),
  );
  const [row] = learnt(router, FAMILY);
  assert.deepEqual([formatIpv6(row!.nextHop), row!.attributes.communities], [THEIRS, [0xfde80007]]);
  const { nextHop, attributes } = them.known().get(prefixText(FAMILY, 0x2a, 1))!;
  t.diagnostic(`it prints ${JSON.stringify(attributes)}`);
  const { med, "local-preference": preference, community } = attributes;
  assert.deepEqual([nextHop, med, preference, community], [OURS, 7, 100, [[65000, 1]]]);

  router.speaker.withdrawUnicast({ family: FAMILY, address: address(FAMILY, 0x2a, 2), length: 64 });
  await until("one less", () => them.known().size === COUNT - 1);

  const updates = router.peer().updatesReceived;
  assert.equal(router.speaker.clearSoft(THEIRS, "in"), "done");
  await until("its routes come again", () => router.peer().updatesReceived > updates);
  assert.deepEqual([received(), router.peer().flaps, router.peer().lastError?.text], [COUNT, 0, undefined]);

  await them.kill();
  await until("its end is seen", () => router.peer().state !== "Established");
  t.diagnostic(`after its death: ${received()} routes are kept, helper ${router.peer().gracefulRestart.helper}`);
  them = await exaBgp(t, made, settings);
  await until("the session is back", () => router.peer().state === "Established");
  await until("with all routes", () => received() === COUNT && them.known().size === COUNT - 1);
  assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);
});

it("ExaBGP: several paths of one prefix come with their identifiers, ours go with one (RFC 7911)", async (t) => {
  const made = await peerLab(t, EXABGP, "exabgp");
  if (made === undefined) return;
  const route = (id: number): string =>
    `${prefixText(FAMILY, 0x20, 1)} next-hop ${THEIRS} path-information 0.0.0.${id} med ${id}`;
  const terms = `capability { add-path send/receive; }
  family { ipv6 unicast; }
  add-path { ipv6 unicast; }
  api { processes [ heard ]; receive { parsed; update; } }`;
  const them = await exaBgp(t, made, { terms, routes: [route(7), route(9)] });
  const families = [{ family: FAMILY, addPath: { send: "all", receive: true } }] as const;
  const { password: _, ...plain } = PEER;
  const router = await semrd(t, made.ours, { peer: { ...plain, families } });
  originate(router, FAMILY, 0x2a, 1, 2);
  const ids = (): (number | undefined)[] => learnt(router, FAMILY).map(({ pathId }) => pathId);
  await until(
    () => `both paths: ${ids()}, ${router.peer().lastError?.text}`,
    () => ids().length === 2,
  );
  assert.deepEqual(ids().sort(), [7, 9]);
  assert.deepEqual(router.peer().perFamily[0]!.addPath, { send: true, receive: true });
  await until("ours", () => them.known().size === 1);
  const announced = them.lines().flatMap(({ neighbor }) => {
    const routes = neighbor?.message?.update?.announce;
    return routes === undefined ? [] : [routes];
  });
  t.diagnostic(`it prints ${JSON.stringify(announced)}`);
  const nlri = prefixText(FAMILY, 0x2a, 1);
  assert.deepEqual(announced, [{ "ipv6 unicast": { [OURS]: [{ nlri, "path-information": "0.0.0.1" }] } }]);
});
