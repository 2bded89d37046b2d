import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import { promisify } from "node:util";
import { milliseconds, parseIpv6, seconds } from "../../../src/base/index.ts";
import { readRoutes, SessionRecorder, TableJob, tableSnapshot, UpdateLog } from "../../../src/bgp/mrt/index.ts";
import { AttributeCodec, DEFAULT_DIALECT, type NlriBatch, UpdateDecoder } from "../../../src/bgp/wire/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { RouteFamily } from "../../../src/rib/index.ts";
import { waitFor } from "../../host/fair-time.ts";
import { RecordedLog, RecordedMetrics, type Router } from "../speaker/router.ts";
import { Scene } from "../speaker/scene.ts";
import { setSample } from "../wire/samples.ts";

const until = (what: string, done: () => boolean): Promise<void> => waitFor(what, done, { every: 1, limit: 20_000 });

const run = promisify(execFile);
const FAMILIES = ["capability", "ipv6-unicast", "ipv4-unicast"] as const;
const codec = new AttributeCodec(DEFAULT_DIALECT);

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "semrd-mrt-"));
  t.after(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** Router a has routes of b and of its own, in all families. */
async function tables(t: TestContext): Promise<Router> {
  const scene = new Scene(t);
  const families = FAMILIES.map((family) => ({ family }));
  const [a, b] = await scene.pair(
    { peers: [{ address: "2001:db8::b", families }] },
    { peers: [{ address: "2001:db8::a", families }] },
  );
  b.originate(1);
  a.originate(2);
  const { semantic: _, localPref: _l, ...set } = setSample({ nextHop: parseIpv6("2001:db8::b")!, multiExitDisc: 5 });
  const v6 = { family: "ipv6-unicast", address: parseIpv6("2a00:1::")!, length: 32 } as const;
  b.speaker.originateUnicast(v6, {
    ...set,
    communities: [0xfde80007],
    asPath: [{ type: "sequence", numbers: [4200000001] }],
  });
  a.speaker.originateUnicast(v6, set);
  const v4 = { family: "ipv4-unicast", address: Uint8Array.of(203, 0, 113, 0), length: 24 } as const;
  b.speaker.originateUnicast(v4, { ...set, nextHop: parseIpv6("::ffff:192.0.2.7")! });
  scene.quiet(a, b);
  return a;
}

async function octetsOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

const snapshot = ({ rib }: Router, view: "loc-rib" | "adj-rib-in"): Promise<Buffer> =>
  octetsOf(tableSnapshot({ view, families: FAMILIES }, { rib, codec, clock: systemClock }));

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
}

const keys = (batch: NlriBatch): string[] =>
  Array.from({ length: batch.count }, (_, i) =>
    Buffer.from(batch.octets.subarray(batch.starts[i]!, batch.starts[i]! + batch.lengths[i]!)).toString("hex"),
  );

/** `family key next-hop` of every route that the file announces. */
async function routesIn(octets: Uint8Array): Promise<string[]> {
  const decoder = new UpdateDecoder(
    codec,
    { asWidth: 4, internal: false },
    { families: FAMILIES, extendedNextHop: true },
  );
  const said: string[] = [];
  const counts = { records: 0, updates: 0, skipped: 0, malformed: 0 };
  for await (const { body } of readRoutes(once(octets), counts)) {
    const outcome = decoder.decode(body, 0, body.length);
    assert.equal(outcome.kind, "routes");
    if (outcome.kind !== "routes") continue;
    const note = (family: RouteFamily, batch: NlriBatch, set: typeof outcome.attributes): void => {
      for (const key of keys(batch)) said.push(`${family} ${key} ${Buffer.from(set!.set.nextHop).toString("hex")}`);
    };
    if (decoder.announced.count > 0) note(decoder.announcedFamily, decoder.announced, outcome.attributes);
    if (decoder.classic.announced.count > 0) note("ipv4-unicast", decoder.classic.announced, outcome.classicAttributes);
  }
  assert.equal(counts.malformed, 0);
  return said.sort();
}

