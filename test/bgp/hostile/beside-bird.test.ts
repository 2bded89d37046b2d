import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { loadNative } from "../../../native/index.ts";
import { milliseconds } from "../../../src/base/index.ts";
import { createNetTransport, type Transport } from "../../../src/bgp/speaker/index.ts";
import { encodeRouteRefresh, IPV6_UNICAST, MessageType } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { PeerRow } from "../../../src/management/index.ts";
import { fairTime, waitFor } from "../../host/fair-time.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { assertSameSession, establishedIn } from "../interop/bird-since.ts";
import { ask, daemon, OURS, PORT, peerLab, semrdConfiguration, THEIRS, until } from "../interop/lab.ts";
import { NEW_HOP, reach, update } from "./case.ts";
import { HostilePeer } from "./hostile-peer.ts";
import { mangledSession } from "./mangled.ts";

const BIRD = "/usr/sbin/bird";
const program = (name: string): string => fileURLToPath(new URL(`../../../tools/${name}`, import.meta.url));
const INNOCENT_ROUTES = 200;
const NEIGHBOURS = 24;
const address = (i: number): string => `fd5e:b6c::1:${(i + 1).toString(16)}`;
const STRANGER = "fd5e:b6c::2:1";
/** What the neighbour of addresses 0 may say of IPv6 prefixes. */
const MAXIMUM = 5000;
const A_MESSAGE = 400;
/** Whose routes have no end, who reads nothing, and who never says what it is. */
const [TALKER, READER, MUTE] = [0, 1, 2];
const ROUNDS = 2;
const CONNECTIONS = 150;
/** In which who has no end has to be ended. */
const TALK_MS = 45_000;

function birdConfiguration(): string {
  const routes = Array.from(
    { length: INNOCENT_ROUTES },
    (_, i) => `route 2001:db8:${(i + 1).toString(16)}::/48 unreachable;`,
  );
  return `router id 10.0.0.2;
protocol device { }
protocol static { ipv6; ${routes.join(" ")} }
protocol bgp semrd {
  local ${THEIRS} port ${PORT} as 65000;
  neighbor ${OURS} port ${PORT} as 65000;
  connect delay time 1;
  ipv6 { import all; export where source = RTS_STATIC; };
}
`;
}

/** A router as a process, BIRD as its innocent neighbour, and 24 more that this process is. */
async function beside(t: TestContext) {
  const lab = await peerLab(t, BIRD, "bird2");
  if (lab === undefined) return undefined;
  const { ours, theirs, where } = lab;
  for (const more of [STRANGER, ...Array.from({ length: NEIGHBOURS }, (_, i) => address(i))])
    await ask(theirs, "ip", "address", "add", `${more}/64`, "dev", "wire", "nodad");
  const [socket, control] = [join(where, "semrd.sock"), join(where, "bird.ctl")];
  await writeFile(join(where, "bird.conf"), birdConfiguration());
  const whole = semrdConfiguration(where, socket, [{ name: "ipv6-unicast" }]) as {
    "semrd-router:router": { "semrd-bgp:bgp": { neighbors: { neighbor: object[] } } };
  };
  const family = ["capability", "ipv6-unicast", "ipv4-unicast"].map((name) => ({ name, "maximum-routes": MAXIMUM }));
  const { neighbor } = whole["semrd-router:router"]["semrd-bgp:bgp"].neighbors;
  // BIRD connects, every second: of two connections that cross one has to go, which may have been a session.
  Object.assign(neighbor[0]!, { passive: true });
  neighbor.push(
    ...Array.from({ length: NEIGHBOURS }, (_, i) => ({
      ...{ address: address(i), port: PORT, "remote-as": 65000, passive: true, families: { family } },
      ...{ "idle-hold-time": 1, "maximum-back-off": 1, ...(i === READER ? { "route-reflector-client": true } : {}) },
    })),
  );
  await writeFile(join(where, "semrd.json"), JSON.stringify(whole));
  daemon(t, theirs, [BIRD, "-f", "-c", join(where, "bird.conf"), "-s", control, "-P", join(where, "pid")]);
  const router = daemon(t, ours, [program("semrd"), "--config", join(where, "semrd.json")]);
  const said = (...words: string[]) => ask(ours, program("semrctl"), "--timeout", "3600", "--socket", socket, ...words);
  const peers = async () => JSON.parse(await said("--json", "show", "peers")) as readonly PeerRow[];
  const bird = () => ask(theirs, "birdc", "-s", control, "show", "protocols", "all", "semrd");
  const innocent = async () => {
    const row = (await peers()).find(({ address: of }) => of === THEIRS);
    return { state: row?.state, routes: row?.routesReceived, flaps: row?.flaps };
  };
  let answer = "";
  const isUp = async (): Promise<boolean> => {
    answer = await bird().catch(String); // the control socket may not be there yet
    return /\bup .*Established/.test(answer);
  };
  await until(() => `BIRD's session: ${answer}`, isUp);
  await until("BIRD's routes", async () => (await innocent()).routes === INNOCENT_ROUTES);
  const transport = createNetTransport({
    clock: systemClock,
    sock: loadNative().sock,
    namespace: `/run/netns/${theirs}`,
  });
  const standing = async () => establishedIn(await bird());
  return { router, peers, said, innocent, standing, transport };
}

/** For who has ended badly before, and has to rest. */
const SESSION_MS = 60_000;
const settle = (what: string, done: () => boolean): Promise<void> => until(what, done);
const connect = (transport: Transport, from: string): Promise<HostilePeer> =>
  HostilePeer.connect(transport, { address: OURS, port: PORT }, from, settle);
