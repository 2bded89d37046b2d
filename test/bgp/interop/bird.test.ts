import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { formatIpv6 } from "../../../src/base/index.ts";
import type { UnicastFamily } from "../../../src/rib/index.ts";
import type { Router } from "../speaker/router.ts";
import {
  address,
  ask,
  cable,
  type Daemon,
  daemon,
  folder,
  LENGTH,
  learnt,
  missing,
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
const FAMILIES: readonly UnicastFamily[] = ["ipv6-unicast", "ipv4-unicast"];
/** First octets of prefixes: 0x20 and 20 are theirs, 0x2a and 42 are ours. */
const THEIR_FIRST = { "ipv6-unicast": 0x20, "ipv4-unicast": 20 } as const;
const OUR_FIRST = { "ipv6-unicast": 0x2a, "ipv4-unicast": 42 } as const;
const TABLE = { "ipv6-unicast": "master6", "ipv4-unicast": "master4" } as const;

interface Bird extends Daemon {
  ask(command: string): Promise<string>;
  /** Routes of a family that came from us. */
  count(family: UnicastFamily): Promise<number>;
}

/** @param routes how many static routes of each family it announces */
async function bird(
  t: TestContext,
  namespace: string,
  where: string,
  routes: number,
  ...options: string[]
): Promise<Bird> {
  const [config, control] = [join(where, "bird.conf"), join(where, `bird${routes}.ctl`)];
  const statics = FAMILIES.map((family) => {
    const lines = Array.from(
      { length: routes },
      (_, n) => `route ${prefixText(family, THEIR_FIRST[family], n)} unreachable;`,
    );
    return `protocol static { ${family.slice(0, 4)}; ${lines.join("\n")} }`;
  });
  const channel = "import all; export where source = RTS_STATIC; graceful restart on;";
  await writeFile(
    config,
    `router id 10.0.0.2;
graceful restart wait 20;
protocol device { }
${statics.join("\n")}
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  hold time 30;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  graceful restart on;
  graceful restart time 60;
  ipv6 { ${channel} };
  ipv4 { extended next hop on; ${channel} };
}
`,
  );
  const process = daemon(t, namespace, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid"), ...options]);
  const tell = (command: string): Promise<string> => ask(namespace, "birdc", "-s", control, ...command.split(" "));
  await until("bird answers", async () => {
    try {
      return (await tell("show status")).includes("Daemon is up");
    } catch {
      return false; // not listening yet
    }
  });
  const count = async (family: UnicastFamily): Promise<number> => {
    const said = await tell(`show route table ${TABLE[family]} protocol semrd count`);
    return Number(/(\d+) of \d+ routes/.exec(said)?.[1] ?? Number.NaN);
  };
  return { ...process, ask: tell, count };
}

async function counts(bird: Bird): Promise<number[]> {
  return Promise.all(FAMILIES.map((family) => bird.count(family)));
}

const received = (router: Router): number[] => FAMILIES.map((family) => learnt(router, family).length);

it("BIRD: 100 000 routes of each family, both ways at once", async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const many = 100_000;
  const { ours, theirs } = await cable(t);
  const router = await semrd(t, ours);
  for (const family of FAMILIES) {
    originate(router, family, OUR_FIRST[family], 0, many / 2, { multiExitDisc: 7, communities: [0xfde80001] });
    originate(router, family, OUR_FIRST[family], many / 2, many, { origin: "incomplete" });
  }
  const them = await bird(t, theirs, await folder(t), many);

  // Not `received` each time: to look at all rows would keep them from coming.
  const arrived = (): number[] => router.peer().perFamily.map(({ routesReceived }) => routesReceived);
  await until(
    () => `everything is there: ${arrived()}`,
    async () => arrived().filter((n) => n === many).length === 2 && (await counts(them)).every((n) => n === many),
  );
  assert.deepEqual(received(router), [many, many]);
  const { families, perFamily, flaps, capabilities } = router.peer();
  assert.deepEqual(families, ["ipv6/unicast", "ipv4/unicast"]);
  assert.deepEqual(
    perFamily.map(({ routesReceived, routesAdvertised, endOfRibReceived }) => [
      routesReceived,
      routesAdvertised,
      endOfRibReceived,
    ]),
    [
      [many, many, true],
      [many, many, true],
    ],
  );
  assert.deepEqual([flaps, capabilities.unknown.includes(5)], [0, false]);
  assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);

  for (const family of FAMILIES) {
    const rows = learnt(router, family);
    const { attributes, nextHop, length } = rows[0]!;
    assert.deepEqual(
      [formatIpv6(nextHop), length, attributes.localPref, attributes.asPath],
      [THEIRS, LENGTH[family], 100, []],
    );
    const said = await them.ask(`show route all ${prefixText(family, OUR_FIRST[family], 1)} table ${TABLE[family]}`);
    for (const line of [
      "BGP.origin: IGP",
      `BGP.next_hop: ${OURS}`,
      "BGP.med: 7",
      "BGP.local_pref: 100",
      "BGP.community: (65000,1)",
    ])
      assert.ok(said.includes(line), `${line} in ${said}`);
  }

  // What changes afterwards, in both directions.
  for (const family of FAMILIES)
    router.speaker.withdrawUnicast({ family, address: address(family, OUR_FIRST[family], 5), length: LENGTH[family] });
  await until("one less of each", async () => (await counts(them)).every((n) => n === many - 1));
  await them.ask("disable static1");
  await until("their IPv6 routes are gone", () => arrived()[0] === 0);
  assert.equal(received(router)[1], many);
  await them.ask("enable static1");
  await until("and back", () => arrived()[0] === many);
  assert.equal(router.speaker.refresh(THEIRS), true);
  await until("refreshed", () => router.peer().perFamily.every(({ routesPending }) => routesPending === 0));
  assert.deepEqual(await counts(them), [many - 1, many - 1]);
  return undefined;
});

