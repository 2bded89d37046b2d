import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { milliseconds, seconds } from "../../../src/base/index.ts";
import { MemoryFiles, tags, value, World } from "./world.ts";

const edit = { format: "json" } as const;
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("candidates", () => {
  it("a private one is nobody else's, and is committed onto what others have committed since", async () => {
    const world = await new World({ "/a": 1, "/b": 1 }).start("part");
    const [ann, bob] = [world.session("ann"), world.session("bob")];
    value(await world.engine.edit(ann, "private-candidate", '{"/a": 2}', edit));
    value(await world.engine.edit(bob, "private-candidate", '{"/b": 2}', edit));
    value(await world.engine.commit(bob));
    assert.deepEqual(await world.running(), { "/a": 1, "/b": 2 });
    value(await world.engine.commit(ann));
    assert.deepEqual(await world.running(), { "/a": 2, "/b": 2 });
  });

  it("both changed the same: refused, naming it, and nothing is lost", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const [ann, bob] = [world.session("ann"), world.session("bob")];
    value(await world.engine.edit(ann, "private-candidate", '{"/a": 2}', edit));
    value(await world.engine.transact(bob, [{ operation: "replace", path: "/a", value: "3" }]));
    const refusal = await world.engine.commit(ann);
    assert.ok(!refusal.ok);
    assert.deepEqual([refusal.faults[0]!.appTag, refusal.faults[0]!.path], ["candidate-conflict", "/a"]);
    assert.deepEqual(await world.running(), { "/a": 3 });
  });

  it("transaction ids change with the content, and only with it", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const session = world.session();
    const id = async (from: "running" | "candidate") =>
      value(await world.engine.get(session, from, edit)).transactionId;
    const first = await id("running");
    assert.equal(await id("candidate"), first);
    const edited = value(await world.engine.edit(session, "candidate", '{"/a": 2}', edit));
    assert.notEqual(edited, first);
    assert.equal(await id("running"), first);
    const { transactionId } = value(await world.engine.commit(session));
    assert.notEqual(transactionId, first);
    assert.deepEqual([await id("running"), await id("candidate")], [transactionId, transactionId]);
    const stale = await world.engine.transact(session, [{ operation: "remove", path: "/a" }], { expected: first });
    assert.deepEqual(tags(stale), ["operation-failed"]);
  });

  it("test-only changes nothing; test-then-set refuses what is not valid", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const session = world.session();
    const candidate = async () => JSON.parse(value(await world.engine.get(session, "candidate", edit)).text);
    value(await world.engine.edit(session, "candidate", '{"/a": 2}', { ...edit, testOption: "test-only" }));
    const bad = await world.engine.edit(session, "candidate", '{"/a": "bad"}', {
      ...edit,
      testOption: "test-then-set",
    });
    assert.deepEqual([tags(bad), await candidate()], [["invalid-value"], { "/a": 1 }]);
  });

  it("what was validated is not validated again by its commit; what was changed since, or running has changed for, is", async () => {
    const world = await new World({ "/a": 1, "/b": 1 }).start("part");
    const session = world.session();
    const tested = { ...edit, testOption: "test-then-set" } as const;
    const asked = async (run: () => Promise<unknown>): Promise<number> => {
      const before = world.validations;
      await run();
      return world.validations - before;
    };
    const set = async (text: string, options: typeof edit | typeof tested) =>
      value(await world.engine.edit(session, "candidate", text, options));
    const commit = async () => value(await world.engine.commit(session));
    assert.equal(await asked(() => set('{"/a": 2}', tested)), 1);
    assert.equal(await asked(async () => value(await world.engine.validate(session, "candidate"))), 0);
    assert.equal(await asked(commit), 0);
    await set('{"/a": 3}', tested);
    await set('{"/b": 3}', edit);
    assert.equal(await asked(commit), 1);
    await set('{"/a": 4}', tested);
    value(await world.engine.transact(session, [{ operation: "replace", path: "/b", value: "4" }]));
    assert.equal(await asked(commit), 1);
    assert.deepEqual(await world.running(), { "/a": 4, "/b": 4 });
  });

  it("rollback brings earlier commits into the candidate; compare says what differs; secrets are stars", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const session = world.session();
    for (const text of ['{"/a": 2}', '{"/a": 3, "/password": "x"}'])
      value(await world.engine.transact(session, stepsOf(text), { comment: text }));
    value(await world.engine.rollback(session, 2));
    assert.deepEqual(value(await world.engine.compare(session, "running", "candidate")), [
      { operation: "replace", path: "/a", value: 1, was: 3 },
      { operation: "delete", path: "/password", was: "***" },
    ]);
    value(await world.engine.commit(session));
    assert.deepEqual(await world.running(), { "/a": 1 });
    const [last, before] = world.engine.log();
    assert.deepEqual([last!.id, last!.changeCount, before!.comment], [4, 2, '{"/a": 3, "/password": "x"}']);
    assert.ok(!JSON.stringify(world.engine.log().map(({ changes }) => changes)).includes('"x"'));
    assert.deepEqual(tags(await world.engine.rollback(session, 9)), ["invalid-value"]);
  });
});

