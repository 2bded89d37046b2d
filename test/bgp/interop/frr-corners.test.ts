import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { formatIpv4, formatIpv6, parseIpv6, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import { createNetTransport, type PeerOptions, type Transport } from "../../../src/bgp/speaker/index.ts";
import { systemClock as clock } from "../../../src/host/index.ts";
import { Router } from "../speaker/router.ts";
import { crossed } from "./crossed.ts";
import {
  ask,
  type Daemon,
  daemon,
  type Lab,
  learnt,
  OURS,
  originate,
  PORT,
  peerLab,
  prefixText,
  THEIRS,
  until,
} from "./lab.ts";

const BGPD = "/usr/lib/frr/bgpd";
const FAMILY = "ipv6-unicast";
const AS = 65000;
const THEIR_AS = 65001;
/** Another router on the same link, and one elsewhere. */
const ON_LINK = "fd5e:b6c::77";
const ELSEWHERE = "fd5e:b6d::77";
const NEIGHBOUR: PeerOptions = {
  ...{ address: THEIRS, port: PORT, remoteAs: THEIR_AS, passive: false, updateSource: OURS },
  ...{ holdTime: seconds(30), connectRetry: seconds(1), maximumBackOff: seconds(1) },
  families: [{ family: FAMILY }],
};

interface Frr extends Daemon {
  show(...commands: string[]): Promise<string>;
  /** Lines below `router bgp`, at run time. */
  configure(...lines: string[]): Promise<string>;
}

async function frr(
  t: TestContext,
  { theirs, where }: Lab,
  lines: readonly string[],
  family: readonly string[],
): Promise<Frr> {
  await writeFile(
    join(where, "bgpd.conf"),
    `hostname them
password x
bgp route-map delay-timer 0
route-map off permit 10
 set ipv6 next-hop global ${ELSEWHERE}
exit
route-map on permit 10
 set ipv6 next-hop global ${ON_LINK}
exit
router bgp ${THEIR_AS}
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 coalesce-time 100
 timers bgp 10 30
 neighbor ${OURS} remote-as ${AS}
 neighbor ${OURS} port ${PORT}
 neighbor ${OURS} timers connect 1
 ${lines.join("\n ")}
 address-family ipv6 unicast
  network ${prefixText(FAMILY, 0x20, 1)}
  neighbor ${OURS} activate
  ${family.join("\n  ")}
 exit-address-family
`,
  );
  const argv = [BGPD, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  const process = daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", THEIRS]);
  const show = async (...commands: string[]): Promise<string> =>
    ask(theirs, "vtysh", "--vty_socket", where, "-d", "bgpd", ...commands.flatMap((command) => ["-c", command]));
  const configure = (...below: string[]): Promise<string> =>
    show("configure terminal", `router bgp ${THEIR_AS}`, ...below);
  return { ...process, show, configure };
}

/** Our end, which knows what is on its link. */
async function own(
  t: TestContext,
  { ours }: Lab,
  peer: Partial<PeerOptions> = {},
  over: (transport: Transport) => Transport = (transport) => transport,
): Promise<Router> {
  const transport = over(
    createNetTransport({
      ...{ clock, sock: loadNative().sock, namespace: `/run/netns/${ours}` },
      subnets: () => [parseIpv6Prefix("fd5e:b6c::/64")!],
    }),
  );
  const router = await Router.start(
    {
      ...{ address: OURS, identifier: "10.0.0.1", port: PORT, localAs: AS },
      peers: [{ ...NEIGHBOUR, ...peer }],
      speaker: { acceptExternal: true },
    },
    { clock, transport, seed: 1 },
  );
  t.after(() => router[Symbol.asyncDispose]());
  return router;
}

const isUp = (router: Router) => (): boolean => router.peer().state === "Established";

it("FRR on one link: next hops of others on it, of others elsewhere, and of ours (RFC 4271 §5.1.3, §6.3)", async (t) => {
  const lab = await peerLab(t, BGPD, "frr");
  if (lab === undefined) return;
  const { show } = await frr(
    t,
    lab,
    [],
    [
      `network ${prefixText(FAMILY, 0x20, 2)} route-map off`,
      `network ${prefixText(FAMILY, 0x20, 3)} route-map on`,
      `neighbor ${OURS} attribute-unchanged next-hop`,
    ],
  );
  t.diagnostic((await ask(lab.theirs, BGPD, "--version")).split("\n")[0]!);
  const router = await own(t, lab);
  originate(router, FAMILY, 0x2a, 1, 2, { nextHop: parseIpv6(ON_LINK)! });
  originate(router, FAMILY, 0x2a, 2, 3, { nextHop: parseIpv6(ELSEWHERE)! });
  await until(() => `the session: ${router.peer().lastError?.text}`, isUp(router));

  // From it: what is not on the link is refused, by name.
  const hops = () =>
    learnt(router, FAMILY)
      .map(({ nextHop }) => formatIpv6(nextHop))
      .sort();
  await until(
    () => `its routes: ${hops()}`,
    () => hops().includes(ON_LINK),
  );
  const refused = () => router.metrics.sum("semrd_bgp_refused_routes_total", { reason: "next-hop-off-link" });
  await until("the refusal", () => refused() > 0);
  assert.ok(!hops().includes(ELSEWHERE));
  router.speaker.changePeer({ ...NEIGHBOUR, checkNextHop: false });
  await until(
    () => `taken where it is not looked at: ${hops()}`,
    () => hops().includes(ELSEWHERE),
  );

  // To it.
  interface Path {
    readonly nexthops?: readonly { readonly ip: string; readonly scope: string }[];
  }
  const told = async (n: number): Promise<string | undefined> => {
    const said = JSON.parse(await show(`show bgp ipv6 unicast ${prefixText(FAMILY, 0x2a, n)} json`)) as {
      paths?: Path[];
    };
    return said.paths?.[0]?.nexthops?.find(({ scope }) => scope === "global")?.ip;
  };
  let both = "";
  const untilTold = (what: string, ...want: string[]): Promise<void> =>
    until(
      () => `${what}: ${both}`,
      async () => {
        both = `${await told(1)} ${await told(2)}`;
        return both === want.join(" ");
      },
    );
  await untilTold("this router", OURS, OURS);
  router.speaker.changePeer({ ...NEIGHBOUR, thirdPartyNextHop: true });
  await untilTold("who is on the link", ON_LINK, OURS);
  router.speaker.changePeer({ ...NEIGHBOUR, nextHopUnchanged: true });
  await untilTold("both as they came", ON_LINK, ELSEWHERE);
  router.speaker.changePeer(NEIGHBOUR);
  await untilTold("this router again", OURS, OURS);
  assert.equal(router.peer().flaps, 0);
});

it("FRR: OPENs that cross, ORF offered, its bound of prefixes, its Cease subcodes, bgpd killed and back", async (t) => {
  const lab = await peerLab(t, BGPD, "frr");
  if (lab === undefined) return;
  const lines = [
    "bgp graceful-restart",
    "bgp graceful-restart preserve-fw-state",
    "bgp graceful-restart restart-time 60",
  ];
  const orf = [`neighbor ${OURS} capability orf prefix-list both`];
  const second = `network ${prefixText(FAMILY, 0x20, 2)}`;
  const them = await frr(t, lab, lines, [...orf, second]);
  t.diagnostic((await ask(lab.theirs, BGPD, "--version")).split("\n")[0]!);
  const router = await own(t, lab, {}, crossed);
  for (let n = 1; n <= 3; n++) originate(router, FAMILY, 0x2a, n, n + 1, { nextHop: parseIpv6(OURS)! });
  const up = isUp(router);
  await until(() => `the session: ${router.peer().lastError?.text}`, up);

  // The connection that the end with the larger identifier made is the one that stays (RFC 4271 §6.8).
  assert.equal(router.peer().local!.port, PORT, "FRR's, which is 10.0.0.2");
  assert.deepEqual([router.peer().lastSent?.code, router.peer().lastSent?.subcode], [6, 7]);
  assert.equal(router.peer().establishedTransitions, 1);
  assert.match(await them.show(`show bgp neighbors ${OURS}`), /Connections established 1; dropped 0/);

  // What it offers and nobody here knows is shown, and that is all (RFC 5291).
  assert.ok(router.peer().capabilities.unknown.includes(3), `${router.peer().capabilities.unknown}`);
  assert.match(await them.show(`show bgp neighbors ${OURS}`), /Outbound Route Filter[\s\S]*?Send-mode: advertised\s/);
  await until("its routes", () => learnt(router, FAMILY).length === 2);

  // Its bound of prefixes is said in words, and the session comes again when it is gone (RFC 4486 §4).
  const family = "address-family ipv6 unicast";
  const back = async (what: string): Promise<void> => {
    await them.show(`clear bgp ipv6 unicast ${OURS}`);
    await until(() => `the session after ${what}: ${router.peer().lastError?.text}`, up);
  };
  const ended = async (subcode: number): Promise<string> => {
    await until(
      () => `cease ${subcode}: ${router.peer().lastReceived?.text}`,
      () => router.peer().lastReceived?.subcode === subcode && router.peer().lastReceived?.code === 6,
    );
    return router.peer().lastReceived!.text;
  };
  await them.configure(family, `neighbor ${OURS} maximum-prefix 2`);
  const texts = [await ended(1)];
  await them.configure(family, `no neighbor ${OURS} maximum-prefix 2`);
  await back("its bound");

  await them.configure(`neighbor ${OURS} shutdown message back at nine`);
  texts.push(await ended(2));
  await until("idle", () => router.peer().waitsFor === "back-off" || router.peer().waitsFor === "connection");
  await them.configure(`no neighbor ${OURS} shutdown`);
  await until("the session after its shutdown", up);
  await them.configure("bgp router-id 10.0.0.22");
  texts.push(await ended(6));
  await until("the session after its change", up);
  await until("its new identifier", () => formatIpv4(router.peer().bgpIdentifier ?? 0) === "10.0.0.22");
  assert.deepEqual(texts, [
    "cease: maximum number of prefixes reached",
    'cease: administrative shutdown ("back at nine")',
    "cease: other configuration change",
  ]);
  await until("its routes again", () => learnt(router, FAMILY).filter(({ stale }) => !stale).length === 2);

  // Killed: its routes stay, stale; what it no longer has goes with its End-of-RIB (RFC 4724 §4.2).
  const status = () => router.peer().perFamily[0]!;
  assert.equal(status().peerRestart?.forwardingPreserved, true, "it says so of itself");
  await them.kill();
  await until("its end", () => status().kept === "restarting");
  assert.deepEqual(
    learnt(router, FAMILY).map(({ stale }) => stale),
    [true, true],
  );
  await frr(t, lab, lines, orf);
  await until("it is back", up);
  await until("what it has", () => learnt(router, FAMILY).length === 1 && status().kept === undefined);
  assert.equal(learnt(router, FAMILY)[0]!.stale, false);
  assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);
});
