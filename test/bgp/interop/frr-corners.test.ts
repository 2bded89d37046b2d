import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { formatIpv4, parseIpv6 } from "../../../src/base/index.ts";
import {
  AS,
  clientsOfReflector,
  ELSEWHERE,
  ended,
  FAMILY,
  inText,
  nextHopsOfOthers,
  ON_LINK,
  ownEnd,
  session,
  sizesAroundTheBound,
  THEIR_AS,
} from "./corners.ts";
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

/** What it prints of a route. */
interface Path {
  readonly nexthops?: readonly { readonly ip: string; readonly scope: string }[];
}

interface Frr extends Daemon {
  show(...commands: string[]): Promise<string>;
  /** Lines below `router bgp`, at run time. */
  configure(...lines: string[]): Promise<string>;
  /** What it has of a prefix; `undefined`: nothing. */
  path(prefix: string): Promise<Path | undefined>;
}

async function frr(
  t: TestContext,
  { theirs, where }: Lab,
  lines: readonly string[],
  family: readonly string[],
  localAs = THEIR_AS,
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
router bgp ${localAs}
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
    show("configure terminal", `router bgp ${localAs}`, ...below);
  const path = async (prefix: string): Promise<Path | undefined> =>
    (JSON.parse(await show(`show bgp ipv6 unicast ${prefix} json`)) as { paths?: Path[] }).paths?.[0];
  return { ...process, show, configure, path };
}

it("FRR on one link: next hops of others on it, of others elsewhere, and of ours (RFC 4271 §5.1.3, §6.3)", async (t) => {
  const lab = await peerLab(t, BGPD, "frr");
  if (lab === undefined) return;
  const family = [
    `network ${prefixText(FAMILY, 0x20, 2)} route-map off`,
    `network ${prefixText(FAMILY, 0x20, 3)} route-map on`,
    `neighbor ${OURS} attribute-unchanged next-hop`,
  ];
  const them = await frr(t, lab, [], family);
  t.diagnostic((await ask(lab.theirs, BGPD, "--version")).split("\n")[0]!);
  const router = await ownEnd(t, lab);
  await nextHopsOfOthers(
    router,
    async (n) => (await them.path(prefixText(FAMILY, 0x2a, n)))?.nexthops?.find(({ scope }) => scope === "global")?.ip,
  );
});

it("FRR inside, as a client of a reflector: clusters by neighbour, nothing between meshed clients, routes of every size around 4096 octets", async (t) => {
  const lab = await peerLab(t, BGPD, "frr");
  if (lab === undefined) return;
  const them = await frr(t, lab, [], [], AS);
  const said = async (prefix: string): Promise<string> => inText(await them.path(prefix));
  // It offers extended messages whatever it is told: they are not agreed on where one end does not.
  const router = await clientsOfReflector(t, lab, { extendedMessages: false }, said);
  const routes = async (): Promise<number> => {
    const { peers } = JSON.parse(await them.show("show bgp ipv6 unicast summary json"));
    return peers?.[OURS]?.pfxRcd;
  };
  t.diagnostic(JSON.stringify(await sizesAroundTheBound(router, routes)));
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
  const router = await ownEnd(t, lab, { over: crossed });
  for (let n = 1; n <= 3; n++) originate(router, FAMILY, 0x2a, n, n + 1, { nextHop: parseIpv6(OURS)! });
  await session(router);

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
    await session(router, `the session after ${what}`);
  };
  await them.configure(family, `neighbor ${OURS} maximum-prefix 2`);
  const texts = [await ended(router, 1)];
  await them.configure(family, `no neighbor ${OURS} maximum-prefix 2`);
  await back("its bound");

  await them.configure(`neighbor ${OURS} shutdown message back at nine`);
  texts.push(await ended(router, 2));
  await until("idle", () => router.peer().waitsFor === "back-off" || router.peer().waitsFor === "connection");
  await them.configure(`no neighbor ${OURS} shutdown`);
  await session(router, "the session after its shutdown");
  await them.configure("bgp router-id 10.0.0.22");
  texts.push(await ended(router, 6));
  await session(router, "the session after its change");
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
  await session(router, "it is back");
  await until("what it has", () => learnt(router, FAMILY).length === 1 && status().kept === undefined);
  assert.equal(learnt(router, FAMILY)[0]!.stale, false);
  assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);
});
