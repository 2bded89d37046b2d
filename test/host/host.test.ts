import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { milliseconds as ms } from "../../src/base/index.ts";
import {
  HostError,
  openLog,
  openStateDirectory,
  replaceFile,
  systemClock,
  systemRandom,
} from "../../src/host/index.ts";
import { firstLine, killed } from "./child.ts";

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "semrd-host-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

describe("clock", () => {
  it("never fires early, and not at all once cancelled", async () => {
    let cancelled = 0;
    systemClock.after(ms(1), () => cancelled++).cancel();
    for (const delay of [0, 1, 3.7, 12]) {
      const begin = systemClock.monotonic();
      await new Promise<void>((resolve) => void systemClock.after(ms(delay), resolve));
      const passed = systemClock.monotonic() - begin;
      assert.ok(passed >= delay, `fired after ${passed} of ${delay} ms`);
    }
    assert.equal(cancelled, 0);
    assert.throws(() => systemClock.after(ms(Number.NaN), () => {}), RangeError);
  });

  it("a delay longer than setTimeout can hold does not fire at once", async () => {
    let fired = 0;
    const timer = systemClock.after(ms(0x7fff_ffff * 4), () => fired++);
    await new Promise<void>((resolve) => void systemClock.after(ms(5), resolve));
    timer.cancel();
    assert.equal(fired, 0);
  });

  it("soon is later than now and before any timer of some length", async () => {
    const seen: string[] = [];
    const done = new Promise<void>((resolve) => void systemClock.after(ms(30), resolve));
    systemClock.soon(() => seen.push("soon"));
    seen.push("now");
    await done;
    assert.deepEqual(seen, ["now", "soon"]);
  });
});

it("chance fills octets and stays inside [0, 1)", () => {
  const octets = new Uint8Array(64);
  systemRandom.fill(octets);
  assert.ok(octets.some((octet) => octet !== 0));
  const drawn = Array.from({ length: 100 }, () => systemRandom.next());
  assert.ok(drawn.every((value) => value >= 0 && value < 1));
});

describe("log", () => {
  it("writes one JSON object a line, without secrets at any depth", async (t) => {
    const file = join(await folder(t), "log");
    const log = openLog({ level: "info", file });
    log.debug("test.hidden");
    log.info("test.plain");
    log.warn("test.fields", {
      authorization: "Bearer s3cret",
      peer: "fd00::1",
      nested: {
        headers: [{ Authorization: "s3cret" }],
        accessToken: "s3cret",
        tls: { "private-key": "s3cret", key: "s3cret" },
      },
      password: "s3cret",
      octets: new Uint8Array([1, 0xfe]),
      sequence: 5n,
      cause: new Error("outer", { cause: new Error("inner") }),
      tokens: 3,
    });
    log.level = "error";
    log.info("test.hidden");
    await log[Symbol.asyncDispose]();
    const text = await readFile(file, "utf8");
    assert.ok(!text.includes("s3cret"));
    const lines = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual(
      lines.map(({ level, event }) => [level, event]),
      [
        ["info", "test.plain"],
        ["warn", "test.fields"],
      ],
    );
    const { octets, sequence, tokens, cause, peer, nested } = lines[1];
    assert.deepEqual([octets, sequence, tokens, peer], ["01fe", "5", 3, "fd00::1"]);
    assert.equal(cause.cause.message, "inner");
    assert.equal(nested.tls.key, "[redacted]");
  });

  it("fields that refer to themselves end somewhere", async (t) => {
    const file = join(await folder(t), "log");
    const log = openLog({ level: "info", file });
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    log.info("test.loop", loop);
    await log[Symbol.asyncDispose]();
    assert.match(await readFile(file, "utf8"), /too deep/);
  });
});

describe("state directory", () => {
  it("belongs to one process, until that dies by kill -9", { timeout: 30_000 }, async (t) => {
    const path = join(await folder(t), "a", "b");
    const index = join(import.meta.dirname, "../../src/host/index.ts");
    const script = `import { openStateDirectory } from ${JSON.stringify(index)};
      await openStateDirectory(${JSON.stringify(path)}); console.log("held"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    t.after(() => child.kill("SIGKILL"));
    assert.equal(await firstLine(child), "held");
    await assert.rejects(openStateDirectory(path), (cause: HostError) => {
      assert.deepEqual(cause.fault, { code: "host.state-directory-in-use", path, owner: String(child.pid) });
      assert.match(cause.message, /is in use by process \d+: stop it, or give/);
      return true;
    });
    await killed(child);
    const mine = await openStateDirectory(path);
    await assert.rejects(openStateDirectory(path), HostError);
    mine[Symbol.dispose]();
    (await openStateDirectory(path))[Symbol.dispose]();
    assert.equal((await stat(path)).mode & 0o777, 0o700);
  });

  it("a path that is a file is refused with what to do", async (t) => {
    const path = join(await folder(t), "file");
    await writeFile(path, "");
    await assert.rejects(openStateDirectory(path), (cause: HostError) => {
      assert.deepEqual(cause.fault, { code: "host.state-directory-unusable", path, errno: "EEXIST" });
      return true;
    });
  });
});

it("where there is no room a file is as it was, nothing is left beside it, and the error says where to make some", async (t) => {
  if (process.getuid?.() !== 0) return t.skip("skipped: only root may mount a file system");
  const at = await mkdtemp(join(tmpdir(), "semrd-host-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", at]);
  t.after(async () => {
    execFileSync("umount", ["--lazy", at]);
    await rm(at, { recursive: true });
  });
  const path = join(at, "file");
  await replaceFile(path, "one");
  await assert.rejects(replaceFile(path, "x".repeat(100_000)), (cause: HostError) => {
    assert.deepEqual(cause.fault, { code: "host.no-room", path, errno: "ENOSPC", octets: 100_000 });
    const wanted = `ENOSPC: there is no room for the 100000 octets of ${path}: make room on the file system at ${at} (`;
    assert.ok(cause.message.startsWith(wanted), cause.message);
    return true;
  });
  assert.deepEqual([await readdir(at), await readFile(path, "utf8")], [["file"], "one"]);
});

it("a file is replaced as a whole, leaving nothing beside it", async (t) => {
  const path = join(await folder(t), "file");
  await replaceFile(path, "one");
  await replaceFile(path, "two");
  assert.equal(await readFile(path, "utf8"), "two");
  await assert.rejects(stat(`${path}.new`));
});
