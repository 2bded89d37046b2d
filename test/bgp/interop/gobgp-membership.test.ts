import assert from "node:assert/strict";
import { it } from "node:test";
import { routeTarget } from "../../../src/bgp/wire/index.ts";
import { GOBGPD, goBgp } from "./gobgp.ts";
import { OURS, peerLab, semrd, until } from "./lab.ts";

it("GoBGP: route-target membership both ways, said, changed and taken back", async (t) => {
  const lab = await peerLab(t, GOBGPD, "gobgpd");
  if (lab === undefined) return;
  const families = [{ name: "rtc" }, { name: "l3vpn-ipv4-unicast" }];
  const them = await goBgp(t, lab, { localAs: 65000, families });
  const router = await semrd(t, lab.ours, {
    peer: { families: [{ family: "capability" }, { family: "route-target" }] },
  });
  router.speaker.importTargets([routeTarget(65000, 1), routeTarget(65000, 2)]);
  await until("the session", () => router.peer().state === "Established");
  assert.deepEqual(router.peer().families, ["ipv4/route-target"], "GoBGP knows no capability family");
  const heard = async (): Promise<string[]> => {
    const said = await them.ask("neighbor", OURS, "adj-in", "-a", "rtc");
    t.diagnostic(said.split("\n").slice(0, 4).join(" | "));
    return [...said.matchAll(/65000:65000:(\d+)/g)].map(([, number]) => number!).sort();
  };
  await until("our memberships", async () => (await heard()).join() === "1,2");
  router.speaker.importTargets([routeTarget(65000, 2), routeTarget(65000, 3)]);
  await until("what changed", async () => (await heard()).join() === "2,3");

  const received = (): number =>
    router.peer().perFamily.find(({ family }) => family === "route-target")!.routesReceived;
  assert.equal(received(), 0);
  await them.ask("vrf", "add", "v7", "rd", "65000:100", "rt", "both", "65000:7");
  await until("its membership", () => received() === 1);
  await them.ask("vrf", "del", "v7");
  await until("no membership", () => received() === 0);
  assert.deepEqual([router.peer().flaps, router.metrics.sum("semrd_bgp_malformed_total")], [0, 0]);
});
