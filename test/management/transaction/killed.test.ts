import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seconds } from "../../../src/base/index.ts";
import type { Session } from "../../../src/management/datastore/index.ts";
import { MemoryFiles, type Values, value, World } from "./world.ts";

/*
 * What `crash.test.ts` does with processes that are killed, for more of what a client can ask for: every state of the folder on
 * the way is one that a router may begin with.
 */

/** Remembers what was there before, in the middle of and after each step. */
class WatchedFiles extends MemoryFiles {
  readonly states: ReadonlyMap<string, string>[] = [];

  note(): void {
    this.states.push(new Map(this.files));
  }

  override async write(name: string, content: string | Uint8Array): Promise<void> {
    const octets = Buffer.from(content);
    this.note();
    this.files.set(name, octets.subarray(0, octets.length / 2).toString());
    this.note();
    await super.write(name, octets);
    this.note();
  }

  override async rename(from: string, to: string): Promise<void> {
    await super.rename(from, to);
    this.note();
  }

  override async remove(name: string): Promise<void> {
    await super.remove(name);
    this.note();
  }
}

const both = (n: number) => ["/a", "/b"].map((path) => ({ operation: "replace", path, value: String(n) }) as const);
const is = (n: number): Values => ({ "/a": n, "/b": n });
const FIRST = is(1);

type OneWorld = World<WatchedFiles>;
interface Outcome {
  readonly initial: Values;
  /** What is gone back to where the confirmed commit that waits is cancelled; absent: none waits. */
  readonly back?: Values;
}
interface Scenario {
  readonly what: string;
  readonly before?: (world: OneWorld, session: Session) => Promise<void>;
  readonly ask: (world: OneWorld, session: Session) => Promise<void>;
  /** In this order. */
  readonly outcomes: readonly Outcome[];
}

const confirmed = { confirmed: { timeout: seconds(60), persist: "p" } };
const waiting = async ({ engine }: OneWorld, session: Session): Promise<void> => {
  value(await engine.transact(session, both(2), confirmed));
};

const SCENARIOS: readonly Scenario[] = [
  {
    what: "a commit of the candidate",
    before: async ({ engine }, session) => {
      value(await engine.editSteps(session, "candidate", both(2)));
    },
    ask: async ({ engine }, session) => {
      value(await engine.commit(session));
    },
    outcomes: [{ initial: FIRST }, { initial: is(2) }],
  },
  {
    what: "a commit that a part cannot carry out",
    ask: async (world, session) => {
      world.parts[0]!.fail = "apply";
      assert.equal((await world.engine.transact(session, both(2))).ok, false);
    },
    outcomes: [{ initial: FIRST }],
  },
  {
    what: "the last of more commits than are kept",
    before: async ({ engine }, session) => {
      for (let n = 2; n < 30; n++) value(await engine.transact(session, both(n)));
    },
    ask: async ({ engine }, session) => {
      value(await engine.transact(session, both(30)));
    },
    outcomes: [{ initial: is(29) }, { initial: is(30) }],
  },
  {
    what: "a confirmed commit",
    ask: waiting,
    outcomes: [{ initial: FIRST }, { initial: is(2), back: FIRST }],
  },
  {
    what: "a confirmed commit behind another",
    before: waiting,
    ask: async ({ engine }, session) => {
      value(await engine.transact(session, both(3), { ...confirmed, persistId: "p" }));
    },
    outcomes: [
      { initial: is(2), back: FIRST },
      { initial: is(3), back: FIRST },
    ],
  },
  {
    what: "more time for a confirmed commit",
    before: waiting,
    ask: async ({ engine }, session) => {
      value(await engine.setConfirmTimeout(session, seconds(600), "p"));
    },
    outcomes: [{ initial: is(2), back: FIRST }],
  },
  {
    what: "a confirmation",
    before: waiting,
    ask: async ({ engine }, session) => {
      value(await engine.confirm(session, "p"));
    },
    outcomes: [{ initial: is(2), back: FIRST }, { initial: is(2) }],
  },
  {
    what: "a cancellation",
    before: waiting,
    ask: async ({ engine }, session) => {
      value(await engine.cancelCommit(session, "p"));
    },
    outcomes: [{ initial: is(2), back: FIRST }, { initial: FIRST }],
  },
  {
    what: "the deadline of a confirmed commit",
    before: waiting,
    ask: async (world) => {
      world.clock.advance(60_000);
      for (let i = 0; i < 1_000 && world.engine.pendingCommit() !== undefined; i++)
        await new Promise<void>((resolve) => setImmediate(resolve));
      assert.equal(world.engine.pendingCommit(), undefined);
    },
    outcomes: [{ initial: is(2), back: FIRST }, { initial: FIRST }],
  },
];

/** What a router that begins with these files has, and what it goes back to. */
async function restarted(files: ReadonlyMap<string, string>): Promise<Outcome> {
  const world = await new World(FIRST, new MemoryFiles(new Map(files))).start("part");
  const { initial } = world.engine;
  assert.deepEqual(await world.running(), initial);
  if (world.engine.pendingCommit() === undefined) return { initial };
  value(await world.engine.cancelCommit(world.session(), "p"));
  return { initial, back: await world.running() };
}

describe("a router that is killed at any step of", () => {
  for (const { what, before, ask, outcomes } of SCENARIOS)
    it(`${what} has what was before or what is after, and the latter once that was acknowledged`, async (t) => {
      const world = await new World(FIRST, new WatchedFiles()).start("part");
      const session = world.session();
      await before?.(world, session);
      world.files.states.length = 0;
      world.files.note();
      await ask(world, session);
      const acknowledged = world.files.states.length;
      world.files.note();
      await world.engine[Symbol.asyncDispose]();
      world.files.note();
      const seen: number[] = [];
      for (const [step, state] of world.files.states.entries()) {
        const found = JSON.stringify(await restarted(state));
        const outcome = outcomes.findIndex((wanted) => JSON.stringify(wanted) === found);
        assert.notEqual(outcome, -1, `step ${step}: ${found}`);
        seen.push(outcome);
      }
      t.diagnostic(`${seen.join("")}, acknowledged at step ${acknowledged}`);
      assert.deepEqual(seen, seen.toSorted(), "before, then after");
      assert.equal(seen[0], 0);
      const last = outcomes.length - 1;
      assert.ok(
        seen.slice(acknowledged).every((outcome) => outcome === last),
        "what was acknowledged is lost",
      );
      assert.equal(seen.at(-1), last);
    });
});
