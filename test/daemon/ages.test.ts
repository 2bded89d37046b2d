import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { it, type TestContext } from "node:test";
import { Executor } from "../../lab/fib-executor/executor.ts";
import { type Clock, type Milliseconds, milliseconds, momentOf } from "../../src/base/index.ts";
import { encodePdu } from "../../src/bgp/rpki/wire/index.ts";
import { startBmp } from "../../src/daemon/bmp.ts";
import { Names } from "../../src/daemon/names.ts";
import { routeRows } from "../../src/daemon/route-rows.ts";
import { agentRow, explainCandidate, type RowSources } from "../../src/daemon/rows.ts";
import { startRpki } from "../../src/daemon/rpki.ts";
import { executorStatus } from "../../src/daemon/status-report.ts";
import { unicastRows } from "../../src/daemon/unicast-rows.ts";
import { REFUSAL } from "../../src/dataplane/index.ts";
import { systemClock } from "../../src/host/index.ts";
import type { RouterConfiguration } from "../../src/management/index.ts";
import { driven, hop, Listening, until } from "../dataplane/fib-service/rig.ts";
import { AGENT_A, bench, request, taxonomy } from "../directory/samples.ts";
import { waitFor } from "../host/fair-time.ts";
import { announce, attributeSet, batch, capabilityNumber, EPOCH, ribPeer, siteKey, world } from "../rib/world.ts";

const DAY = 86_400_000;
const STEPS = [DAY, -DAY];

/** The machine's, whose wall clock is set. */
class SteppedClock implements Clock {
  stepped = 0;
  readonly monotonic = systemClock.monotonic;
  readonly after = systemClock.after;
  readonly soon = systemClock.soon;

  wall(): Milliseconds {
    return milliseconds(systemClock.wall() + this.stepped);
  }
}