it("BIRD as helper: our routes stay over a restart, and what we no longer have goes with End-of-RIB", async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { ours, theirs } = await cable(t);
  const them = await bird(t, theirs, await folder(t), 10);
  const first = await semrd(t, ours);
  for (const family of FAMILIES) originate(first, family, OUR_FIRST[family], 0, 1000);
  await until("routes", async () => (await counts(them)).every((n) => n === 1000));

  await first.speaker.stop({ restart: true });
  await until("BIRD has noticed", async () => !(await them.ask("show protocols semrd")).includes("Established"));
  assert.deepEqual(await counts(them), [1000, 1000], "kept");

  const again = await semrd(t, ours, { speaker: { start: { restarted: true, forwardingPreserved: true } } });
  for (const family of FAMILIES) originate(again, family, OUR_FIRST[family], 0, 400);
  await until("the session is back", () => again.peer().state === "Established");
  again.speaker.localStateConverged();
  await until("the rest is gone", async () => (await counts(them)).every((n) => n === 400));
  assert.deepEqual(received(again), [10, 10]);
  return undefined;
});

it("BIRD restarts: its routes stay here, stale, and what it no longer has goes with its End-of-RIB", async (t) => {
  const made = await peerLab(t, BIRD, "bird2");
  if (made === undefined) return;
  const { ours, theirs, where } = made;
  const router = await semrd(t, ours);
  const them = await bird(t, theirs, where, 500);
  await until("routes", () => received(router).every((n) => n === 500));
  const stale = (): number[] => FAMILIES.map((family) => learnt(router, family).filter((row) => row.stale).length);

  await them.kill();
  await until("noticed", () => router.peer().gracefulRestart.helper === "retaining");
  await until("all of them are stale, and kept", () => stale().every((n) => n === 500));

  await bird(t, theirs, where, 200, "-R");
  await until("the session is back", () => router.peer().state === "Established");
  assert.equal(router.peer().gracefulRestart.peerRestarted, true);
  await until(
    () => `the rest is gone: ${received(router)}, ${stale()} stale`,
    () => received(router).every((n) => n === 200) && stale().every((n) => n === 0),
  );
  assert.equal(router.peer().gracefulRestart.helper, "none");
  return undefined;
});
