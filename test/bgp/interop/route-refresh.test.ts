import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import type { Router } from "../speaker/router.ts";
import { ask, daemon, learnt, OURS, originate, PORT, peerLab, prefixText, semrd, THEIRS, until } from "./lab.ts";

const FAMILY = "ipv6-unicast";
const COUNT = 20;

const marks = ({ metrics }: Router): Record<string, number> =>
  Object.fromEntries(
    ["begin-received", "end-received", "begin-sent", "end-sent"].map((mark) => [
      mark,
      metrics.sum("semrd_bgp_refresh_marks_total", { mark }),
    ]),
  );

/**
 * The session is there, both know each other's routes; then either asks the other one.
 * @param theyAsk makes the daemon ask us; `undefined` where it cannot
 * @param answers what the daemon answers with: marks, or nothing
 */
async function story(
  t: TestContext,
  router: Router,
  theyAsk: (() => Promise<unknown>) | undefined,
  answers: "marks" | "nothing",
): Promise<void> {
  originate(router, FAMILY, 0x2a, 0, COUNT);
  await until(
    () => `the session: ${router.peer().lastError?.text}`,
    () => router.peer().state === "Established",
  );
  await until("their routes", () => learnt(router, FAMILY).length === COUNT);
  const { routeRefresh, enhancedRouteRefresh } = router.peer().capabilities;
  t.diagnostic(`route refresh ${routeRefresh}, enhanced ${enhancedRouteRefresh}`);
  assert.deepEqual([routeRefresh, enhancedRouteRefresh], [true, true]);
  await until("all is said", () => router.peer().routesPending === 0 && router.peer().gracefulRestart.endOfRibSent);
  if (theyAsk !== undefined) {
    await theyAsk();
    await until(
      () => `our answer between marks: ${JSON.stringify(marks(router))}`,
      () => marks(router)["begin-sent"]! >= 1 && marks(router)["end-sent"] === marks(router)["begin-sent"],
    );
  }
  assert.equal(router.speaker.clearSoft(THEIRS, "in"), "done");
  if (answers === "marks") {
    await until(
      () => `its answer between marks: ${JSON.stringify(marks(router))}`,
      () => marks(router)["end-received"]! >= 1 && marks(router)["begin-received"] === marks(router)["end-received"],
    );
  }
  assert.equal(learnt(router, FAMILY).length, COUNT, "what was confirmed stays");
  assert.equal(router.peer().flaps, 0, router.peer().lastError?.text);
  t.diagnostic(JSON.stringify(marks(router)));
}

it("BIRD: route refresh between marks, asked by either end", async (t) => {
  const BIRD = "/usr/sbin/bird";
  const made = await peerLab(t, BIRD, "bird2");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  const [config, control] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  const routes = Array.from({ length: COUNT }, (_, n) => `route ${prefixText(FAMILY, 0x20, n)} unreachable;`);
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; ${routes.join(" ")} }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  hold time 30; connect delay time 1; connect retry time 1; error wait time 1, 2;
  enable route refresh on;
  ipv6 { import all; export where source = RTS_STATIC; };
}
`,
  );
  daemon(t, theirs, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  const router = await semrd(t, ours, { peer: { families: [{ family: FAMILY }] } });
  const tell = (command: string): Promise<string> => ask(theirs, "birdc", "-s", control, ...command.split(" "));
  await story(t, router, () => tell("reload in semrd"), "marks");
  const said = await tell("show protocols all semrd");
  assert.match(said, /Enhanced refresh/);
  assert.match(said, new RegExp(`Routes: +${COUNT} imported`), "what we said again is still there");
  // Without having been asked, it marks what it says anew.
  const { "end-received": before } = marks(router);
  await tell("reload out semrd");
  await until("a refresh that nobody asked for", () => marks(router)["end-received"]! > before!);
  assert.equal(learnt(router, FAMILY).length, COUNT);
});

it("FRR: route refresh between marks, asked by either end", async (t) => {
  const BGPD = "/usr/lib/frr/bgpd";
  const made = await peerLab(t, BGPD, "frr");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  const routes = Array.from({ length: COUNT }, (_, n) => `  network ${prefixText(FAMILY, 0x20, n)}`);
  await writeFile(
    join(where, "bgpd.conf"),
    `hostname them
password x
router bgp 65000
 bgp router-id 10.0.0.2
 no bgp network import-check
 no bgp default ipv4-unicast
 timers bgp 10 30
 neighbor ${OURS} remote-as 65000
 neighbor ${OURS} port ${PORT}
 neighbor ${OURS} timers connect 1
 address-family ipv6 unicast
${routes.join("\n")}
  neighbor ${OURS} activate
 exit-address-family
`,
  );
  const argv = [BGPD, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", THEIRS]);
  const router = await semrd(t, ours, { peer: { families: [{ family: FAMILY }] } });
  const show = (words: string): Promise<string> =>
    ask(theirs, "vtysh", "--vty_socket", where, "-d", "bgpd", "-c", words);
  await story(t, router, () => show(`clear bgp ipv6 ${OURS} soft in`), "marks");
  const said = await show(`show bgp neighbors ${OURS}`);
  t.diagnostic(said.match(/Enhanced Route Refresh: [^\n]*/)?.[0] ?? "nothing about enhanced refresh");
  const summary = JSON.parse(await show("show bgp ipv6 unicast summary json")) as {
    readonly peers: Readonly<Record<string, { readonly pfxRcd: number }>>;
  };
  assert.equal(summary.peers[OURS]!.pfxRcd, COUNT, "what we said again is still there");
});

it("OpenBGPD: it asks and gets its answer between marks", async (t) => {
  const BGPD = "/usr/sbin/bgpd";
  const made = await peerLab(t, BGPD, "openbgpd");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  const [config, socket] = [join(where, "bgpd.conf"), join(where, "bgpd.sock")];
  const routes = Array.from({ length: COUNT }, (_, n) => `network ${prefixText(FAMILY, 0x20, n)}`);
  await writeFile(
    config,
    `AS 65000
router-id 10.0.0.2
listen on ${THEIRS} port ${PORT}
socket "${socket}"
fib-update no
nexthop qualify via default
${routes.join("\n")}
neighbor ${OURS} {
  remote-as 65000
  port ${PORT}
  local-address ${THEIRS}
  holdtime 30
  announce IPv6 unicast
  announce IPv4 none
  announce refresh yes
  announce enhanced refresh yes
}
allow from any
allow to any
`,
    { mode: 0o600 },
  );
  // It wants a home below /run, which its package makes when the service is started.
  const home = 'mount -t tmpfs none /run && mkdir /run/openbgpd && exec "$@"';
  daemon(t, theirs, ["unshare", "--mount", "sh", "-c", home, "sh", BGPD, "-d", "-f", config]);
  const router = await semrd(t, ours, { peer: { families: [{ family: FAMILY }] } });
  // OpenBGPD 7.7 says "AID IPv6 unicast not negotiated" to what it is asked, and answers nothing.
  await story(t, router, () => ask(theirs, "bgpctl", "-s", socket, "neighbor", OURS, "refresh"), "nothing");
  t.diagnostic(
    (await ask(theirs, "bgpctl", "-s", socket, "show", "neighbor", OURS)).match(/refresh[^\n]*/gi)?.join("; ") ?? "",
  );
});