it("a snapshot of every family is read back with its next hops", async (t) => {
  const router = await tables(t);
  const [best, all] = [await snapshot(router, "loc-rib"), await snapshot(router, "adj-rib-in")];
  const routes = await routesIn(best);
  assert.deepEqual(
    routes.filter((text) => !text.startsWith("capability")),
    [
      "ipv4-unicast 18cb0071 00000000000000000000ffffc0000207",
      "ipv6-unicast 202a000001 20010db800000000000000000000000b",
    ],
  );
  assert.equal(routes.filter((text) => text.startsWith("capability")).length, 2);
  assert.ok(all.length > best.length, "the path that was not chosen is missing");
});

it("bgpdump reads a snapshot", async (t) => {
  if (!existsSync("/usr/bin/bgpdump")) return t.skip("skipped: bgpdump is missing (apt-get install bgpdump)");
  const file = join(await folder(t), "rib.mrt");
  await writeFile(file, await snapshot(await tables(t), "adj-rib-in"));
  const { stdout } = await run("bgpdump", ["-v", "-m", file]);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => line.split("|"));
  const unicast = lines
    .filter(([, , kind]) => kind === "B")
    .map(([, , , peer, as, prefix, path, origin, hop, , med, community]) =>
      [peer, as, prefix, path, origin, hop, med, community].join(" "),
    );
  assert.deepEqual(unicast.sort(), [
    "2001:db8::b 65000 203.0.113.0/24  IGP 192.0.2.7 5 ",
    "2001:db8::b 65000 2a00:1::/32 4200000001 IGP 2001:db8::b 5 65000:7",
    "2001:db8:ffff::1 65000 2a00:1::/32  IGP 2001:db8::b 5 ",
  ]);
  return undefined;
});

it("messages and states of a session: what the log holds makes the same routes, and bgpdump reads it", async (t) => {
  const where = await folder(t);
  const metrics = new RecordedMetrics();
  const scene = new Scene(t);
  const options = { name: "all", folder: where, interval: seconds(900), maximumOctets: 1 << 20, retain: 3 };
  // Files are real, so their time is.
  const log = new UpdateLog(options, { clock: systemClock, log: new RecordedLog(), metrics });
  const families = [{ family: "ipv6-unicast" }, { family: "ipv4-unicast" }] as const;
  const [a, b] = await scene.pair(
    {
      peers: [{ address: "2001:db8::b", families }],
      observer: () => (peer) => new SessionRecorder(peer, log, systemClock),
    },
    { peers: [{ address: "2001:db8::a", families }] },
  );
  const { semantic: _, localPref: _l, ...set } = setSample({ nextHop: parseIpv6("2001:db8::b")! });
  b.speaker.originateUnicast({ family: "ipv6-unicast", address: parseIpv6("2a00:1::")!, length: 32 }, set);
  scene.quiet(a, b);
  await log[Symbol.asyncDispose]();
  const [file, ...others] = await readdir(where);
  assert.match(file!, /^all\.updates\.\d{8}T\d{6}Z\.mrt$/);
  assert.deepEqual(others, []);
  const octets = await readFile(join(where, file!));
  const counts = { records: 0, updates: 0, skipped: 0, malformed: 0 };
  const bodies: number[] = [];
  for await (const { body } of readRoutes(once(octets), counts)) bodies.push(body.length);
  // One route and two End-of-RIB; OPEN, KEEPALIVEs and changes of state beside them.
  assert.equal(bodies.length, 3);
  assert.deepEqual([counts.malformed, counts.records > 6], [0, true]);
  if (!existsSync("/usr/bin/bgpdump")) return t.skip("skipped: bgpdump is missing (apt-get install bgpdump)");
  const { stdout } = await run("bgpdump", ["-v", "-m", join(where, file!)]);
  assert.match(stdout, /\|A\|2001:db8::b\|65000\|2a00:1::\/32\|\|IGP\|2001:db8::b/);
  assert.match(stdout, /\|STATE\|2001:db8::b\|65000\|5\|6/);
  return undefined;
});

