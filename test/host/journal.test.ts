import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, it, type TestContext } from "node:test";
import fc from "fast-check";
import { milliseconds as ms } from "../../src/base/index.ts";
import { registered } from "../../src/directory/index.ts";
import { HostError, type Journal, openDirectoryStore, openJournal } from "../../src/host/index.ts";
import { decodingJournal, encodeLine, type JournalContents } from "../../src/host/journal-lines.ts";
import { request } from "../directory/samples.ts";
import { ListLog, TallyMetrics } from "../sim/tally-metrics.ts";

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "semrd-journal-"));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

function parts() {
  return { log: new ListLog(), metrics: new TallyMetrics() };
}

const entries = (journal: Journal) => Object.fromEntries(journal.restored);

/** With how many steps that took. */
function decoded(octets: Uint8Array): JournalContents & { readonly steps: number } {
  const reading = decodingJournal(octets);
  for (let steps = 0; ; steps++) {
    const { done, value } = reading.next();
    if (done === true) return { ...value, steps };
  }
}

describe("journal", () => {
  it("is read a line at a step, so that thousands are no long turn", () => {
    const lines = Array.from({ length: 1000 }, (_, i) => encodeLine({ key: `k${i % 700}`, value: i }));
    const { values, count, steps } = decoded(Buffer.from(`${lines.join("")}torn`));
    assert.deepEqual([values.size, count, steps], [700, 1000, 1000]);
  });

  it("what was acknowledged is there when it is opened again, and what was removed is not", async (t) => {
    const path = join(await folder(t), "j");
    const journal = await openJournal(path, parts());
    await Promise.all([journal.set("a", 1), journal.set("b", { x: [null, "ü\n"] }), journal.set("c", 3)]);
    await journal.set("a", undefined);
    await journal.set("c", 4);
    await journal[Symbol.asyncDispose]();
    await using again = await openJournal(path, parts());
    assert.deepEqual(entries(again), { b: { x: [null, "ü\n"] }, c: 4 });
  });

  it("many at once share few fsyncs", async (t) => {
    const at = parts();
    await using journal = await openJournal(join(await folder(t), "j"), at);
    await Promise.all(Array.from({ length: 500 }, (_, i) => journal.set(`k${i}`, i)));
    assert.equal(at.metrics.value("semrd_journal_records_total"), 500);
    assert.ok(
      at.metrics.value("semrd_journal_syncs_total") <= 3,
      String(at.metrics.values.get("semrd_journal_syncs_total")),
    );
  });

  it("is written anew when most of it is history, and loses nothing by that", async (t) => {
    const path = join(await folder(t), "j");
    const journal = await openJournal(path, parts());
    for (let round = 0; round < 40; round++) {
      await Promise.all(
        Array.from({ length: 100 }, (_, i) => journal.set(`k${i}`, { round, i, text: "x".repeat(50) })),
      );
    }
    assert.equal(journal.size, 100);
    await journal[Symbol.asyncDispose]();
    const lines = (await readFile(path, "utf8")).split("\n").length - 1;
    assert.ok(lines <= 1_300, `${lines} lines`);
    await using again = await openJournal(path, parts());
    assert.deepEqual(again.restored.get("k99"), { round: 39, i: 99, text: "x".repeat(50) });
    assert.equal(again.restored.size, 100);
  });

  it("cut anywhere, it reads as a prefix of what was written, and goes on", async (t) => {
    const path = join(await folder(t), "j");
    const written = ["a", "b", "a", "c"].map((key, i) => encodeLine({ key, value: i }));
    const whole = written.join("");
    for (let cut = 0; cut <= whole.length; cut++) {
      await writeFile(path, whole.slice(0, cut));
      const at = parts();
      const journal = await openJournal(path, at);
      const full = written.filter((_, i) => written.slice(0, i + 1).join("").length <= cut);
      const want = Object.fromEntries(
        full.map((line) => JSON.parse(line.slice(9))).map(({ key, value }) => [key, value]),
      );
      assert.deepEqual(entries(journal), want, `cut at ${cut}`);
      assert.equal(at.log.events().includes("journal.torn-tail"), full.join("").length !== cut);
      await journal.set("new", cut);
      await journal[Symbol.asyncDispose]();
      await using again = await openJournal(path, at);
      assert.deepEqual(entries(again), { ...want, new: cut });
    }
  });

  it("a flipped bit costs the line it is in, whatever else is there", () => {
    const keys = ["a", "b", "c", "d"];
    const octets = Buffer.from(keys.map((key, i) => encodeLine({ key, value: { i, key } })).join(""));
    fc.assert(
      fc.property(fc.nat(octets.length - 1), fc.nat(7), (at, bit) => {
        const changed = Buffer.from(octets);
        changed[at] = changed[at]! ^ (1 << bit);
        const read = decoded(changed);
        for (const [key, value] of read.values) assert.deepEqual(value, { i: keys.indexOf(key), key });
        // A flip in a line feed costs the two lines that it joined.
        assert.ok(read.values.size >= 2, `${read.values.size} left after a flip at ${at}`);
        assert.ok(read.damaged.length + read.tornLength > 0);
      }),
    );
  });

  it("whole lines at the end that cannot be read are damage, and the file as found is kept", async (t) => {
    const path = join(await folder(t), "j");
    const damaged = `${encodeLine({ key: "a", value: 1 })}${encodeLine({ key: "b", value: 2 }).replace("b", "c")}\0\0`;
    await writeFile(path, damaged);
    const at = parts();
    await using journal = await openJournal(path, at);
    assert.deepEqual(entries(journal), { a: 1 });
    assert.ok(at.log.events().includes("journal.damaged-tail"));
    assert.equal(await readFile(`${path}.damaged`, "utf8"), damaged);
  });

  it("damage inside is reported, and the file as found is kept", async (t) => {
    const path = join(await folder(t), "j");
    const damaged = `${encodeLine({ key: "a", value: 1 })}what is this\n${encodeLine({ key: "b", value: 2 })}`;
    await writeFile(path, damaged);
    const at = parts();
    const journal = await openJournal(path, at);
    assert.deepEqual(entries(journal), { a: 1, b: 2 });
    assert.deepEqual(at.log.lines[0]!.fields.lines, [2]);
    await journal.set("c", 3);
    await journal[Symbol.asyncDispose]();
    assert.equal(await readFile(`${path}.damaged`, "utf8"), damaged);
    const after = parts();
    await using again = await openJournal(path, after);
    assert.deepEqual(entries(again), { a: 1, b: 2, c: 3 });
    assert.deepEqual(after.log.lines, []);
  });

  it("a path that cannot be opened is one clear error", async (t) => {
    const path = await folder(t);
    await assert.rejects(openJournal(path, parts()), (cause: HostError) => {
      assert.ok(cause instanceof HostError);
      assert.equal(cause.code, "host.journal-unreadable");
      return true;
    });
  });

  it("a full disk refuses the write, keeps what was there, and works again when there is room", async (t) => {
    const path = await folder(t);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", path]);
    if (mounted.status !== 0) return t.skip("skipped: a small tmpfs cannot be mounted without CAP_SYS_ADMIN");
    try {
      const at = parts();
      const journal = await openJournal(join(path, "j"), at);
      await journal.set("kept", "here");
      await writeFile(join(path, "ballast"), "x".repeat(40_000));
      const large = "y".repeat(40_000);
      await assert.rejects(journal.set("large", large), (cause: HostError) => {
        assert.deepEqual(cause.fault, { code: "host.journal-write-failed", path: join(path, "j"), errno: "ENOSPC" });
        assert.match(cause.message, /make room/);
        return true;
      });
      await assert.rejects(journal.set("large", large), HostError);
      assert.deepEqual(at.log.events(), ["journal.failing"]);
      await journal.set("small", 1);
      await rm(join(path, "ballast"));
      await journal.set("large", large);
      await journal[Symbol.asyncDispose]();
      const after = parts();
      await using again = await openJournal(join(path, "j"), after);
      assert.deepEqual([...again.restored.keys()].sort(), ["kept", "large", "small"]);
      assert.deepEqual(after.log.lines, []);
      assert.deepEqual(at.log.events(), ["journal.failing", "journal.recovered"]);
    } finally {
      assert.equal(spawnSync("umount", ["-l", path]).status, 0);
    }
  });

  it("kill -9 at any moment loses nothing that was acknowledged", { timeout: 60_000 }, async (t) => {
    const path = join(await folder(t), "j");
    const acknowledged = new Map<string, number>();
    for (let round = 0; round < 5; round++) {
      const child = spawn(process.execPath, [join(import.meta.dirname, "journal-writer.ts"), path, String(round)], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      let lines = 0;
      for await (const text of createInterface({ input: child.stdout })) {
        const [key, value] = text.split(" ");
        acknowledged.set(key!, Number(value));
        if (++lines === 150 + 173 * round) child.kill("SIGKILL");
      }
      await gone;
      const at = parts();
      await using journal = await openJournal(path, at);
      assert.ok(lines > 100);
      for (const [key, value] of acknowledged) {
        // Later values were perhaps written and not yet acknowledged.
        assert.ok(
          (journal.restored.get(key) as number) >= value,
          `${key} is ${journal.restored.get(key)}, not ${value}`,
        );
      }
      assert.ok(!at.log.events().includes("journal.damaged"));
    }
    assert.ok((await stat(path)).size > 0);
    assert.ok((await readdir(join(path, ".."))).every((name) => !name.endsWith(".damaged")));
  });
});

describe("directory store", () => {
  it("keeps records, and leaves alone what it cannot read", async (t) => {
    const path = await folder(t);
    const record = registered(undefined, request(), ms(1e12));
    const store = await openDirectoryStore(path, parts());
    await store.put(record);
    await store.put({ ...record, agent: "urn:gone" });
    await store.delete("urn:gone");
    await store[Symbol.asyncDispose]();
    const journal = await openJournal(join(path, "agents.journal"), parts());
    await journal.set("urn:later", { version: 99 });
    await journal[Symbol.asyncDispose]();

    const at = parts();
    const again = await openDirectoryStore(path, at);
    assert.deepEqual(again.restored, [record]);
    assert.deepEqual(at.log.events(), ["directory.record-unreadable"]);
    await again[Symbol.asyncDispose]();
    assert.match(await readFile(join(path, "agents.journal"), "utf8"), /urn:later/);
  });
});