function stepsOf(text: string) {
  return Object.entries(JSON.parse(text)).map(
    ([path, member]) => ({ operation: "replace", path, value: JSON.stringify(member) }) as const,
  );
}

describe("locks (RFC 6241 §7.5, RFC 5717)", () => {
  it("keep others out, with the holder's session", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const [ann, bob] = [world.session("ann"), world.session("bob")];
    value(world.engine.lock(ann, "candidate"));
    const denied = world.engine.lock(bob, "candidate");
    assert.ok(!denied.ok && denied.faults[0]!.errorTag === "lock-denied");
    assert.equal(denied.faults[0]!.info!.sessionId, ann.id);
    assert.deepEqual(tags(await world.engine.edit(bob, "candidate", '{"/a": 2}', edit)), ["in-use"]);
    assert.deepEqual(tags(world.engine.unlock(bob, "candidate")), ["operation-failed"]);
    value(await world.engine.edit(ann, "candidate", '{"/a": 2}', edit));
    await world.engine.closeSession(ann); // its changes go with its lock (§8.3.5.2)
    value(world.engine.lock(bob, "candidate"));
  });

  it("running locked: no other commit; a modified candidate cannot be locked", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const [ann, bob] = [world.session("ann"), world.session("bob")];
    value(world.engine.lock(ann, "running"));
    value(await world.engine.edit(bob, "candidate", '{"/a": 2}', edit));
    assert.deepEqual(tags(await world.engine.commit(bob)), ["in-use"]);
    assert.deepEqual(tags(world.engine.lock(ann, "candidate")), ["lock-denied"]);
    value(world.engine.unlock(ann, "running"));
    value(await world.engine.commit(bob));
  });

  it("partial locks keep others out of what they name, below and above it", async () => {
    const world = await new World({ "/a/b": 1, "/c": 1 }).start("part");
    const [ann, bob] = [world.session("ann"), world.session("bob")];
    const { id } = value(await world.engine.partialLock(ann, ["/a"]));
    assert.deepEqual(tags(await world.engine.transact(bob, [{ operation: "remove", path: "/a/b" }])), ["in-use"]);
    assert.deepEqual(tags(await world.engine.partialLock(bob, ["/a/b"])), ["lock-denied"]);
    assert.deepEqual(tags(world.engine.lock(bob, "running")), ["lock-denied"]);
    value(await world.engine.transact(bob, [{ operation: "remove", path: "/c" }]));
    value(world.engine.partialUnlock(ann, id));
    value(await world.engine.transact(bob, [{ operation: "remove", path: "/a/b" }]));
  });
});

