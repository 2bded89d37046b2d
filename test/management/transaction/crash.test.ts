import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { milliseconds } from "../../../src/base/index.ts";
import { openFolder } from "../../../src/host/index.ts";
import { MemoryFiles, value, World } from "./world.ts";

const PROCESS = fileURLToPath(new URL("crash-process.ts", import.meta.url));
/** More than any scenario has; one that does not end by then is a failure. */
const MOST_STEPS = 60;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "semrd-crash-"));
});
after(() => rm(folder, { recursive: true, force: true }));

function run(
  ...args: string[]
): Promise<{ readonly signal: string | null; readonly done: boolean; readonly err: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [PROCESS, ...args], { timeout: 120_000 }, (_, out, err) => {
      resolve({ signal: child.signalCode, done: out.includes("done"), err });
    });
  });
}

/** What a router would begin with now, and whether a confirmed commit waits. */
async function restarted(path: string) {
  const files = await openFolder(path);
  const world = await new World({ "/a": 1, "/b": 1 }, files).start("part");
  const { initial, pendingCommit } = { initial: world.engine.initial, pendingCommit: world.engine.pendingCommit() };
  const causes = world.engine.log().map(({ cause }) => cause);
  // It goes on from there.
  const session = world.session();
  if (pendingCommit !== undefined) value(await world.engine.confirm(session, "p"));
  value(await world.engine.transact(session, [{ operation: "merge", path: "/c", value: "1" }]));
  assert.deepEqual(await world.running(), { ...initial, "/c": 1 });
  await world.engine[Symbol.asyncDispose]();
  return { initial, waits: pendingCommit !== undefined, causes, files: await files.list() };
}

const OLD = { "/a": 1, "/b": 1 };
const NEW = { "/a": 2, "/b": 2 };

describe("kill -9 at every step", () => {
  const scenarios = [
    {
      scenario: "commit",
      outcomes: [
        { initial: OLD, waits: false },
        { initial: NEW, waits: false },
      ],
    },
    {
      scenario: "confirmed",
      outcomes: [
        { initial: OLD, waits: false },
        { initial: NEW, waits: true },
      ],
    },
    {
      scenario: "confirm",
      outcomes: [
        { initial: NEW, waits: true },
        { initial: NEW, waits: false },
      ],
    },
  ] as const;
  for (const { scenario, outcomes } of scenarios)
    it(`of a ${scenario} leaves what was before or what is after, in this order`, async (t) => {
      const seen: number[] = [];
      for (let step = 0; ; step++) {
        assert.ok(step < MOST_STEPS, "it does not come to its end");
        const path = join(folder, `${scenario}-${step}`);
        const { signal, done, err } = await run(path, String(step), scenario);
        if (done) break;
        assert.equal(signal, "SIGKILL", err);
        const { initial, waits, files } = await restarted(path);
        const outcome = outcomes.findIndex((wanted) => JSON.stringify(wanted) === JSON.stringify({ initial, waits }));
        assert.notEqual(outcome, -1, `step ${step}: ${JSON.stringify({ initial, waits })}`);
        assert.ok(!files.includes("head.json.new"), "what a crash left is swept");
        seen.push(outcome);
      }
      t.diagnostic(`${seen.length} steps: ${seen.join("")}`);
      assert.deepEqual(seen, seen.toSorted(), "before, then after");
      assert.deepEqual([seen[0], seen.at(-1)], [0, 1]);
    });
});

describe("a loss of power", () => {
  /** A disk that keeps names only when they are synced: the worst it may do. */
  class LazyFiles extends MemoryFiles {
    /** What is left after the power went: synced names, or any later state of them. */
    readonly survivors: Map<string, string>[] = [new Map()];

    #note(): void {
      this.survivors.push(new Map(this.files));
    }

    override async write(name: string, content: string | Uint8Array): Promise<void> {
      await super.write(name, content);
      this.#note();
    }

    override async rename(from: string, to: string): Promise<void> {
      await super.rename(from, to);
      this.#note();
    }

    override async remove(name: string): Promise<void> {
      await super.remove(name);
      this.#note();
    }

    override async syncNames(): Promise<void> {
      await super.syncNames();
      this.survivors.splice(0, this.survivors.length, new Map(this.files));
    }
  }

  it("at every step leaves a configuration that was running at some time, never a mixture", async () => {
    const files = new LazyFiles();
    const world = await new World(OLD, files).start("part");
    const states: Map<string, string>[] = [];
    files.before = () => states.push(...files.survivors.map((one) => new Map(one)));
    const session = world.session();
    for (const number of [2, 3]) {
      const steps = ["/a", "/b"].map((path) => ({ operation: "replace", path, value: String(number) }) as const);
      value(await world.engine.transact(session, steps));
    }
    assert.ok(states.length > 20);
    for (const state of states) {
      const later = await new World(OLD, new MemoryFiles(state)).start("part");
      const { "/a": a, "/b": b } = later.engine.initial;
      assert.equal(a, b);
      assert.ok([1, 2, 3].includes(a as number));
    }
  });

  it("on the way to the deadline of a confirmed commit does not lose it", async () => {
    const files = new MemoryFiles();
    const world = await new World(OLD, files).start("part");
    const step = { operation: "replace", path: "/a", value: "2" } as const;
    value(await world.engine.transact(world.session(), [step], { confirmed: { persist: "p" } }));
    world.clock.advance(milliseconds(599_999));
    const later = await new World(OLD, files, world.clock).start("part");
    assert.deepEqual(later.engine.initial, { "/a": 2, "/b": 1 });
    world.clock.advance(milliseconds(1));
    await new Promise<void>((resolve) => setImmediate(resolve));
    assert.deepEqual(await later.running(), OLD);
  });
});
