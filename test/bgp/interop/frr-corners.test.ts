import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { formatIpv6, parseIpv6, parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import { createNetTransport, type PeerOptions } from "../../../src/bgp/speaker/index.ts";
import { systemClock as clock } from "../../../src/host/index.ts";
import { Router } from "../speaker/router.ts";
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
  return { ...process, show };
}

/** Our end, which knows what is on its link. */
async function own(t: TestContext, { ours }: Lab, peer: Partial<PeerOptions> = {}): Promise<Router> {
  const transport = createNetTransport({
    ...{ clock, sock: loadNative().sock, namespace: `/run/netns/${ours}` },
    subnets: () => [parseIpv6Prefix("fd5e:b6c::/64")!],
  });
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

it("FRR on one link: next hops of others on it, of others elsewhere, and of ours (RFC 4271 §5.1.3, §6.3)", {
  timeout: 60_000,
}, async (t) => {
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
