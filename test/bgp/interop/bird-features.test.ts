import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { LLGR_STALE } from "../../../src/bgp/policy/index.ts";
import type { BgpRole } from "../../../src/bgp/wire/index.ts";
import type { Router } from "../speaker/router.ts";
import {
  ask,
  cable,
  type Daemon,
  daemon,
  folder,
  learnt,
  missing,
  OURS,
  originate,
  PORT,
  prefixText,
  semrd,
  THEIRS,
  until,
} from "./lab.ts";

const BIRD = "/usr/sbin/bird";
const OUR_AS = 65001;
const THEIR_AS = 65002;
/** More than 4096 octets hold. */
const MANY = Array.from({ length: 1500 }, (_, n) => (OUR_AS << 16) + n);

interface Pair {
  readonly router: Router;
  readonly bird: Daemon;
  readonly tell: (command: string) => Promise<string>;
}

/** semrd in one AS and BIRD in another one, with everything on that both know. */
async function pair(t: TestContext, role: BgpRole, theirRole: string): Promise<Pair> {
  const { ours, theirs } = await cable(t);
  const where = await folder(t);
  const [config, control] = [join(where, "bird.conf"), join(where, "bird.ctl")];
  await writeFile(
    config,
    `router id 10.0.0.2;
protocol device { }
protocol static {
  ipv6;
  route ${prefixText("ipv6-unicast", 0x20, 1)} unreachable;
  route ${prefixText("ipv6-unicast", 0x20, 2)} unreachable { bgp_community.add((65535, 0)); };
}
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as ${THEIR_AS};
  neighbor ${OURS} port ${PORT} as ${OUR_AS};
  local role ${theirRole};
  require roles on;
  enable extended messages on;
  ttl security on;
  hold time 30;
  connect delay time 1;
  connect retry time 1;
  error wait time 1, 2;
  graceful restart on;
  graceful restart time 2;
  long lived graceful restart on;
  long lived stale time 600;
  ipv6 {
    import filter { if (65535, 0) ~ bgp_community then bgp_local_pref = 0; accept; };
    export where source = RTS_STATIC;
  };
}
`,
  );
  const bird = daemon(t, theirs, [BIRD, "-f", "-c", config, "-s", control, "-P", join(where, "pid")]);
  const router = await semrd(t, ours, {
    localAs: OUR_AS,
    peer: {
      ...{ remoteAs: THEIR_AS, ttlSecurityHops: 1, maximumBackOff: seconds(1) },
      ...{ role: { local: role, strict: true }, families: [{ family: "ipv6-unicast" }] },
    },
    speaker: {
      acceptExternal: true,
      gracefulRestart: {
        restartTime: seconds(60),
        stalePathTime: seconds(60),
        selectionDeferralTime: seconds(20),
        longLivedStaleTime: seconds(600),
      },
    },
  });
  const tell = (command: string): Promise<string> => ask(theirs, "birdc", "-s", control, ...command.split(" "));
  return { router, bird, tell };
}

it("BIRD: TTL security, roles, extended messages, refresh, graceful shutdown, our texts, its routes as last resort after its death", async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { router, bird, tell } = await pair(t, "provider", "customer");
  originate(router, "ipv6-unicast", 0x2a, 1, 2);
  originate(router, "ipv6-unicast", 0x2a, 2, 3, { communities: MANY });
  await until("session", () => router.peer().state === "Established");

  const { capabilities, role } = router.peer();
  assert.deepEqual(role, { local: "provider", peerSaid: true });
  assert.deepEqual(
    [capabilities.extendedMessages, capabilities.routeRefresh, capabilities.longLivedGracefulRestart],
    [true, true, true],
  );
  const said = await tell("show protocols all semrd");
  for (const line of [/Extended message/, /Role: provider/, /Long-lived graceful restart/]) assert.match(said, line);

  // What a provider sends is marked (RFC 9234 §5), and a set of 6 kB arrives whole (RFC 8654).
  await until("our routes", async () => (await tell("show route protocol semrd count")).includes("2 of 4 routes"));
  const marked = await tell(`show route all ${prefixText("ipv6-unicast", 0x2a, 1)}`);
  assert.match(marked, new RegExp(`otc: ${OUR_AS}`));
  const large = await tell(`show route all ${prefixText("ipv6-unicast", 0x2a, 2)}`);
  assert.equal(large.match(/\(65001,\d+\)/g)?.length, MANY.length);

  await until("its routes", () => learnt(router, "ipv6-unicast").length === 2);
  const before = router.peer().updatesReceived;
  assert.ok(router.speaker.refresh(THEIRS));
  await until("route refresh", () => router.peer().updatesReceived > before);
  await tell("reload in semrd");
  assert.equal(router.peer().flaps, 0, router.peer().lastError?.text);

  // Graceful shutdown (RFC 8326): a mark of its own makes a route the last choice here, ours does so there.
  const preferences = learnt(router, "ipv6-unicast").map(({ attributes }) => attributes.localPref);
  assert.deepEqual(preferences.sort(), [0, undefined]);
  router.speaker.gracefulShutdown = true;
  const leaving = (): Promise<string> => tell(`show route all ${prefixText("ipv6-unicast", 0x2a, 1)}`);
  await until("our mark", async () => /local_pref: 0\s[\s\S]*\(65535,0\)/.test(await leaving()));
  router.speaker.gracefulShutdown = false;

  // Texts for the other operator (RFC 9003).
  router.speaker.clear(THEIRS, "good night");
  await until("our text", async () => (await tell("show protocols all semrd")).includes("good night"));
  t.diagnostic((await tell("show protocols all semrd")).match(/.*good night.*/)?.[0] ?? "");
  await until("its routes again", () => learnt(router, "ipv6-unicast").filter(({ stale }) => !stale).length === 2);

  await bird.kill();
  await until("its restart time is over", () => router.peer().gracefulRestart.helper === "long-lived");
  const [kept] = learnt(router, "ipv6-unicast");
  assert.ok(kept?.attributes.communities.includes(LLGR_STALE));
  return undefined;
});

it("BIRD: roles that do not fit each other are no session", async (t) => {
  const reason = await missing(BIRD, "bird2");
  if (reason !== undefined) return t.skip(reason);
  const { router } = await pair(t, "provider", "peer");
  const errors = () => [router.peer().lastSent?.text, router.peer().lastReceived?.text];
  await until(
    () => `role mismatch: ${errors()}`,
    () => errors().some((text) => text?.startsWith("OPEN error: role mismatch")),
  );
  assert.equal(router.peer().establishedTransitions, 0);
  return undefined;
});