describe("confirmed commits (RFC 6241 §8.4)", () => {
  const confirmed = { confirmed: { timeout: seconds(60) } };
  const step = [{ operation: "replace", path: "/a", value: "2" }] as const;

  it("go back by themselves", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    value(await world.engine.transact(world.session(), step, confirmed));
    world.clock.advance(milliseconds(59_999));
    await settled();
    assert.deepEqual(await world.running(), { "/a": 2 });
    world.clock.advance(milliseconds(1));
    await settled();
    assert.deepEqual(await world.running(), { "/a": 1 });
    assert.deepEqual(world.parts[0]!.state, { "/a": 1 });
    assert.deepEqual([world.engine.log()[0]!.cause, world.engine.pendingCommit()], ["confirm-timeout", undefined]);
    const told = world.events.flatMap((event) => (event.type === "confirmed-commit" ? [event.event] : []));
    assert.deepEqual(told, ["start", "timeout"]);
  });

  it("wait ten minutes without a time", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    value(await world.engine.transact(world.session(), step, { confirmed: {} }));
    assert.equal(world.clock.untilNext, 600_000);
  });

  it("are confirmed by a commit of the session, and by nobody else", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const [ann, bob] = [world.session("ann"), world.session("bob")];
    value(await world.engine.transact(ann, step, confirmed));
    for (const attempt of [
      world.engine.commit(bob),
      world.engine.confirm(bob),
      world.engine.cancelCommit(bob),
      world.engine.transact(bob, step),
      world.engine.edit(bob, "running", "{}", edit),
    ])
      assert.deepEqual(tags<unknown>(await attempt), ["in-use"]);
    assert.deepEqual(tags(world.engine.lock(bob, "running")), ["lock-denied"]);
    assert.deepEqual(tags(await world.engine.confirm(ann, "guess")), ["invalid-value"]);
    value(await world.engine.commit(ann));
    assert.deepEqual([world.engine.pendingCommit(), world.clock.armed], [undefined, 0]);
    assert.deepEqual(await world.running(), { "/a": 2 });
  });

  it("end with their session, unless they have a persist id; whoever knows that confirms", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const [ann, bob] = [world.session("ann"), world.session("bob")];
    value(await world.engine.transact(ann, step, { confirmed: { timeout: seconds(60), persist: "p" } }));
    await world.engine.closeSession(ann);
    assert.deepEqual(await world.running(), { "/a": 2 });
    assert.deepEqual(tags(await world.engine.confirm(bob)), ["in-use"]);
    assert.deepEqual(tags(await world.engine.confirm(bob, "q")), ["invalid-value"]);
    value(await world.engine.confirm(bob, "p"));
    value(await world.engine.transact(bob, [{ operation: "replace", path: "/a", value: "3" }], confirmed));
    await world.engine.closeSession(bob);
    assert.deepEqual(await world.running(), { "/a": 2 });
  });

  it("followed up: the time begins anew, and all of it goes back", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const ann = world.session("ann");
    value(await world.engine.transact(ann, step, confirmed));
    world.clock.advance(milliseconds(40_000));
    value(await world.engine.edit(ann, "candidate", '{"/b": 1}', edit));
    value(await world.engine.commit(ann, confirmed));
    world.clock.advance(milliseconds(40_000));
    value(await world.engine.setConfirmTimeout(ann, seconds(50)));
    world.clock.advance(milliseconds(49_000));
    await settled();
    assert.deepEqual(await world.running(), { "/a": 2, "/b": 1 });
    world.clock.advance(milliseconds(1000));
    await settled();
    assert.deepEqual(await world.running(), { "/a": 1 });
  });

  it("cancelled at once; nothing to cancel is said", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const ann = world.session("ann");
    assert.deepEqual(tags(await world.engine.cancelCommit(ann)), ["operation-failed"]);
    value(await world.engine.transact(ann, step, confirmed));
    value(await world.engine.cancelCommit(ann));
    assert.deepEqual([await world.running(), world.engine.log()[0]!.cause], [{ "/a": 1 }, "cancel"]);
  });

  it("of nothing new wait as others do, and leave no commit behind", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const ann = world.session("ann");
    const commits = world.engine.log().length;
    value(await world.engine.commit(ann, confirmed, "candidate"));
    assert.deepEqual(tags(await world.engine.transact(world.session("bob"), step)), ["in-use"]);
    value(await world.engine.cancelCommit(ann));
    assert.deepEqual(tags(await world.engine.cancelCommit(ann)), ["operation-failed"]);
    value(await world.engine.commit(ann, confirmed, "candidate"));
    world.clock.advance(milliseconds(60_000));
    await settled();
    value(await world.engine.transact(world.session("bob"), step));
    assert.equal(world.engine.log().length, commits + 1);
  });

  it("the way back is refused: it is tried again", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    value(await world.engine.transact(world.session(), step, confirmed));
    world.parts[0]!.fail = "prepare";
    world.clock.advance(milliseconds(60_000));
    await settled();
    assert.deepEqual(await world.running(), { "/a": 2 });
    world.parts[0]!.fail = undefined;
    world.clock.advance(milliseconds(30_000));
    await settled();
    assert.deepEqual(await world.running(), { "/a": 1 });
  });
});

