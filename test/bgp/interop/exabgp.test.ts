import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { formatIpv6, seconds } from "../../../src/base/index.ts";
import type { PeerOptions } from "../../../src/bgp/speaker/index.ts";
import {
  address,
  ask,
  daemon,
  type Lab,
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

const EXABGP = "/usr/sbin/exabgp";
const FAMILY = "ipv6-unicast";
const COUNT = 100;

const PEER: PeerOptions = {
  address: THEIRS,
  port: PORT,
  remoteAs: 65000,
  passive: true,
  holdTime: seconds(30),
  connectRetry: seconds(1),
  updateSource: OURS,
  families: [{ family: FAMILY }, { family: "ipv4-unicast" }],
  password: "one key",
  // ExaBGP 4.2.21 dies of its own marks: "TypeError: 'RouteRefresh' object is not iterable".
  enhancedRouteRefresh: false,
};

/** ExaBGP connects to us, says routes and writes down what it hears. @param terms of its session, as it writes them */
async function exabgp(t: TestContext, { theirs, where }: Lab, terms: string, routes: readonly string[]) {
  const [config, heard] = [join(where, "exabgp.conf"), join(where, "heard")];
  await writeFile(heard, "");
  await writeFile(
    config,
    `process heard {
  run /bin/sh -c "cat >> ${heard}";
  encoder json;
}
neighbor ${OURS} {
  router-id 10.0.0.2;
  local-address ${THEIRS};
  local-as 65000;
  peer-as 65000;
  hold-time 30;
  ${terms}
  static {
${routes.map((route) => `    route ${route};`).join("\n")}
  }
}
`,
  );
  const settings = [`exabgp_tcp_port=${PORT}`, "exabgp_daemon_user=root", "exabgp_log_level=CRIT"];
  const process = daemon(t, theirs, ["env", ...settings, EXABGP, config]);
  /** Prefixes that were announced and not withdrawn, as ExaBGP printed them. */
  const known = async (): Promise<Set<string>> => {
    const prefixes = new Set<string>();
    for (const line of (await readFile(heard, "utf8")).split("\n").filter((text) => text !== "")) {
      const update = JSON.parse(line)?.neighbor?.message?.update;
      const nlri = (of: unknown): string[] =>
        [...JSON.stringify(of ?? {}).matchAll(/"nlri": ?"([^"]+)"/g)].map((m) => m[1]!);
      for (const prefix of nlri(update?.announce)) prefixes.add(prefix);
      for (const prefix of nlri(update?.withdraw)) prefixes.delete(prefix);
    }
    return prefixes;
  };
  return { ...process, known, text: () => readFile(heard, "utf8") };
}

const SIGNED = `md5-password "one key";
  capability { route-refresh enable; graceful-restart 60; }
  family { ipv6 unicast; ipv4 unicast; }
  api { processes [ heard ]; receive { parsed; update; notification; } neighbor-changes; }`;
const SIGNED_ROUTES = Array.from(
  { length: COUNT },
  (_, n) => `${prefixText(FAMILY, 0x20, n)} next-hop ${THEIRS} community [65000:7] med ${n}`,
);

it("ExaBGP: signed session, routes both ways, withdrawals, refresh, its restart", async (t) => {
  const made = await peerLab(t, EXABGP, "exabgp");
  if (made === undefined) return;
  t.diagnostic(`with ${(await ask(made.theirs, "sh", "-c", `${EXABGP} --version`)).split("\n")[0]}`);
  const router = await semrd(t, made.ours, { peer: PEER });
  originate(router, FAMILY, 0x2a, 0, COUNT, { communities: [0xfde80001], multiExitDisc: 7 });
  let them = await exabgp(t, made, SIGNED, SIGNED_ROUTES);
  const received = (): number => learnt(router, FAMILY).length;
  await until(
    () => `the session: ${JSON.stringify(router.peer().lastError)}`,
    () => router.peer().state === "Established",
  );
  await until(
    () => `all routes: ${received()}`,
    async () => received() === COUNT && (await them.known()).size === COUNT,
  );
  assert.deepEqual(router.peer().families, ["ipv6/unicast", "ipv4/unicast"]);
  const meds = learnt(router, FAMILY).map(({ attributes }) => attributes.multiExitDisc);
  assert.deepEqual(
    meds.sort((a, b) => a! - b!),
    Array.from({ length: COUNT }, (_, n) => n),
  );
  const [row] = learnt(router, FAMILY);
  assert.deepEqual([formatIpv6(row!.nextHop), row!.attributes.communities], [THEIRS, [0xfde80007]]);
  const line = (await them.text()).split("\n").find((text) => text.includes('"announce"'))!;
  for (const word of [OURS, '"med": 7', '"local-preference": 100', "[ 65000, 1 ]"]) {
    assert.ok(line.includes(word), `${word} in ${line.slice(0, 600)}`);
  }
  t.diagnostic(`it prints: ${line.slice(0, 300)}`);

  router.speaker.withdrawUnicast({ family: FAMILY, address: address(FAMILY, 0x2a, 2), length: 64 });
  await until("one less", async () => (await them.known()).size === COUNT - 1);

  const updates = router.peer().updatesReceived;
  assert.equal(router.speaker.clearSoft(THEIRS, "in"), "done");
  await until("its routes come again", () => router.peer().updatesReceived > updates);
  assert.deepEqual([received(), router.peer().flaps, router.peer().lastError?.text], [COUNT, 0, undefined]);

  await them.kill();
  await until("its end is seen", () => router.peer().state !== "Established");
  t.diagnostic(`after its death: ${received()} routes are kept, helper ${router.peer().gracefulRestart.helper}`);
  them = await exabgp(t, made, SIGNED, SIGNED_ROUTES);
  await until("the session is back", () => router.peer().state === "Established");
  await until("with all routes", async () => received() === COUNT && (await them.known()).size === COUNT - 1);
  assert.equal(router.metrics.sum("semrd_bgp_malformed_total"), 0);
});

it("ExaBGP: several paths of one prefix come with their identifiers, ours go with one (RFC 7911)", async (t) => {
  const made = await peerLab(t, EXABGP, "exabgp");
  if (made === undefined) return;
  const route = (id: number): string =>
    `${prefixText(FAMILY, 0x20, 1)} next-hop ${THEIRS} path-information 0.0.0.${id} med ${id}`;
  const terms = `capability { add-path send/receive; }
  family { ipv6 unicast; }
  add-path { ipv6 unicast; }
  api { processes [ heard ]; receive { parsed; update; } }`;
  const them = await exabgp(t, made, terms, [route(7), route(9)]);
  const families = [{ family: FAMILY, addPath: { send: "all", receive: true } }] as const;
  const { password: _, ...plain } = PEER;
  const router = await semrd(t, made.ours, { peer: { ...plain, families } });
  originate(router, FAMILY, 0x2a, 1, 2);
  const ids = (): (number | undefined)[] => learnt(router, FAMILY).map(({ pathId }) => pathId);
  await until(
    () => `both paths: ${ids()}, ${router.peer().lastError?.text}`,
    () => ids().length === 2,
  );
  assert.deepEqual(ids().sort(), [7, 9]);
  assert.deepEqual(router.peer().perFamily[0]!.addPath, { send: true, receive: true });
  await until("ours", async () => (await them.text()).includes('"path-information": "0.0.0.1"'));
  const line = (await them.text()).split("\n").find((text) => text.includes("path-information"))!;
  t.diagnostic(`it prints: ${line.slice(line.indexOf('"update"'), line.indexOf('"update"') + 300)}`);
});
