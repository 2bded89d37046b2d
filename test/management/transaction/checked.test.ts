import assert from "node:assert/strict";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import type { Tree } from "../../../src/management/datastore/index.ts";
import { hashPassword, openRouterManagement } from "../../../src/management/index.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { ListLog } from "../../sim/tally-metrics.ts";
import { certificate } from "../gnmi/gnmi-router.ts";
import { pair, stores } from "../stores.ts";
import { faults, MemoryFiles, tags, value, World } from "./world.ts";

/** Whether what stands between a validation and the commit leaves of it what it found. */
type Actions = Readonly<Record<string, { readonly run: (world: Bench) => Promise<unknown>; readonly keeps?: true }>>;

interface Bench {
  readonly world: World;
  readonly own: ReturnType<World["session"]>;
  readonly other: ReturnType<World["session"]>;
  /** Another value each time. */
  next(): number;
}

const set = (world: World, session: Bench["own"], which: "candidate" | "private-candidate", text: string) =>
  world.engine.edit(session, which, text, { format: "json" });

const ACTIONS: Actions = {
  "the candidate is edited": {
    run: async ({ world, own, next }) => value(await set(world, own, "candidate", `{"/a": ${next()}}`)),
  },
  "another session edits the candidate": {
    run: async ({ world, other, next }) => value(await set(world, other, "candidate", `{"/b": ${next()}}`)),
  },
  "another session changes running": {
    run: async ({ world, other, next }) =>
      value(await world.engine.transact(other, [{ operation: "replace", path: "/c", value: String(next()) }])),
  },
  "another session commits its own candidate": {
    run: async ({ world, other, next }) => {
      value(await set(world, other, "private-candidate", `{"/d": ${next()}}`));
      value(await world.engine.commit(other, {}, "private-candidate"));
    },
  },
  "another session validates its own candidate": {
    run: async ({ world, other, next }) => {
      value(await set(world, other, "private-candidate", `{"/e": ${next()}}`));
      value(await world.engine.validate(other, "private-candidate"));
    },
  },
  "the startup file is taken over": {
    run: async ({ world, other, next }) => {
      // The file says all of running: what others had committed besides stays.
      world.startup.text = JSON.stringify({ ...(await world.running()), "/f": next() });
      value(await world.engine.reload(other));
    },
  },
  "a commit is taken back": {
    run: async ({ world, other, next }) => {
      const steps = [{ operation: "replace", path: "/g", value: String(next()) }] as const;
      value(await world.engine.transact(other, steps, { confirmed: { timeout: seconds(60), persist: "p" } }));
      value(await world.engine.cancelCommit(other, "p"));
    },
  },
  "another session ends": {
    run: async ({ world }) => world.engine.closeSession(world.session("third")),
  },
  "another session is refused": {
    run: async ({ world, other }) => {
      const refused = await world.engine.transact(other, [{ operation: "replace", path: "/h", value: '"bad"' }]);
      assert.equal(refused.ok, false);
    },
    keeps: true,
  },
  "somebody reads": {
    run: async ({ world, other }) => value(await world.engine.get(other, "candidate", { format: "json" })),
    keeps: true,
  },
};

/** Every selection of up to `most` of `names`, in every order. */
function* orders(names: readonly string[], most: number): Generator<readonly string[]> {
  yield [];
  if (most === 0) return;
  for (const first of names) {
    const others = names.filter((name) => name !== first);
    for (const rest of orders(others, most - 1)) yield [first, ...rest];
  }
}

/** Notes of each commit whether the very tree was validated after the very running configuration that it replaces. */
class Watched extends World {
  /** Trees that were found valid, with the running configuration that they were to follow. */
  readonly #valid = new Map<number, number | undefined>();
  #running: number | undefined;
  committed = 0;

  override noteValid(valid: Tree, since: Tree | undefined): void {
    this.#valid.set(valid.number, since?.number);
  }

