import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { routeTarget } from "../../../src/bgp/wire/index.ts";
import { ask, cable, daemon, folder, missing, OURS, PORT, semrd, THEIRS, until } from "./lab.ts";

const GOBGPD = "/usr/bin/gobgpd";

it("GoBGP: route-target membership both ways, said, changed and taken back", { timeout: 120_000 }, async (t) => {
  const reason = await missing(GOBGPD, "gobgpd");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const families = ["rtc", "l3vpn-ipv4-unicast"].map(
    (family) => `[[neighbors.afi-safis]]\n[neighbors.afi-safis.config]\nafi-safi-name = "${family}"`,
  );
  await writeFile(
    join(where, "gobgpd.toml"),
    `[global.config]
as = 65000
router-id = "10.0.0.2"
port = ${PORT}
local-address-list = ["${THEIRS}"]
[[neighbors]]
[neighbors.config]
neighbor-address = "${OURS}"
peer-as = 65000
[neighbors.transport.config]
local-address = "${THEIRS}"
passive-mode = true
[neighbors.timers.config]
hold-time = 30
keepalive-interval = 10
${families.join("\n")}
`,
  );
  const options = ["-l", "warn", "--api-hosts", "127.0.0.1:50051", "--pprof-disable"];
  daemon(t, theirs, [GOBGPD, "-f", join(where, "gobgpd.toml"), ...options]);
  const router = await semrd(t, ours, { peer: { families: [{ family: "capability" }, { family: "route-target" }] } });
  router.speaker.importTargets([routeTarget(65000, 1), routeTarget(65000, 2)]);
  await until("the session", () => router.peer().state === "Established");
  assert.deepEqual(router.peer().families, ["ipv4/route-target"], "GoBGP knows no capability family");
  const tell = (...words: string[]): Promise<string> => ask(theirs, "gobgp", "-p", "50051", ...words);
  const heard = async (): Promise<string[]> => {
    const said = await tell("neighbor", OURS, "adj-in", "-a", "rtc");
    t.diagnostic(said.split("\n").slice(0, 4).join(" | "));
    return [...said.matchAll(/65000:65000:(\d+)/g)].map(([, number]) => number!).sort();
  };
  await until("our memberships", async () => (await heard()).join() === "1,2");
  router.speaker.importTargets([routeTarget(65000, 2), routeTarget(65000, 3)]);
  await until("what changed", async () => (await heard()).join() === "2,3");

  const received = (): number =>
    router.peer().perFamily.find(({ family }) => family === "route-target")!.routesReceived;
  assert.equal(received(), 0);
  await tell("vrf", "add", "v7", "rd", "65000:100", "rt", "both", "65000:7");
  await until("its membership", () => received() === 1);
  await tell("vrf", "del", "v7");
  await until("no membership", () => received() === 0);
  assert.deepEqual([router.peer().flaps, router.metrics.sum("semrd_bgp_malformed_total")], [0, 0]);
  return undefined;
});