describe("starting again", () => {
  it("goes on with the last commit", async () => {
    const files = new MemoryFiles();
    const first = await new World({ "/a": 1 }, files).start("part");
    value(await first.engine.transact(first.session(), stepsOf('{"/a": 2}')));
    const second = await new World({ "/a": 1 }, files, first.clock).start("part");
    assert.deepEqual([second.engine.initial, second.engine.log().length], [{ "/a": 2 }, 2]);
  });

  it("takes over a file that was changed, and keeps what ran before it as a rollback", async () => {
    const files = new MemoryFiles();
    const first = await new World({ "/a": 1 }, files).start("part");
    value(await first.engine.transact(first.session(), stepsOf('{"/a": 2}')));
    const second = await new World({ "/a": 7 }, files, first.clock).start("part");
    assert.deepEqual(second.engine.initial, { "/a": 7 });
    const session = second.session();
    value(await second.engine.rollback(session, 1));
    value(await second.engine.commit(session));
    assert.deepEqual(await second.running(), { "/a": 2 });
  });

  it("what was copied to startup is no change of the file", async () => {
    const files = new MemoryFiles();
    const first = await new World({ "/a": 1 }, files).start("part");
    const session = first.session();
    value(await first.engine.transact(session, stepsOf('{"/a": 2}')));
    assert.equal(first.engine.info().find(({ datastore }) => datastore === "running")!.modified, true);
    value(await first.engine.copy(session, "running", "startup"));
    assert.equal(first.engine.info().find(({ datastore }) => datastore === "running")!.modified, false);
    assert.equal(first.startup.text, '{"/a":2}');
    const second = await new World({ "/a": 2 }, files, first.clock).start("part");
    assert.deepEqual([second.engine.initial, second.engine.log().length], [{ "/a": 2 }, 2]);
  });

  it("SIGHUP makes the file running, as one transaction; one that is not valid changes nothing", async () => {
    const world = await new World({ "/a": 1 }).start("part");
    const session = world.session();
    value(await world.engine.transact(session, stepsOf('{"/a": 2}')));
    world.startup.text = '{"/a": "bad"}';
    assert.deepEqual(tags(await world.engine.reload(session)), ["invalid-value"]);
    assert.deepEqual(await world.running(), { "/a": 2 });
    world.startup.text = '{"/c": 1}';
    assert.equal(value(await world.engine.reload(session)).entry!.cause, "reload");
    assert.deepEqual([await world.running(), world.parts[0]!.state], [{ "/c": 1 }, { "/c": 1 }]);
  });

  const persist = { confirmed: { timeout: seconds(60), persist: "p" } };

  it("inside the time of a confirmed commit: it goes back on time, or is confirmed", async () => {
    for (const confirm of [false, true]) {
      const files = new MemoryFiles();
      const first = await new World({ "/a": 1 }, files).start("part");
      value(await first.engine.transact(first.session(), stepsOf('{"/a": 2}'), persist));
      first.clock.advance(milliseconds(20_000));
      await first.engine[Symbol.asyncDispose]();
      const second = await new World({ "/a": 1 }, files, first.clock).start("part");
      assert.deepEqual(second.engine.initial, { "/a": 2 });
      if (confirm) value(await second.engine.confirm(second.session(), "p"));
      second.clock.advance(milliseconds(39_000));
      await settled();
      assert.deepEqual(await second.running(), { "/a": 2 });
      second.clock.advance(milliseconds(1000));
      await settled();
      assert.deepEqual(await second.running(), { "/a": confirm ? 2 : 1 });
    }
  });

  it("after that time, or without a persist id: it begins with what came before", async () => {
    for (const [options, wait] of [
      [persist, 70_000],
      [{ confirmed: { timeout: seconds(60) } }, 0],
    ] as const) {
      const files = new MemoryFiles();
      const first = await new World({ "/a": 1 }, files).start("part");
      value(await first.engine.transact(first.session(), stepsOf('{"/a": 2}'), options));
      await first.engine[Symbol.asyncDispose]();
      first.clock.advance(milliseconds(wait));
      const second = await new World({ "/a": 1 }, files, first.clock).start("part");
      assert.deepEqual([second.engine.initial, second.engine.log()[0]!.cause], [{ "/a": 1 }, "confirm-timeout"]);
      assert.equal(second.engine.pendingCommit(), undefined);
    }
  });
});
