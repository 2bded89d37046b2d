import assert from "node:assert/strict";
import { it } from "node:test";
import { formatIpv6, seconds } from "../../../src/base/index.ts";
import { acceptAll, type RoutePolicy } from "../../../src/bgp/policy/index.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { ask, learnt, OURS, originate, PORT, peerLab, prefixText, semrd, THEIRS, until } from "./lab.ts";
import { BGPD, openBgpd } from "./openbgpd.ts";

const FAMILY = "ipv6-unicast";
const COUNT = 200;

/** OpenBGPD is AS 65001 here. */
const PEER: PeerOptions = {
  address: THEIRS,
  port: PORT,
  remoteAs: 65001,
  // On Linux it signs what it sends, but drops signed connections that others open.
  passive: true,
  holdTime: seconds(30),
  connectRetry: seconds(1),
  maximumBackOff: seconds(2),
  updateSource: OURS,
  families: [{ family: FAMILY }],
  password: "one key",
};

it("OpenBGPD: signed session, routes both ways, refresh, policies that change, restarts", async (t) => {
  const made = await peerLab(t, BGPD, "openbgpd");
  if (made === undefined) return;
  t.diagnostic(`with ${(await ask(made.theirs, "sh", "-c", `${BGPD} -V 2>&1`)).trim()}`);
  const neighbour = ['tcp md5sig password "one key"', "announce refresh yes", "announce restart yes", "holdtime 30"];
  let them = await openBgpd(t, made, { localAs: 65001, routes: COUNT, neighbour });
  const speaker = { acceptExternal: true } as const;
  const router = await semrd(t, made.ours, { peer: PEER, speaker });
  originate(router, FAMILY, 0x2a, 0, COUNT, { communities: [0xfde80001], multiExitDisc: 7 });
  const received = (): number => learnt(router, FAMILY).length;
  await until("the session", () => router.peer().state === "Established");
  await until(
    () => `all routes: ${received()}`,
    async () => received() === COUNT && (await them.received()) === COUNT,
  );
  assert.equal(formatIpv6(learnt(router, FAMILY)[0]!.nextHop), THEIRS);
  assert.deepEqual(learnt(router, FAMILY)[0]!.attributes.asPath, [{ type: "sequence", numbers: [65001] }]);
  const detail = await them.ask("show", "rib", "detail", prefixText(FAMILY, 0x2a, 1));
  for (const word of ["65000", OURS, "65000:1", "metric 7"]) assert.ok(detail.includes(word), `${word} in ${detail}`);
  const shown = await them.ask("show", "neighbor", OURS);
  t.diagnostic(`it says: ${shown.match(/BGP version.*|.*Neighbor capabilities:[\s\S]*?Negotiated/)?.[0] ?? shown}`);

  // Export policy that changes: withdrawals and nothing else, on the same session.
  const even: RoutePolicy = (set, peer) =>
    set.multiExitDisc === undefined ? { verdict: "reject", reason: "test" } : acceptAll(set, peer);
  originate(router, FAMILY, 0x2a, 0, COUNT / 2);
  await until("one more set", async () => {
    return !(await them.ask("show", "rib", "detail", prefixText(FAMILY, 0x2a, 0))).includes("metric 7");
  });
  assert.equal(router.speaker.changePeer({ ...PEER, exportPolicy: even }).effect, "live");
  await until("half of them are gone", async () => (await them.received()) === COUNT / 2);
  router.speaker.changePeer(PEER);
  await until("and back", async () => (await them.received()) === COUNT);
  assert.equal(router.peer().flaps, 0);

  // Its operator asks for everything again.
  const before = router.peer().updatesSent;
  await them.ask("neighbor", OURS, "refresh");
  t.diagnostic(`refresh asked by bgpctl: ${router.peer().updatesSent > before ? "answered" : "no message came"}`);

  // Shut down by us, with a text.
  router.speaker.disable(THEIRS, "back at ten");
  await until("it shows the text", async () => (await them.ask("show", "neighbor", OURS)).includes("back at ten"));
  router.speaker.enable(THEIRS);
  // By itself it tries again 30 s after a NOTIFICATION; its operator does not wait for that.
  await them.ask("neighbor", OURS, "up");
  await until("the session is back", () => router.peer().state === "Established");
  await until("with all routes", async () => received() === COUNT && (await them.received()) === COUNT);

  // It dies and comes back. OpenBGPD says no forwarding state of its own: its routes go with its End-of-RIB at the latest.
  await them.kill();
  await until("its end is seen", () => router.peer().state !== "Established");
  t.diagnostic(`after its death: ${received()} routes are kept, helper ${router.peer().gracefulRestart.helper}`);
  await until("we listen again", () => router.peer().state === "Active");
  them = await openBgpd(t, made, { localAs: 65001, routes: COUNT / 2, neighbour });
  await until("the session is back", () => router.peer().state === "Established");
  await until("what it has now", async () => received() === COUNT / 2 && (await them.received()) === COUNT);
  assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);

  // We restart.
  await router.speaker.stop({ restart: true });
  const start = { restarted: true, forwardingPreserved: true };
  const again = await semrd(t, made.ours, { peer: PEER, speaker: { ...speaker, start } });
  originate(again, FAMILY, 0x2a, 0, 20);
  await until("the session is back again", () => again.peer().state === "Established");
  again.speaker.localStateConverged();
  await until("the rest is gone", async () => (await them.received()) === 20);
});
