import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import { openTrees } from "./flat-model.ts";
import { type FakePart, faults, tags, value, World } from "./world.ts";

const edit = { format: "json" } as const;

async function withChange(): Promise<World> {
  const world = await new World({ "/a": 1 }).start("first", "second", "third");
  return world;
}

async function change(world: World) {
  const session = world.session();
  value(await world.engine.edit(session, "candidate", '{"/a": 2, "/b": 3}', edit));
  return world.engine.commit(session);
}

describe("all parts change or none does", () => {
  it("prepares all, applies all in order, then finishes", async () => {
    const world = await withChange();
    value(await change(world));
    assert.deepEqual(world.journal, [
      ...["first prepare", "second prepare", "third prepare"],
      ...["first apply", "second apply", "third apply"],
      ...["first finish", "second finish", "third finish"],
    ]);
    for (const part of world.parts) assert.deepEqual(part.state, { "/a": 2, "/b": 3 });
    assert.deepEqual(await world.running(), { "/a": 2, "/b": 3 });
  });

  const aborts: { fail: FakePart["fail"]; at: number; says: RegExp; journal: string[] }[] = [
    { fail: "plan", at: 1, says: /second cannot/, journal: [] },
    {
      fail: "prepare",
      at: 1,
      says: /second found a port taken/,
      journal: ["first prepare", "second prepare", "first abandon"],
    },
    {
      fail: "prepare-throws",
      at: 2,
      says: /third cannot carry it out: a defect/,
      journal: ["first prepare", "second prepare", "third prepare", "second abandon", "first abandon"],
    },
    {
      fail: "apply",
      at: 0,
      says: /first could not carry it out: first broke/,
      journal: [
        ...["first prepare", "second prepare", "third prepare"],
        ...["first apply", "third abandon", "second abandon", "first revert"],
      ],
    },
    {
      fail: "apply-late",
      at: 1,
      says: /second could not carry it out: second broke half way/,
      journal: [
        ...["first prepare", "second prepare", "third prepare", "first apply", "second apply"],
        ...["third abandon", "second revert", "first revert"],
      ],
    },
    {
      fail: "apply",
      at: 2,
      says: /third could not/,
      journal: [
        ...["first prepare", "second prepare", "third prepare"],
        ...["first apply", "second apply", "third apply", "third revert", "second revert", "first revert"],
      ],
    },
  ];
  for (const { fail, at, says, journal } of aborts)
    it(`${fail} of part ${at + 1} fails: everything is as it was`, async () => {
      const world = await withChange();
      world.parts[at]!.fail = fail;
      assert.match(faults(await change(world))[0]!.message, says);
      assert.deepEqual(world.journal, journal);
      for (const part of world.parts) assert.deepEqual(part.state, { "/a": 1 });
      assert.deepEqual(await world.running(), { "/a": 1 });
      assert.equal(world.engine.log()[0]!.cause, "start");
      // The candidate is still there, and goes through once the part can.
      world.parts[at]!.fail = undefined;
      value(await world.engine.commit(world.session()));
      assert.deepEqual(await world.running(), { "/a": 2, "/b": 3 });
    });

  it("cannot be written: everything is taken back", async () => {
    const world = await withChange();
    world.files.before = (step) => {
      if (step === "rename head.json.new") throw new Error("ENOSPC: no space left on device");
    };
    assert.deepEqual(tags(await change(world)), ["resource-denied"]);
    assert.deepEqual(world.journal.slice(-3), ["third revert", "second revert", "first revert"]);
    assert.deepEqual(await world.running(), { "/a": 1 });
    world.files.before = () => {};
    value(await world.engine.commit(world.session()));
    assert.equal(world.engine.log()[0]!.id, 2);
  });

  it("a part that cannot go back either is said to need a restart", async () => {
    const world = await withChange();
    world.parts[0]!.fail = "revert";
    world.parts[2]!.fail = "apply";
    const [first, second] = faults(await change(world));
    assert.match(first!.message, /third could not/);
    assert.deepEqual([second!.errorTag, /restart/.test(second!.message)], ["rollback-failed", true]);
    assert.deepEqual(world.parts[1]!.state, { "/a": 1 });
  });

  it("what is not valid reaches no part, and every fault is told", async () => {
    const world = await withChange();
    const session = world.session();
    value(await world.engine.edit(session, "candidate", '{"/a": "bad", "/c": "bad"}', edit));
    assert.deepEqual(tags(await world.engine.commit(session)), ["invalid-value", "invalid-value"]);
    assert.deepEqual(tags(await world.engine.validate(session, "candidate")), ["invalid-value", "invalid-value"]);
    assert.deepEqual(world.journal, []);
  });
});

describe("what a change brings about", () => {
  it("is said by validate and by commit; the value in use shows as operational until the restart", async () => {
    const world = await new World({ "/restart": 1 }).start("part");
    const session = world.session();
    const read = async (from: "running" | "operational") =>
      JSON.parse(value(await world.engine.get(session, from, edit)).text);
    value(await world.engine.edit(session, "candidate", '{"/restart": 2}', edit));
    const [before] = value(await world.engine.validate(session, "candidate"));
    assert.deepEqual([before!.when, before!.path], ["at-restart", "/restart"]);
    assert.deepEqual(value(await world.engine.commit(session)).consequences, [before]);
    assert.deepEqual([await read("running"), await read("operational")], [{ "/restart": 2 }, { "/restart": 1 }]);
  });

  it("nothing differs: no part is asked, nothing is written", async () => {
    const world = await withChange();
    const session = world.session();
    value(await world.engine.edit(session, "candidate", '{"/a": 1}', edit));
    assert.equal(value(await world.engine.commit(session)).entry, undefined);
    assert.deepEqual([world.journal, world.engine.log().length], [[], 1]);
  });
});

it("every tree is disposed, whatever the outcome", async () => {
  const before = openTrees();
  const world = await withChange();
  const own = openTrees() - before;
  for (const fail of ["plan", "prepare", "apply", "apply-late", undefined] as const) {
    world.parts[1]!.fail = fail;
    await change(world);
  }
  const session = world.session();
  await world.engine.transact(session, [{ operation: "merge", path: "/x", value: "1" }], {
    confirmed: { timeout: seconds(60) },
  });
  await world.engine.edit(session, "private-candidate", '{"/y": 1}', edit);
  await world.engine.compare(session, "startup", "private-candidate");
  await world.engine.compare(session, 1, "running");
  await world.engine.closeSession(session);
  assert.equal(openTrees() - before, own);
});
