import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";
import { milliseconds, seconds } from "../../../src/base/index.ts";
import { MrtFramer, UpdateLog } from "../../../src/bgp/mrt/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { waitFor } from "../../host/fair-time.ts";
import { RecordedLog, RecordedMetrics } from "../speaker/router.ts";

const run = promisify(execFile);
const RECORD = 1000;

/** A whole record of 1000 octets. */
const record = (log: UpdateLog): void =>
  log.append((out) =>
    out
      .u32(1)
      .u16(16)
      .u16(99)
      .u32(RECORD - 12)
      .bytes(new Uint8Array(RECORD - 12)),
  );

it("a disk that is really full: records are counted as lost, files end in a whole record, and it goes on when there is room", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("skipped: mounting a small disk needs root");
  const where = await mkdtemp(join(tmpdir(), "semrd-full-"));
  let isMounted = false;
  t.after(async () => {
    if (isMounted) await run("umount", [where]);
    await rm(where, { recursive: true, force: true });
  });
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=64k", "semrd-test", where]);
    isMounted = true;
  } catch {
    return t.skip("skipped: a small disk cannot be mounted here");
  }
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
  const log = new RecordedLog();
  const options = { name: "x", folder: where, interval: seconds(60), maximumOctets: 1 << 30, retain: 9 };
  await using updates = new UpdateLog(options, { clock, log, metrics: new RecordedMetrics() });
  const settle = async (done: () => boolean): Promise<void> => {
    now += 11_000;
    timers.shift()!();
    await waitFor(() => JSON.stringify(updates.status()), done, { every: 1, limit: 20_000 });
  };
  for (let n = 0; n < 40; n++) record(updates);
  await settle(() => updates.status().records === 40);
  for (let n = 0; n < 40; n++) record(updates);
  await settle(() => updates.status().failures === 1);
  assert.match(updates.status().lastFailure!, /ENOSPC/);
  assert.deepEqual([updates.status().lost, log.has("mrt.updates.failed")], [40, true]);
  const [part] = await readdir(where);
  const octets = await readFile(join(where, part!));
  assert.equal(octets.length % RECORD, 0, "half a record is left");
  const framer = new MrtFramer();
  framer.feed(octets);
  let whole = 0;
  while (framer.next().kind === "record") whole++;
  assert.deepEqual([whole, framer.left], [40, 0]);
  // Room again: what was finished before is there, and a new file begins.
  await writeFile(join(where, part!), octets.subarray(0, RECORD));
  record(updates);
  await settle(() => updates.status().records === 41);
  assert.deepEqual([updates.status().lastFailure, log.has("mrt.recovered")], [undefined, true]);
  assert.ok(
    (await readdir(where)).some((name) => /^x\.updates\.\d{8}T\d{6}Z\.mrt$/.test(name)),
    "the unfinished file got its name",
  );
  return undefined;
});
