import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { ask, daemon, learnt, OURS, PORT, peerLab, prefixText, semrd, THEIRS, until } from "./lab.ts";

/*
 * DelayOpen (RFC 4271 §8.1.1): this router waits with its OPEN, longer than these tests last. Whoever says OPEN first ends the wait
 * (event 20): the session comes up at once.
 */

const BIRD = "/usr/sbin/bird";
const FRR = "/usr/lib/frr/bgpd";
const FAMILY = "ipv6-unicast";
const DELAY = seconds(600);
/** We wait for them: they connect. */
const PEER = { remoteAs: 65000, families: [{ family: FAMILY }], delayOpen: DELAY, passive: true } as const;

it("BIRD says OPEN first, and the delay is over (RFC 4271 §8.2.2, event 20)", async (t) => {
  const made = await peerLab(t, BIRD, "bird2");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  t.diagnostic((await ask(theirs, "sh", "-c", `${BIRD} --version 2>&1`)).trim());
  const [config, control] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; route ${prefixText(FAMILY, 0x20, 1)} unreachable; }
protocol bgp semrd {
  local ${THEIRS} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  hold time 30;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  ipv6 { import all; export where source = RTS_STATIC; next hop self; };
}
`,
  );
  const router = await semrd(t, ours, { peer: PEER });
  daemon(t, theirs, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  await until("the session", () => router.peer(THEIRS).state === "Established");
  await until("its route", () => learnt(router, FAMILY).length === 1);
  assert.equal(router.peer(THEIRS).timers.delayOpen, undefined);
  const said = await ask(theirs, "birdc", "-s", control, "show", "protocols", "semrd");
  t.diagnostic(said.split("\n").at(-2) ?? "");
  assert.match(said, /Established/);
});

it("both wait: FRR for a second, and then it says OPEN first", async (t) => {
  const made = await peerLab(t, FRR, "frr");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  t.diagnostic((await ask(theirs, "sh", "-c", `${FRR} --version`)).split("\n")[0]!);
  await writeFile(
    join(where, "bgpd.conf"),
    `hostname them
password x
router bgp 65000
 bgp router-id 10.0.0.2
 no bgp network import-check
 timers bgp 10 30
 neighbor ${OURS} remote-as 65000
 neighbor ${OURS} port ${PORT}
 neighbor ${OURS} timers connect 1
 neighbor ${OURS} timers delayopen 1
 address-family ipv6 unicast
  network ${prefixText(FAMILY, 0x20, 1)}
  neighbor ${OURS} activate
 exit-address-family
`,
  );
  const router = await semrd(t, ours, { peer: PEER });
  const argv = [FRR, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", THEIRS]);
  let waited = false;
  await until("the session", () => {
    const { state, timers } = router.peer(THEIRS);
    waited ||= timers.delayOpen !== undefined;
    return state === "Established";
  });
  await until("its route", () => learnt(router, FAMILY).length === 1);
  t.diagnostic(`the delay of this router was ${waited ? "seen to run" : "over before it was looked at"}`);
  assert.equal(router.peer(THEIRS).timers.delayOpen, undefined);
});