/** The port at which somebody else's server waits for the router, until the test is over. */
async function listening(t: TestContext, serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => serve(socket.on("error", () => {}))).listen(0, "::1");
  t.after(() => server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

class Unwilling extends Executor {
  protected override carryOut(_plan: unknown, _message: unknown, sequence: number) {
    return [{ sequence, code: REFUSAL.internal, reason: "it has no bank for it" }];
  }
}

it("the age of a route goes on when the wall clock is set; the date is that of then", () => {
  const { rib, clock } = world();
  const peer = rib.openPeer(ribPeer(2, "external"));
  announce(rib, peer, attributeSet(), siteKey(5, 2));
  const set = attributeSet({ withoutSemantic: true, extendedCommunities: [] });
  const octets = new TextEncoder().encode("a set");
  const id = rib.attributes.intern(octets, 0, octets.length, () => set, "ipv4-unicast");
  rib.unicast("ipv4-unicast").announce(peer, batch(Uint8Array.of(8, 10)), id);
  const { directory } = bench();
  const known = taxonomy();
  const sources = { rib, directory, taxonomy: known, names: new Names(known, new Map(), 1) } as RowSources;
  const now = () => momentOf(clock);
  const ages = (): number[] => {
    const { candidates } = rib.capability.select(1, capabilityNumber(5) as never);
    assert.equal(candidates.length, 1);
    const [capability] = [...routeRows(sources, now)];
    const [prefix] = [...unicastRows(rib, "ipv4-unicast", now)];
    return [capability!, prefix!, explainCandidate(candidates[0]!, sources, now())].map(({ ageSeconds }) => ageSeconds);
  };
  clock.advance(10_000);
  assert.deepEqual(ages(), [10, 10, 10]);
  clock.stepWall(DAY);
  assert.deepEqual(ages(), [10, 10, 10]);
  clock.stepWall(-2 * DAY);
  clock.advance(5_000);
  assert.deepEqual(ages(), [15, 15, 15]);
  const since = [...rib.capability.routesOf({}), ...rib.unicast("ipv4-unicast").rowsOf({})].map((row) => row.since);
  assert.deepEqual(since, [1000 * EPOCH, 1000 * EPOCH]);
});

it("so do those of an agent and its health, and of an agent of before a restart", () => {
  const { directory, clock } = bench();
  const begun = clock.wall();
  directory.register(request());
  const row = () => {
    const [instance] = directory.instancesOf(AGENT_A);
    const { ageSeconds, healthAgeSeconds } = agentRow(instance!, {
      now: clock.monotonic(),
      leaseLeft: (lease) => directory.leaseLeft(lease),
    });
    return { ageSeconds, healthAgeSeconds };
  };
  clock.advance(20_000);
  directory.setHealth(directory.instancesOf(AGENT_A)[0]!.id, "up");
  clock.advance(5_000);
  clock.stepWall(DAY);
  assert.deepEqual(row(), { ageSeconds: 25, healthAgeSeconds: 5 });
  clock.stepWall(-3 * DAY);
  directory.renew(AGENT_A, milliseconds(300_000));
  directory.register(request());
  assert.deepEqual(row(), { ageSeconds: 25, healthAgeSeconds: 5 });
  const [instance] = directory.instancesOf(AGENT_A);
  assert.deepEqual([instance!.registeredAt, instance!.health.since.wall], [begun, begun + 20_000]);

  const record = directory.leased(AGENT_A);
  const later = bench();
  later.clock.stepWall(begun + 60_000 - later.clock.wall());
  later.directory.put(record);
  const [restored] = later.directory.instancesOf(AGENT_A);
  assert.equal(later.clock.monotonic() - restored!.learntAt, 60_000);
});

it("so does that of what an RPKI cache has said", async (t) => {
  const clock = new SteppedClock();
  const intervals = { refresh: 3600, retry: 600, expire: 7200 };
  const port = await listening(t, (socket) => {
    socket.on("data", () => {
      socket.write(encodePdu(1, { type: "cache-response", sessionId: 7 }));
      socket.write(encodePdu(1, { type: "end-of-data", sessionId: 7, serial: 1, intervals }));
    });
  });
  const { rib, log, metrics } = world();
  const at = { name: "one", address: "::1", port, preference: 1 };
  const inUse = () => ({ rpki: { caches: [at] } }) as unknown as RouterConfiguration;
  const watch = startRpki({ rib, clock, log, metrics, inUse })!;
  t.after(() => watch[Symbol.asyncDispose]());
  const ago = (): number | undefined => [...watch.caches()][0]?.updatedSecondsAgo;
  await waitFor("what it says is there", () => ago() !== undefined, { every: 2, limit: 20_000 });
  for (const by of STEPS) {
    clock.stepped = by;
    assert.ok(ago()! < 60, `${ago()} s`);
  }
});

it("so does that of the connection with a station of BMP", async (t) => {
  const clock = new SteppedClock();
  const port = await listening(t, (socket) => socket.resume());
  const at = { name: "noc", address: "::1", port, connectRetry: 1 };
  const configuration = {
    ...{ name: "r1", routerId: 1 },
    bmp: { stations: [{ ...at, tables: ["loc-rib"], neighbors: [], statisticsInterval: undefined }] },
  } as unknown as RouterConfiguration;
  const { rib, log, metrics } = world();
  const bmp = startBmp(configuration, { rib, clock, log, metrics, version: "0" })!;
  t.after(() => bmp[Symbol.asyncDispose]());
  const age = (): number | undefined => [...bmp.rows()][0]?.connectedSecondsAgo;
  await waitFor("it is connected", () => age() !== undefined, { every: 2, limit: 20_000 });
  for (const by of STEPS) {
    clock.stepped = by;
    assert.ok(age()! < 60, `${age()} s`);
  }
});

it("so do those of the session with an executor, and of what it has refused; the dates are those of then", async () => {
  const clock = new SteppedClock();
  await using listening = await Listening.start(new Unwilling());
  await using service = await driven(listening.port, {}, clock);
  const { driver } = service;
  driver.apply([hop(1)], 1);
  await until(() => driver.executor.refused.length === 1, "it refuses");
  const ages = (): readonly number[] => {
    const { sinceSeconds, refused } = executorStatus(driver.executor, clock.monotonic());
    return [sinceSeconds, ...refused.map((each) => each.sinceSeconds)];
  };
  const { since } = driver.executor;
  for (const by of STEPS) {
    clock.stepped = by;
    for (const age of ages()) assert.ok(age < 60, `${age} s`);
  }
  assert.equal(driver.executor.since.wall, since.wall);
});
