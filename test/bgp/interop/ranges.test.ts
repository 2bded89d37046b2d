import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { parseIpv6Prefix, seconds } from "../../../src/base/index.ts";
import type { RoutePolicy } from "../../../src/bgp/policy/index.ts";
import type { ListenRange } from "../../../src/bgp/speaker/index.ts";
import { ask, daemon, learnt, OURS, originate, PORT, peerLab, prefixText, semrd, THEIRS, until } from "./lab.ts";

const BIRD = "/usr/sbin/bird";
const FRR = "/usr/lib/frr/bgpd";
const FAMILY = "ipv6-unicast";
const COUNT = 50;

const range = (more: Partial<ListenRange["template"]> = {}): ListenRange => ({
  name: "cable",
  prefix: parseIpv6Prefix("fd5e:b6c::/64")!,
  limit: 2,
  remoteAs: "external",
  template: {
    holdTime: seconds(30),
    connectRetry: seconds(1),
    families: [{ family: FAMILY }],
    password: "rangekey",
    ...more,
  },
});
/** A neighbour that is never there: all others come by themselves. */
const NOBODY = { address: "fd5e:b6c::99", passive: true } as const;

it("BIRD comes from a range, signed by the range's key; a policy of the range changes without a reset", async (t) => {
  const made = await peerLab(t, BIRD, "bird2");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  t.diagnostic((await ask(theirs, "sh", "-c", `${BIRD} --version 2>&1`)).trim());
  const routes = Array.from({ length: COUNT }, (_, n) => `route ${prefixText(FAMILY, 0x20, n)} unreachable;`);
  const [config, control] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; ${routes.join("\n")} }
protocol bgp semrd {
  local ${THEIRS} as 65001;
  neighbor ${OURS} port ${PORT} as 65000;
  password "rangekey";
  hold time 30;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  ipv6 { import all; export where source = RTS_STATIC; };
}
`,
  );
  const router = await semrd(t, ours, { peer: NOBODY, speaker: { ranges: [range()], acceptExternal: true } });
  originate(router, FAMILY, 0x2a, 0, COUNT, { multiExitDisc: 7 });
  originate(router, FAMILY, 0x2a, COUNT, 2 * COUNT);
  const bird = daemon(t, theirs, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  const guest = () => router.speaker.peers().find(({ address }) => address === THEIRS);
  const count = async (): Promise<number> => {
    const said = await ask(theirs, "birdc", "-s", control, "show", "route", "protocol", "semrd", "count");
    return Number(/(\d+) of \d+ routes/.exec(said)?.[1] ?? Number.NaN);
  };
  await until("the session", () => guest()?.state === "Established");
  assert.deepEqual([guest()!.remoteAs, guest()!.kind, guest()!.range], [65001, "external", "cable"]);
  await until("all routes", async () => learnt(router, FAMILY).length === COUNT && (await count()) === 2 * COUNT);

  const exportPolicy: RoutePolicy = (set) =>
    set.multiExitDisc === 7 ? { verdict: "accept" } : { verdict: "reject", reason: "test" };
  const importPolicy: RoutePolicy = (set) => ({ verdict: "replace", attributes: { ...set, localPref: 77 } });
  router.speaker.setRanges([range({ exportPolicy, importPolicy })]);
  await until("half of ours are gone", async () => (await count()) === COUNT);
  await until("all of theirs came again", () =>
    learnt(router, FAMILY).every(({ attributes }) => attributes.localPref === 77),
  );
  assert.deepEqual([guest()!.flaps, guest()!.establishedTransitions], [0, 1]);
  t.diagnostic((await ask(theirs, "birdc", "-s", control, "show", "protocols", "semrd")).split("\n").at(-2) ?? "");

  await bird.kill();
  await until("it is gone", () => guest() === undefined);
  assert.deepEqual([learnt(router, FAMILY).length, router.speaker.ranges()[0]!.neighbors], [0, 0]);
});

it("FRR comes from a range, and one of another AS hears why it may not", async (t) => {
  const made = await peerLab(t, FRR, "frr");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  t.diagnostic((await ask(theirs, "sh", "-c", `${FRR} --version`)).split("\n")[0]!);
  await writeFile(
    join(where, "bgpd.conf"),
    `hostname them
password x
router bgp 65001
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 timers bgp 10 30
 neighbor ${OURS} remote-as 65000
 neighbor ${OURS} port ${PORT}
 neighbor ${OURS} timers connect 1
 neighbor ${OURS} password rangekey
 address-family ipv6 unicast
  network ${prefixText(FAMILY, 0x20, 1)}
  neighbor ${OURS} activate
 exit-address-family
`,
  );
  const delayed = range({ delayOpen: seconds(5) });
  const router = await semrd(t, ours, {
    peer: NOBODY,
    speaker: { ranges: [{ ...delayed, remoteAs: [65009] }], acceptExternal: true },
  });
  const argv = [FRR, "-n", "-Z", "-S", "-f", join(where, "bgpd.conf"), "-i", join(where, "bgpd.pid")];
  daemon(t, theirs, [...argv, "--vty_socket", where, "-P", "0", "-p", String(PORT), "-l", THEIRS]);
  const show = (words: string): Promise<string> =>
    ask(theirs, "vtysh", "--vty_socket", where, "-d", "bgpd", "-c", words);
  let said = "";
  await until(
    () => `FRR hears why: ${said}; refused ${router.speaker.ranges()[0]!.refused}`,
    async () => {
      try {
        said = await show(`show bgp neighbors ${OURS}`);
        return said.includes("OPEN Message Error/Bad Peer AS");
      } catch {
        return false; // not listening yet
      }
    },
  );
  assert.equal(router.speaker.peers().length, 1);
  router.speaker.setRanges([delayed]);
  const guest = () => router.speaker.peers().find(({ address }) => address === THEIRS);
  await until("the session", () => guest()?.state === "Established");
  await until("its route", () => learnt(router, FAMILY).length === 1);
  assert.equal(guest()!.remoteAs, 65001);
  const last = /Last reset[^\n]*/.exec(await show(`show bgp neighbors ${OURS}`))?.[0];
  t.diagnostic(`FRR says: ${last?.trim()}`);
});