it("a disk that takes nothing costs records and no session; what is written later is whole", async (t) => {
  const where = await folder(t);
  const log = new RecordedLog();
  const metrics = new RecordedMetrics();
  let now = 0;
  const timers: (() => void)[] = [];
  const clock = {
    ...systemClock,
    wall: () => milliseconds(Date.UTC(2026, 10, 20) + now),
    monotonic: () => milliseconds(now),
    after: (_delay: number, fire: () => void) => {
      timers.push(fire);
      return { cancel: () => {} };
    },
  };
  const tick = (): void => timers.shift()!();
  const blocked = join(where, "blocked");
  await writeFile(blocked, "a file where the folder should be");
  const options = { name: "x", folder: blocked, interval: seconds(60), maximumOctets: 1 << 20, retain: 2 };
  await using updates = new UpdateLog(options, { clock, log, metrics });
  const record = (): void => updates.append((out) => out.u32(1).u16(16).u16(5).u32(0));
  record();
  tick();
  await until("it fails", () => updates.status().failures > 0);
  assert.deepEqual([updates.status().lost, log.has("mrt.updates.failed")], [1, true]);
  assert.match(updates.status().lastFailure!, /EEXIST|ENOTDIR/);
  await rm(blocked);
  record();
  tick();
  assert.equal(updates.status().records, 0, "not tried again before its time");
  now += 10_000;
  tick();
  await until("a record", () => updates.status().records > 0);
  assert.deepEqual([updates.status().lastFailure, log.has("mrt.recovered")], [undefined, true]);
  // More than may wait is lost, not kept.
  const big = new Uint8Array(1 << 20);
  const waiting = updates.status().lost;
  now += 1;
  for (let i = 0; i < 12; i++) updates.append((out) => out.bytes(big));
  assert.ok(updates.status().lost - waiting >= 4, `${updates.status().lost}`);
});

it("tables come every interval, whole, and the oldest go; a folder that fails is tried again", async (t) => {
  const where = await folder(t);
  const router = await tables(t);
  let now = 0;
  let fire: (() => void) | undefined;
  const clock = {
    ...systemClock,
    wall: () => milliseconds(Date.UTC(2026, 10, 20) + now),
    after: (delay: number, then: () => void) => {
      fire = () => {
        now += delay;
        then();
      };
      return { cancel: () => {} };
    },
  };
  const log = new RecordedLog();
  const options = {
    name: "t",
    folder: where,
    view: "loc-rib",
    families: FAMILIES,
    interval: seconds(60),
    retain: 2,
  } as const;
  const job = new TableJob(options, { rib: router.rib, codec, clock, log, metrics: new RecordedMetrics() });
  await writeFile(join(where, "t.rib.note"), "not ours to remove");
  for (let files = 1; files <= 4; files++) {
    fire!();
    await until(`file ${files}`, () => job.status().files >= files);
  }
  assert.deepEqual((await readdir(where)).sort(), [
    "t.rib.20261120T000300Z.mrt",
    "t.rib.20261120T000400Z.mrt",
    "t.rib.note",
  ]);
  assert.equal((await routesIn(await readFile(join(where, "t.rib.20261120T000400Z.mrt")))).length, 4);
  await rm(where, { recursive: true });
  await writeFile(where, "a file");
  fire!();
  await until("it fails", () => job.status().failures > 0);
  assert.equal(log.has("mrt.table.failed"), true);
  await rm(where);
  fire!();
  await until("the fifth file", () => job.status().files >= 5);
  assert.equal(job.status().lastFailure, undefined);
  await job[Symbol.asyncDispose]();
});
