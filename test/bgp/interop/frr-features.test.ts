import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { fromHex, seconds, toHex } from "../../../src/base/index.ts";
import { GRACEFUL_SHUTDOWN } from "../../../src/bgp/policy/index.ts";
import { ask, daemon, learnt, OURS, originate, PORT, peerLab, prefixText, semrd, THEIRS, until } from "./lab.ts";

const BGPD = "/usr/lib/frr/bgpd";
const FAMILY = "ipv6-unicast";
/** Link bandwidth of 1 000 000 octets a second, in the form that crosses borders. @see RFC 10005 */
const MEGABYTE = fromHex("0004fde849742400");
/** More than 4096 octets hold. */
const MANY = Array.from({ length: 350 }, (_, n) => ({ globalAdministrator: 65000, data1: 1, data2: n }));

it("FRR: TTL security, roles, extended messages, link bandwidth, graceful shutdown, shutdown texts, NOTIFICATIONs that keep routes", async (t) => {
  const made = await peerLab(t, BGPD, "frr");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  const log = join(where, "bgpd.log");
  t.diagnostic((await ask(theirs, BGPD, "--version")).split("\n")[0]!);
  await writeFile(
    join(where, "bgpd.conf"),
    `hostname them
password x
log file ${log} informational
bgp route-map delay-timer 0
route-map wide permit 10
 set extcommunity bandwidth 80
exit
router bgp 65001
 bgp router-id 10.0.0.2
 bgp log-neighbor-changes
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 coalesce-time 100
 bgp graceful-restart
 bgp graceful-restart notification
 no bgp hard-administrative-reset
 timers bgp 10 30
 neighbor ${OURS} remote-as 65000
 neighbor ${OURS} port ${PORT}
 neighbor ${OURS} timers connect 1
 neighbor ${OURS} ttl-security hops 1
 neighbor ${OURS} local-role customer strict-mode
 address-family ipv6 unicast
  network ${prefixText(FAMILY, 0x20, 1)} route-map wide
  neighbor ${OURS} activate
 exit-address-family
`,
  );
  const argv = [BGPD, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", THEIRS]);
  const show = async (...commands: string[]): Promise<string> =>
    ask(theirs, "vtysh", "--vty_socket", where, "-d", "bgpd", ...commands.flatMap((command) => ["-c", command]));
  const router = await semrd(t, ours, {
    peer: {
      ...{ remoteAs: 65001, ttlSecurityHops: 1, maximumBackOff: seconds(1), role: { local: "provider", strict: true } },
      families: [{ family: FAMILY }],
    },
    speaker: {
      acceptExternal: true,
      gracefulRestart: {
        ...{ restartTime: seconds(60), stalePathTime: seconds(60), selectionDeferralTime: seconds(20) },
        keepOverNotification: true,
      },
    },
  });
  originate(router, FAMILY, 0x2a, 1, 2, { extendedCommunities: [MEGABYTE] });
  originate(router, FAMILY, 0x2a, 2, 3, { largeCommunities: MANY });
  const isUp = (): boolean => router.peer().state === "Established";
  await until(() => `the session: ${router.peer().lastError?.text}`, isUp);
  assert.equal(router.peer().capabilities.restartOverNotification, true);
  const neighbour = await show(`show bgp neighbors ${OURS}`);
  const SAID = [
    ...[/may be up to 1 hops away/, /Local Role: customer\s+Remote Role: provider/, /N bit: True/],
    /Extended Message: advertised and received/,
  ];
  for (const line of SAID) assert.match(neighbour, line);

  interface Shown {
    readonly otc?: number;
    readonly locPrf?: number;
    readonly community?: { readonly string: string };
    readonly extendedCommunity?: { readonly string: string };
    readonly largeCommunity?: { readonly string: string };
  }
  const route = async (n: number): Promise<Shown | undefined> => {
    const said = JSON.parse(await show(`show bgp ipv6 unicast ${prefixText(FAMILY, 0x2a, n)} json`));
    return (said as { paths?: readonly Shown[] }).paths?.[0];
  };
  const theirs1 = () => learnt(router, FAMILY)[0]?.attributes;
  await until("routes", async () => (await route(2)) !== undefined && theirs1() !== undefined);
  const [first, second] = [await route(1), await route(2)];
  assert.deepEqual([first!.otc, first!.extendedCommunity?.string], [65000, "LB:65000:1000000 (8.000 Mbps)"]);
  assert.equal(second!.largeCommunity?.string.split(" ").length, MANY.length, "more than 4096 octets");
  assert.deepEqual(theirs1()!.extendedCommunities.map(toHex), ["0004fde94b189680"], "80 Mbit/s, transitive");

  // Graceful shutdown (RFC 8326): it obeys our mark, we obey its.
  router.speaker.gracefulShutdown = true;
  await until("our mark", async () => (await route(1))!.community?.string === "graceful-shutdown");
  assert.equal((await route(1))!.locPrf, 0);
  router.speaker.gracefulShutdown = false;
  await show("configure terminal", "router bgp 65001", "bgp graceful-shutdown");
  await until("its mark", () => theirs1()?.communities.includes(GRACEFUL_SHUTDOWN) === true);
  assert.equal(theirs1()!.localPref, 0);
  await show("configure terminal", "router bgp 65001", "no bgp graceful-shutdown");
  await until("the mark is gone", () => theirs1()?.communities.length === 0);

  // A NOTIFICATION that is no hard reset leaves the routes (RFC 8538 §4).
  await show(`clear bgp ipv6 unicast ${OURS}`);
  await until("its reset", () => router.peer().lastReceived !== undefined);
  const { code, subcode } = router.peer().lastReceived!;
  assert.deepEqual([code, subcode, learnt(router, FAMILY).length], [6, 4, 1]);
  await until("the session is back", isUp);

  // One that is takes them, and its text is that of what it stands for (RFC 9003).
  await show("configure terminal", "router bgp 65001", `neighbor ${OURS} shutdown message see you tomorrow`);
  await until("its shutdown", () => router.peer().lastReceived?.subcode === 9);
  assert.match(router.peer().lastReceived!.text, /^hard reset, cease: administrative shutdown \("see you tomorrow"\)$/);
  await until("its routes are gone", () => learnt(router, FAMILY).length === 0);
  await show("configure terminal", "router bgp 65001", `no neighbor ${OURS} shutdown`);
  const hasSession = async () => /BGP state = Established/.test(await show(`show bgp neighbors ${OURS}`));
  await until("the session once more, at both ends", async () => isUp() && (await hasSession()));
  router.speaker.clear(THEIRS, "good night");
  // Its log tells, since its last reset is another one as soon as it has tried to connect again.
  const HEARD =
    /NOTIFICATION\(Hard Reset\): received from neighbor \S+ 6\/4 \(Cease\/Administrative Reset\) "good night"/;
  await until("our hard reset", async () => HEARD.test(await readFile(log, "utf8")));
});
