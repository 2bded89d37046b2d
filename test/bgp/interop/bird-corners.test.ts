import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { ask, daemon, OURS, originate, PORT, peerLab, prefixText, semrd, THEIRS, until } from "./lab.ts";

const BIRD = "/usr/sbin/bird";
const FAMILY = "ipv6-unicast";
const AS = 65000;

it("BIRD without extended messages: routes of every size around 4096 octets, told or withheld, and no reset", {
  timeout: 60_000,
}, async (t) => {
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
  const router = await semrd(t, lab.ours, { peer: { families: [{ family: FAMILY }] } });
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
