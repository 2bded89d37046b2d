import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { milliseconds } from "../../../src/base/index.ts";
import type { Answer, Path, Session } from "../../../src/management/datastore/index.ts";
import { Locks } from "../../../src/management/datastore/locks.ts";

const MOST = 20_000;
const NOW = milliseconds(0);
const session = (id: number): Session => ({ id, user: `u${id}`, protocol: "netconf", source: "test" });
const [ANN, BOB] = [session(1), session(2)];

/** So many entries of a list, from one on. */
const entries = (count: number, from = 0): Path[] =>
  Array.from({ length: count }, (_, n) => [{ name: "m:list" }, { name: "entry", keys: { id: String(from + n) } }]);

function refusal(answer: Answer<unknown>): { readonly tag: string; readonly message: string; readonly of?: number } {
  assert.ok(!answer.ok, "it was not refused");
  const [{ errorTag: tag, message, info } = assert.fail()] = answer.faults;
  return { tag, message, ...(info?.sessionId === undefined ? {} : { of: info.sessionId }) };
}

describe("partial locks (RFC 5717)", () => {
  it("a session has at most 20 000 nodes locked, in one lock or in several", () => {
    const locks = new Locks();
    const tooMany = refusal(locks.lockPaths(ANN, entries(MOST + 1), NOW));
    assert.deepEqual(tooMany, {
      tag: "resource-denied",
      message:
        "the locks of this session would have 20001 nodes, more than the 20000 that a session may have locked: lock what they stand in, or release a lock",
    });
    assert.deepEqual(locks.partial, [], "all or nothing");

    const first = locks.lockPaths(ANN, entries(MOST - 1), NOW);
    assert.ok(first.ok);
    assert.ok(locks.lockPaths(ANN, entries(1, MOST), NOW).ok);
    assert.equal(refusal(locks.lockPaths(ANN, entries(1, MOST + 1), NOW)).tag, "resource-denied");
    // What one has is not taken from another.
    assert.ok(locks.lockPaths(BOB, entries(MOST, 2 * MOST), NOW).ok);
    assert.ok(locks.unlockPaths(ANN, first.value.id).ok);
    assert.ok(locks.lockPaths(ANN, entries(MOST - 1), NOW).ok);
  });

  it("a refusal names the session and what was asked for, and nothing else that is locked", () => {
    const locks = new Locks();
    assert.ok(locks.lockPaths(ANN, entries(MOST), NOW).ok);
    const met = refusal(locks.lockPaths(BOB, [...entries(1, MOST), ...entries(1, 7)], NOW));
    assert.deepEqual(met, {
      tag: "lock-denied",
      message:
        "session 1 has locked /m:list/entry[id='7'], or part of it, or what it stands in: try again when that is released",
      of: 1,
    });
    assert.deepEqual(refusal(locks.lock(BOB, "running", NOW)), {
      tag: "lock-denied",
      message: "session 1 has locked parts of running: lock it when they are released",
      of: 1,
    });
    assert.equal(refusal(locks.lockPaths(BOB, [[{ name: "m:list" }]], NOW)).tag, "lock-denied", "what they stand in");
  });

  it("are gone with their session, and only they", () => {
    const locks = new Locks();
    assert.ok(locks.lockPaths(ANN, entries(2), NOW).ok && locks.lockPaths(ANN, entries(1, 2), NOW).ok);
    assert.ok(locks.lockPaths(BOB, entries(1, 3), NOW).ok);
    locks.release(ANN);
    assert.deepEqual(
      locks.partial.map(({ session: holder }) => holder),
      [BOB.id],
    );
    assert.ok(locks.lockPaths(BOB, entries(3), NOW).ok);
  });

  it("a change of another's is found among 20 000 without going through them", () => {
    const locks = new Locks();
    assert.ok(locks.lockPaths(ANN, entries(MOST), NOW).ok);
    const changed = (path: Path) => locks.keepsOut(BOB, "running", [{ path }]);
    assert.equal(changed(entries(1, MOST)[0]!), undefined);
    const inside = changed([...entries(1, 5)[0]!, { name: "leaf" }]);
    assert.deepEqual([inside?.errorTag, inside?.info?.sessionId], ["in-use", ANN.id]);
    assert.equal(locks.keepsOut(ANN, "running", [{ path: entries(1, 5)[0]! }]), undefined);
    assert.equal(locks.keepsOut(BOB, "candidate", [{ path: entries(1, 5)[0]! }]), undefined);
  });
});
