import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { parseIpv6, seconds } from "../../../src/base/index.ts";
import { createNetTransport } from "../../../src/bgp/speaker/index.ts";
import { systemClock as clock } from "../../../src/host/index.ts";
import { Router } from "../speaker/router.ts";
import { crossed } from "./crossed.ts";
import {
  address,
  ask,
  daemon,
  LENGTH,
  learnt,
  OURS,
  originate,
  PORT,
  peerLab,
  prefixText,
  semrd,
  THEIRS,
  until,
} from "./lab.ts";

const BIRD = "/usr/sbin/bird";
const FAMILY = "ipv6-unicast";
const AS = 65000;
/** Of four octets. */
const WIDE_AS = 4_200_000_000;
const NEIGHBOUR = {
  ...{ address: THEIRS, port: PORT, remoteAs: 65001, passive: false, updateSource: OURS },
  ...{ holdTime: seconds(30), connectRetry: seconds(1), maximumBackOff: seconds(1) },
};

function withdraw(router: Router, n: number): void {
  router.speaker.withdrawUnicast({ family: FAMILY, address: address(FAMILY, 0x2a, n), length: LENGTH[FAMILY] });
}

it("BIRD without extended messages: routes of every size around 4096 octets, told or withheld, and no reset", async (t) => {
  const lab = await peerLab(t, BIRD, "bird2");
  if (lab === undefined) return;
  const [config, control] = [join(lab.where, "bird.conf"), join(lab.where, "bird.ctl")];
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as ${AS};
  neighbor ${OURS} port ${PORT} as ${AS};
  hold time 30; connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv6 { import all; export none; };
}
`,
  );
  daemon(t, lab.theirs, [BIRD, "-f", "-c", config, "-s", control, "-P", join(lab.where, "pid")]);
  const tell = (...words: string[]): Promise<string> => ask(lab.theirs, "birdc", "-s", control, ...words);
  // BIRD alone connects: of two connections that cross it may end one, and nothing is to be ended here.
  const router = await semrd(t, lab.ours, { peer: { passive: true, families: [{ family: FAMILY }] } });
  const filler = (octets: number) => ({ opaque: [{ flags: 0xc0, code: 200, value: new Uint8Array(octets) }] });
  const [from, to] = [3940, 4060];
  for (let n = from; n < to; n++) originate(router, FAMILY, 0x2a, n, n + 1, filler(n));
  await until(
    () => `the session: ${router.peer().lastError?.text}`,
    () => router.peer().state === "Established" && router.peer().gracefulRestart.endOfRibSent,
  );
  assert.equal(router.peer().capabilities.extendedMessages, false);
  const told = router.peer().routesAdvertised;
  let said = "";
  const has = async (routes: number): Promise<boolean> => {
    said = (await tell("show", "route", "count")).split("\n").at(-2) ?? "";
    return said.includes(`${routes} of ${routes} routes`);
  };
  await until(
    () => `${told} routes at BIRD: ${said}`,
    () => has(told),
  );
  t.diagnostic(`BIRD ${(await tell("show", "status")).split("\n")[0]}: ${said}, ${to - from - told} withheld`);
  assert.ok(told > 10 && told < to - from - 10);
  assert.equal(router.metrics.sum("semrd_bgp_withheld_routes_total", { reason: "too-large" }), to - from - told);
  assert.match(
    await tell("show", "route", "for", prefixText(FAMILY, 0x2a, from + told - 1), "all"),
    /bgp_c8|BGP\.c8|unknown/i,
  );

  // One that grows is withdrawn, and comes again.
  originate(router, FAMILY, 0x2a, from, from + 1, filler(to));
  await until(
    () => `one less at BIRD: ${said}`,
    () => has(told - 1),
  );
  originate(router, FAMILY, 0x2a, from, from + 1, filler(from));
  await until(
    () => `all at BIRD: ${said}`,
    () => has(told),
  );
  assert.deepEqual([router.peer().flaps, router.peer().lastReceived], [0, undefined]);
});

it("BIRD of 2-octet AS numbers: wider ones in a path of their own, OPENs that cross, several paths in one direction, its limit of routes", async (t) => {
  const lab = await peerLab(t, BIRD, "bird2");
  if (lab === undefined) return;
  const [config, control] = [join(lab.where, "bird.conf"), join(lab.where, "bird.ctl")];
  const FAR = prefixText(FAMILY, 0x20, 1);
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; route ${FAR} unreachable; }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65001;
  neighbor ${OURS} port ${PORT} as ${AS};
  enable as4 off;
  hold time 30; connect delay time 1; connect retry time 1; error wait time 1, 2;
  ipv6 { add paths rx; import all; receive limit 4 action restart; export where source = RTS_STATIC; };
}
`,
  );
  daemon(t, lab.theirs, [BIRD, "-f", "-c", config, "-s", control, "-P", join(lab.where, "pid")]);
  const tell = (...words: string[]): Promise<string> => ask(lab.theirs, "birdc", "-s", control, ...words);
  const peer = { ...NEIGHBOUR, families: [{ family: FAMILY, addPath: { send: "all", receive: true } }] } as const;
  const transport = createNetTransport({ clock, sock: loadNative().sock, namespace: `/run/netns/${lab.ours}` });
  const router = await Router.start(
    {
      ...{ address: OURS, identifier: "10.0.0.9", port: PORT, localAs: AS },
      peers: [peer],
      speaker: { acceptExternal: true },
    },
    { clock, transport: crossed(transport), seed: 1 },
  );
  t.after(() => router[Symbol.asyncDispose]());
  const asPath = [{ type: "sequence", numbers: [WIDE_AS, 65010] }] as const;
  const nextHop = parseIpv6(OURS)!;
  originate(router, FAMILY, 0x2a, 1, 2, { asPath, nextHop });
  const up = (): boolean => router.peer().state === "Established";
  await until(() => `the session: ${router.peer().lastError?.text}`, up);

  // Ours is the larger identifier: our connection stays (RFC 4271 §6.8).
  assert.notEqual(router.peer().local!.port, PORT);
  assert.equal(router.peer().establishedTransitions, 1);
  assert.deepEqual(router.peer().perFamily[0]!.addPath, { send: true, receive: false });

  // A stand-in in what it can read, the whole beside it (RFC 6793 §4.2.2).
  let said = "";
  await until(
    () => `our route at BIRD: ${said}`,
    async () => {
      said = await tell("show", "route", "for", prefixText(FAMILY, 0x2a, 1), "all").catch(() => "");
      return said.includes("BGP.as_path");
    },
  );
  // It puts both together when it takes the route (RFC 6793 §4.2.3).
  assert.match(said, new RegExp(`BGP\\.as_path: ${AS} ${WIDE_AS} 65010$`, "m"));
  assert.equal(router.peer().capabilities.fourOctetAs, false);
  const its = () => learnt(router, FAMILY)[0]?.attributes.asPath;
  await until("its route", () => its() !== undefined);
  assert.deepEqual(its(), [{ type: "sequence", numbers: [65001] }]);

  // More than it takes.
  originate(router, FAMILY, 0x2a, 2, 7, { nextHop });
  await until(
    () => `its limit: ${router.peer().lastReceived?.text}`,
    () => router.peer().lastReceived !== undefined,
  );
  const { code, subcode } = router.peer().lastReceived!;
  assert.deepEqual([code, subcode], [6, 1]);
  for (let n = 2; n < 7; n++) withdraw(router, n);
  await until("the session after its limit", up);
  assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);
});
