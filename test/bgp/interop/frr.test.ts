import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { formatIpv6 } from "../../../src/base/index.ts";
import type { UnicastFamily } from "../../../src/rib/index.ts";
import { ask, daemon, learnt, OURS, originate, PORT, peerLab, prefixText, semrd, THEIRS, until } from "./lab.ts";

const BGPD = "/usr/lib/frr/bgpd";
const FAMILIES: readonly UnicastFamily[] = ["ipv6-unicast", "ipv4-unicast"];
const COUNT = 500;

/** FRR is AS 65001 here: an external session, over the border. */
it("FRR: both families in both directions across an AS border, and a restart of ours", async (t) => {
  const made = await peerLab(t, BGPD, "frr");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  const statements = (family: UnicastFamily, first: number): string =>
    Array.from({ length: COUNT }, (_, n) => `  network ${prefixText(family, first, n)}`).join("\n");
  await writeFile(
    join(where, "bgpd.conf"),
    `hostname them
password x
router bgp 65001
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 no bgp default ipv4-unicast
 bgp graceful-restart
 timers bgp 10 30
 neighbor ${OURS} remote-as 65000
 neighbor ${OURS} port ${PORT}
 neighbor ${OURS} timers connect 1
 neighbor ${OURS} capability extended-nexthop
 address-family ipv6 unicast
${statements("ipv6-unicast", 0x20)}
  neighbor ${OURS} activate
 exit-address-family
 address-family ipv4 unicast
${statements("ipv4-unicast", 20)}
  neighbor ${OURS} activate
 exit-address-family
`,
  );
  const argv = [BGPD, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", THEIRS]);
  const speaker = { acceptExternal: true } as const;
  const peer = { remoteAs: 65001, passive: true };
  const first = await semrd(t, ours, { peer, speaker });
  for (const [family, octet] of [
    ["ipv6-unicast", 0x2a],
    ["ipv4-unicast", 42],
  ] as const)
    originate(first, family, octet, 0, COUNT, { communities: [0xfde80001] });

  const show = async (...words: string[]): Promise<string> =>
    ask(theirs, "vtysh", "--vty_socket", where, "-d", "bgpd", "-c", words.join(" "));
  const counts = async (): Promise<number[]> => {
    const found: number[] = [];
    for (const family of ["ipv6", "ipv4"]) {
      const said = JSON.parse(await show(`show bgp ${family} unicast summary json`)) as {
        readonly peers?: Readonly<Record<string, { readonly pfxRcd?: number }>>;
      };
      found.push(said.peers?.[OURS]?.pfxRcd ?? 0);
    }
    return found;
  };
  const received = (router: typeof first): number[] => FAMILIES.map((family) => learnt(router, family).length);
  await until("the session", () => first.peer().state === "Established");
  await until(
    () => `all routes: ${received(first)}`,
    async () => received(first).every((n) => n === COUNT) && (await counts()).every((n) => n === COUNT),
  );
  assert.deepEqual(first.peer().families, ["ipv6/unicast", "ipv4/unicast"]);
  for (const family of FAMILIES) {
    const [row] = learnt(first, family);
    assert.deepEqual(row!.attributes.asPath, [{ type: "sequence", numbers: [65001] }]);
    assert.equal(formatIpv6(row!.nextHop), THEIRS);
  }
  const detail = await show(`show bgp ipv4 unicast ${prefixText("ipv4-unicast", 42, 1)}`);
  for (const word of ["65000", OURS, "Community: 65000:1"]) assert.ok(detail.includes(word), `${word} in ${detail}`);
  assert.equal(first.metrics.sum("semrd_bgp_malformed_total"), 0);

  await first.speaker.stop({ restart: true });
  await until("FRR has noticed", async () => !(await show("show bgp summary json")).includes('"state":"Established"'));
  const kept = await show("show bgp ipv6 unicast");
  assert.match(kept, /^S/m, "stale routes are kept");
  const start = { restarted: true, forwardingPreserved: true };
  const again = await semrd(t, ours, { peer, speaker: { ...speaker, start } });
  originate(again, "ipv6-unicast", 0x2a, 0, 100);
  originate(again, "ipv4-unicast", 42, 0, 100);
  await until("the session is back", () => again.peer().state === "Established");
  again.speaker.localStateConverged();
  await until("the rest is gone", async () => (await counts()).every((n) => n === 100));
  await until("theirs are here", () => received(again).every((n) => n === COUNT));
});