const moment = (span: number): Promise<void> =>
  new Promise((resolve) => void systemClock.after(milliseconds(span), resolve));

/** Of all neighbours at once: sessions in which anything may be wrong. */
async function mangle(transport: Transport, random: SeededRandom): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(
      Array.from({ length: NEIGHBOURS }, async (_, i) => {
        const peer = await connect(transport, address(i));
        for (const octets of mangledSession("internal", random)) if (peer.closed === undefined) peer.say(octets);
        await moment(100);
        await peer.close();
      }),
    );
    await moment(1100); // of rest for who has ended badly
  }
}

/** A session with the router, which may have to be asked for again: who has ended badly has to rest. */
async function session(transport: Transport, i: number): Promise<HostilePeer> {
  for (const end = fairTime.now() + SESSION_MS; ; ) {
    const peer = await connect(transport, address(i));
    peer.open("internal");
    const isUp = (): boolean => (peer.heard.get(MessageType.Keepalive) ?? 0) > 0;
    await until("a session, or its end", () => isUp() || peer.closed !== undefined);
    if (peer.closed === undefined) return peer;
    assert.ok(fairTime.now() < end, `no session within ${SESSION_MS / 1000} s: the last one ended with ${peer.closed}`);
    await peer.close();
  }
}

/** Prefixes without end, as fast as they are taken. */
async function talk(transport: Transport): Promise<number> {
  const peer = await session(transport, TALKER);
  let said = 0;
  const saysMore = (): boolean => {
    for (; peer.closed === undefined && peer.queued < 256 * 1024 && said < 10_000_000; said += A_MESSAGE) {
      let routes = "";
      for (let n = said; n < said + A_MESSAGE; n++) routes += `402000${n.toString(16).padStart(12, "0")}`;
      peer.update(update("internal", "ipv6-unicast", { reach: reach("ipv6-unicast", NEW_HOP, routes) }));
    }
    return peer.closed === undefined;
  };
  await waitFor("the end of who talks", () => !saysMore(), { every: 1, limit: TALK_MS });
  return said;
}

it("semrd with BIRD beside neighbours that mean harm: BIRD's session stands, memory stays, and show says who did what", async (t) => {
  const stage = await beside(t);
  if (stage === undefined) return;
  const { peers, said, innocent, standing, transport } = stage;
  const random = new SeededRandom();
  t.diagnostic(`seed ${random.seed}`);
  const [began, since] = [await innocent(), await standing()];
  assert.deepEqual([began.state, began.flaps], ["Established", 0]);
  const status = async () =>
    JSON.parse(await said("--json", "show", "status")) as { processId: number; counts: { strangersRefused?: number } };
  const { processId } = await status();
  const memory = async (): Promise<number> => {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${processId}/status`, "utf8")) ?? [];
    return Number(kilobytes) / 1024;
  };
  const before = await memory();

  await mangle(transport, random);
  const routes = await talk(transport);
  const reader = await session(transport, READER);
  await until("routes for who will not read", () => (reader.heard.get(MessageType.Update) ?? 0) > 0);
  reader.deafen();
  for (let i = 0; i < 10_000; i++) reader.say(encodeRouteRefresh(IPV6_UNICAST));
  const row = async (i: number): Promise<PeerRow> => (await peers()).find(({ address: of }) => of === address(i))!;
  const ended = async (): Promise<number> => {
    const { notificationsSent, refusedConnections } = await row(MUTE);
    return Number(notificationsSent) + refusedConnections;
  };
  const endedBefore = await ended();
  const strangers = Array.from({ length: CONNECTIONS }, () => connect(transport, STRANGER));
  const mutes = Array.from({ length: CONNECTIONS }, () => connect(transport, address(MUTE)));
  for (const peer of await Promise.all(strangers)) await until("its end", () => peer.closed !== undefined);
  const silent = await Promise.all(mutes);
  const open = (): HostilePeer[] => silent.filter(({ closed }) => closed === undefined);
  await until("all but the newest one to be given up", () => open().length <= 1);

  await until("the refreshes to be read", async () => Number((await row(READER)).messagesReceived) >= 10_000);
  const grown = (await memory()) - before;
  t.diagnostic(
    `${routes} routes past a maximum of ${MAXIMUM}; ${grown.toFixed(0)} MiB more than ${before.toFixed(0)} MiB`,
  );
  assert.ok(grown < 150, `${grown} MiB more`);
  assert.deepEqual(await innocent(), began);
  assertSameSession(await standing(), since);

  const { lastErrorCode, lastErrorSubcode, notificationsSent } = await row(TALKER);
  assert.deepEqual([lastErrorCode, lastErrorSubcode], [6, 1]);
  assert.ok(Number(notificationsSent) >= 1);
  assert.equal((await ended()) - endedBefore + open().length, CONNECTIONS, JSON.stringify(await row(MUTE)));
  assert.equal((await status()).counts.strangersRefused, CONNECTIONS);
  assert.match(await said("show", "status"), /connections of strangers refused/);
  const all = (await peers()).filter(({ address: of }) => of !== THEIRS);
  const sum = (of: (one: PeerRow) => string | undefined): number =>
    all.reduce((total, one) => total + Number(of(one)), 0);
  const counted = {
    notifications: sum((one) => one.notificationsSent),
    withdrawn: sum((one) => one.treatedAsWithdraw),
    flaps: all.reduce((total, { flaps }) => total + flaps, 0),
  };
  t.diagnostic(JSON.stringify(counted));
  assert.ok(counted.notifications > ROUNDS && counted.flaps > ROUNDS);
  for (const peer of [reader, ...open()]) await peer.close();
});