  override noteDocument(tree: Tree): void {
    assert.ok(this.#valid.has(tree.number), "what becomes running was validated");
    const after = this.#valid.get(tree.number);
    if (this.#running !== undefined) assert.equal(after, this.#running, "after what is running now");
    this.#running = tree.number;
    this.committed++;
  }
}

/** What asks for it again; of a candidate that is put on running by a commit what others did is kept, else it is not. */
const ENDINGS: Readonly<Record<string, (bench: Bench) => Promise<unknown>>> = {
  committed: async ({ world, own }) => value(await world.engine.commit(own, {}, "candidate")),
  copied: async ({ world, own }) => value(await world.engine.copy(own, "candidate", "running")),
  validated: async ({ world, own }) => value(await world.engine.validate(own, "candidate")),
};

describe("what a validation found", () => {
  for (const [how, end] of Object.entries(ENDINGS)) {
    it(`holds for the same tree after the same running configuration, whatever came in between and in whatever order: ${how}`, async () => {
      const most = how === "committed" ? 3 : 2;
      let runs = 0;
      for (const names of orders(Object.keys(ACTIONS), most)) {
        const world = await new Watched({ "/a": 0, "/b": 0 }).start("part");
        let number = 0;
        const bench = { world, own: world.session(), other: world.session("bob"), next: () => ++number };
        const tested = { format: "json", testOption: "test-then-set" } as const;
        value(await world.engine.edit(bench.own, "candidate", '{"/a": -1}', tested));
        for (const name of names) await ACTIONS[name]!.run(bench);
        const [before, commits] = [world.validations, world.committed];
        const where = names.join(", then ");
        await end(bench);
        const isKept = names.every((name) => ACTIONS[name]!.keeps);
        assert.equal(world.validations - before, isKept ? 0 : 1, where);
        assert.equal(world.committed - commits, how === "validated" ? 0 : 1, where);
        runs++;
      }
      assert.ok(runs > 10 * 9, `${runs}`);
    });
  }

  it("is not used twice: the same tree once more is no change", async () => {
    const world = await new Watched({ "/a": 0 }).start("part");
    const own = world.session();
    const begun = world.committed;
    value(await set(world, own, "candidate", '{"/a": 1}'));
    const first = value(await world.engine.copy(own, "candidate", "running"));
    assert.equal(value(await world.engine.copy(own, "candidate", "running")), first);
    value(await world.engine.transact(own, [{ operation: "replace", path: "/a", value: "2" }]));
    value(await world.engine.copy(own, "candidate", "running"));
    assert.deepEqual(await world.running(), { "/a": 1 });
    assert.equal(world.committed - begun, 3);
  });

  it("does not hold what became invalid by what others did", async () => {
    const world = await new Watched({ "/a": 0 }).start("part");
    const [own, other] = [world.session(), world.session("bob")];
    value(await world.engine.edit(own, "candidate", '{"/a": 1}', { format: "json" }));
    value(await world.engine.validate(own, "candidate"));
    value(await set(world, other, "candidate", '{"/b": "bad"}'));
    const refused = await world.engine.commit(own);
    assert.equal(refused.ok, false);
    assert.deepEqual(await world.running(), { "/a": 0 });
  });

  it("is not what files were like then: they are looked at by the commit", async (t) => {
    const folder = await mkdtemp(path.join(tmpdir(), "semrd-checked-"));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const document = JSON.parse(await readFile(new URL("../examples/r1.json", import.meta.url), "utf8"));
    delete document["semrd-router:router"]["semrd-registration:registration"];
    const text = JSON.stringify(document);
    await using management = await openRouterManagement({
      startup: { path: "r1.json", read: async () => ({ text, digest: "1" }), write: async () => "1" },
      ...{ folder, commits: new MemoryFiles(), clock: systemClock, random: new SeededRandom(1), log: new ListLog() },
    });
    const { engine } = management;
    engine.attach([]);
    const session = engine.openSession({ user: "ann", protocol: "netconf", source: "test", isRecovery: true });
    const files = ["certificate.pem", "key.pem"];
    await certificate(folder, "own", ["-subj", "/CN=own"]);
    const written = async () => {
      await copyFile(path.join(folder, "own.pem"), path.join(folder, files[0]!));
      await copyFile(path.join(folder, "own.key"), path.join(folder, files[1]!));
    };
    await written();
    const tls = pair("own");
    const keys = stores({ pairs: { own: [files[0]!, files[1]!] } });
    const edit = JSON.stringify({ "semrd-router:router": keys });
    value(await engine.edit(session, "candidate", edit, { format: "json", testOption: "test-then-set" }));
    value(await engine.validate(session, "candidate"));
    await rm(path.join(folder, files[1]!));
    const [fault, ...others] = faults(await engine.commit(session));
    assert.deepEqual([fault!.appTag, fault!.path, others.length], ["unreadable", KEY_FILE, 0]);
    assert.deepEqual(tags(await engine.validate(session, "candidate")), ["invalid-value"]);
    await written();
    value(await engine.commit(session));

    // A file that has gone meanwhile is no reason to refuse another change; each section that changes is looked at.
    await rm(path.join(folder, files[1]!));
    const put = (router: object) =>
      engine.edit(session, "candidate", JSON.stringify({ "semrd-router:router": router }), {
        ...{ format: "json", testOption: "test-then-set" },
      });
    value(await put({ "semrd-telemetry:telemetry": { "log-level": "debug" } }));
    value(await engine.commit(session));
    const listen = [{ address: "127.0.0.1", port: 9339 }];
    const users = { user: [{ name: "ann", "password-hash": await hashPassword("a password") }] };
    value(await put({ management: { "semrd-access:users": users, "semrd-grpc-server:grpc": { listen, tls } } }));
    value(await put(stores({ pairs: { other: [files[0]!, "own.key"] } })));
    const [gone, ...rest] = faults(await engine.commit(session));
    assert.deepEqual([gone!.appTag, gone!.path, rest.length], ["unreadable", KEY_FILE, 0]);
  });
});

const KEY_FILE =
  "/semrd-router:router/semrd-keystore:keystore/asymmetric-keys/asymmetric-key[name='own']/private-key-file";
