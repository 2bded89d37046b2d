import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import { LogWriter } from "../../src/host/log-writer.ts";
import { waitFor } from "./fair-time.ts";

const run = promisify(execFile);
const where = await mkdtemp(join(tmpdir(), "semrd-log-"));
after(() => rm(where, { recursive: true }));

const lines = (count: number, octets: number): string[] =>
  Array.from({ length: count }, (_, i) => `${i} ${"x".repeat(octets)}\n`);

describe("a log that cannot be written", { concurrency: true }, () => {
  it("a disk that is full for good: lines wait up to the bound, then are dropped; nothing throws, and closing ends", async () => {
    const fd = openSync("/dev/full", "a");
    const writer = new LogWriter({ to: fd, most: 10_000, recovered: assert.fail });
    for (const line of lines(20, 1_000)) writer.write(line);
    assert.ok(writer.dropped >= 10 && writer.dropped < 20, `${writer.dropped} dropped`);
    await writer[Symbol.asyncDispose]();
    closeSync(fd);
  });

  it("a disk that is full for a while: whole lines, in order, and word of it when there is room", async (t) => {
    if (process.getuid?.() !== 0) return t.skip("skipped: only root may mount a file system");
    const disk = await mkdtemp(join(where, "disk-"));
    await run("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", disk]);
    t.after(() => run("umount", ["--lazy", disk]));
    const file = join(disk, "log");
    const recovered = Promise.withResolvers<string>();
    const writer = new LogWriter({
      to: file,
      most: 1_000_000,
      recovered(errno) {
        writer.write("recovered\n");
        recovered.resolve(errno);
      },
    });
    const wanted = lines(100, 1_000);
    for (const line of wanted) writer.write(line);
    const length = async () => (await readFile(file, "utf8").catch(() => "")).length;
    await waitFor("the disk is full", async () => (await length()) >= 12_000, { every: 1, limit: 20_000 });
    await run("mount", ["-o", "remount,size=1m", disk]);
    assert.equal(await recovered.promise, "ENOSPC");
    await writer[Symbol.asyncDispose]();
    const [before, after, ...more] = (await readFile(file, "utf8")).split("recovered\n");
    assert.equal(`${before}${after}`, wanted.join(""));
    assert.deepEqual(more, [], "it is told once");
    assert.equal(writer.dropped, 0);
  });

  it("a file that cannot be opened: all is dropped, and counted", async () => {
    const writer = new LogWriter({ to: join(where, "absent", "log"), most: 1_000, recovered: assert.fail });
    writer.write("one\n");
    await writer[Symbol.asyncDispose]();
    assert.equal(writer.dropped, 1);
  });

  const CHATTY = `
    import { openLog } from "${new URL("../../src/host/index.ts", import.meta.url).href}";
    const log = openLog({ level: "info" });
    for (let i = 0; i < 2000; i++) log.info("test.line", { i, text: "x".repeat(1000) });
    await log[Symbol.asyncDispose]();
    console.error("closed");`;

  it("a pipe whose reader does not read does not keep the process from ending", { timeout: 30_000 }, async () => {
    const script = join(where, "unread.mts");
    const pipe = join(where, "pipe");
    await writeFile(script, CHATTY);
    await run("mkfifo", [pipe]);
    const fd = openSync(pipe, "r+");
    const child = spawn(process.execPath, [script], { stdio: ["ignore", fd, "pipe"] });
    let err = "";
    child.stderr!.on("data", (text) => (err += text));
    const [code] = await once(child, "close");
    assert.deepEqual([code, err], [0, "closed\n"]);
    closeSync(fd);
  });

  it("a reader that is gone does not either", { timeout: 30_000 }, async () => {
    const script = join(where, "gone.mts");
    await writeFile(script, CHATTY);
    const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"] });
    let err = "";
    child.stderr.on("data", (text) => (err += text));
    child.stdout.destroy();
    const [code] = await once(child, "close");
    assert.deepEqual([code, err], [0, "closed\n"]);
  });

  it("a process that ends by an exception leaves what it had to say", async () => {
    const script = join(where, "thrown.mts");
    await writeFile(
      script,
      `${CHATTY.split("for (")[0]} for (const event of ["test.first", "test.last"]) log.error(event); throw new Error("defect");`,
    );
    const ended = await run(process.execPath, [script]).catch((cause: { stdout: string; code: number }) => cause);
    for (const event of ["test.first", "test.last"]) assert.ok(ended.stdout.includes(`"event":"${event}"`), event);
  });
});
