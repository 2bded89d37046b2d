import assert from "node:assert/strict";
import { it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { LLGR_STALE } from "../../../src/bgp/policy/index.ts";
import type { UnicastFamily } from "../../../src/rib/index.ts";
import { GOBGPD, goBgp } from "./gobgp.ts";
import { address, learnt, OURS, originate, peerLab, prefixText, semrd, THEIRS, until } from "./lab.ts";

const FAMILIES: readonly UnicastFamily[] = ["ipv6-unicast", "ipv4-unicast"];
const COUNT = 50;
/** How long routes are kept as the last resort, in seconds, by family: by us and by them. */
const THEIR_LAST_RESORT = { "ipv6-unicast": 700, "ipv4-unicast": 200 } as const;
const [OUR_LAST_RESORT, OUR_IPV4] = [600, 300];

it("GoBGP: both families in both directions inside an AS, withdrawals, refresh, its routes as last resort after its death", async (t) => {
  const lab = await peerLab(t, GOBGPD, "gobgpd");
  if (lab === undefined) return;
  const lines = (name: UnicastFamily): string => `[neighbors.afi-safis.mp-graceful-restart.config]
enabled = true
[neighbors.afi-safis.long-lived-graceful-restart.config]
enabled = true
restart-time = ${THEIR_LAST_RESORT[name]}`;
  const them = await goBgp(t, lab, {
    localAs: 65000,
    families: FAMILIES.map((name) => ({ name, lines: lines(name) })),
    neighbour: `[neighbors.graceful-restart.config]
enabled = true
notification-enabled = true
long-lived-enabled = true
restart-time = 1`,
  });
  const router = await semrd(t, lab.ours, {
    peer: { families: [{ family: "ipv6-unicast" }, { family: "ipv4-unicast", longLivedStaleTime: seconds(OUR_IPV4) }] },
    speaker: {
      gracefulRestart: {
        ...{ restartTime: seconds(60), stalePathTime: seconds(60), selectionDeferralTime: seconds(20) },
        ...{ longLivedStaleTime: seconds(OUR_LAST_RESORT), keepOverNotification: true },
      },
    },
  });
  originate(router, "ipv6-unicast", 0x2a, 0, COUNT, { communities: [0xfde80001], multiExitDisc: 7 });
  originate(router, "ipv4-unicast", 42, 0, COUNT);
  await until("the session", () => router.peer().state === "Established");
  assert.deepEqual(router.peer().families, ["ipv6/unicast", "ipv4/unicast"]);
  for (let n = 0; n < COUNT; n++) {
    await them.ask("global", "rib", "-a", "ipv6", "add", prefixText("ipv6-unicast", 0x20, n), "nexthop", THEIRS);
    await them.ask("global", "rib", "-a", "ipv4", "add", prefixText("ipv4-unicast", 20, n), "nexthop", "192.0.2.9");
  }
  const count = async (afi: string): Promise<number> => {
    const said = JSON.parse(await them.ask("neighbor", OURS, "adj-in", "-a", afi, "-j")) as Readonly<
      Record<string, unknown>
    >;
    return Object.keys(said).length;
  };
  const received = (): number[] => FAMILIES.map((family) => learnt(router, family).length);
  await until(
    () => `all routes: ${received()}`,
    async () => received().every((n) => n === COUNT) && (await count("ipv6")) === COUNT,
  );
  // Its session is IPv6 and it has no extended next hops of ours to offer: what it takes of IPv4 shows in its table.
  const extended = router.peer().perFamily.find(({ family }) => family === "ipv4-unicast")!.routesAdvertised === COUNT;
  t.diagnostic(`IPv4 routes with IPv6 next hops: ${extended ? "taken" : "not offered"}`);
  if (extended) await until("IPv4 routes", async () => (await count("ipv4")) === COUNT);
  assert.match(await them.ask("global", "rib", "-a", "ipv6", prefixText("ipv6-unicast", 0x2a, 1)), /fd5e:b6c::1/);
  router.speaker.withdrawUnicast({ family: "ipv6-unicast", address: address("ipv6-unicast", 0x2a, 2), length: 64 });
  await until("one less", async () => (await count("ipv6")) === COUNT - 1);
  await them.ask("global", "rib", "-a", "ipv4", "del", prefixText("ipv4-unicast", 20, 3));
  await until("one less here", () => received()[1] === COUNT - 1);
  assert.deepEqual([router.peer().flaps, router.metrics.sum("semrd_bgp_malformed_total")], [0, 0]);

  // NOTIFICATIONs keep routes where both ends say so (RFC 8538); after its death they are the last resort (RFC 9494).
  const { longLivedGracefulRestart, restartOverNotification } = router.peer().capabilities;
  assert.deepEqual([longLivedGracefulRestart, restartOverNotification], [true, true]);
  const neighbour = await them.ask("neighbor", OURS);
  assert.match(neighbour, /Remote: restart time 60 sec, notification flag set/);
  assert.match(neighbour, /long-lived-graceful-restart:\s+advertised and received/);
  const [, lastResort] = /long-lived[\s\S]*?Remote:\s+([\s\S]*?)\n {4}\S/.exec(neighbour)!;
  assert.deepEqual(lastResort!.split(/\n\s*/), [
    `ipv6-unicast, restart time ${OUR_LAST_RESORT} sec, forward flag set`,
    `ipv4-unicast, restart time ${OUR_IPV4} sec, forward flag set`,
  ]);
  assert.deepEqual(
    router.peer().perFamily.map(({ family, peerRestart }) => [family, peerRestart?.longLivedStaleTime]),
    Object.entries(THEIR_LAST_RESORT),
  );
  await them.kill();
  await until("its restart time is over", () => router.peer().gracefulRestart.helper === "long-lived");
  const kept = FAMILIES.flatMap((family) => learnt(router, family));
  assert.deepEqual(
    [kept.length, kept.every(({ attributes }) => attributes.communities.includes(LLGR_STALE))],
    [99, true],
  );
});
