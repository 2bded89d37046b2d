import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, it } from "node:test";
import type { Operation } from "../../src/forwarding/index.ts";
import { CAPABILITIES, openSubject, type Subject } from "../bench/mgmt/subject.ts";

/** Five for each capability. */
const AGENTS = 5 * CAPABILITIES;

let folder: string;
let subject: Subject;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "semrd-one-"));
  subject = await openSubject(folder, AGENTS);
  await subject.edit(subject.agents(AGENTS));
  await subject.commit();
  await subject.settled();
});
after(async () => {
  await subject[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** What `change` writes, when all of it is written. */
async function written(change: () => Promise<void>): Promise<readonly Operation[]> {
  const before = subject.operations.length;
  await change();
  await subject.settled();
  return subject.operations.slice(before);
}

const count = (operations: readonly Operation[], type: Operation["type"]): number =>
  operations.filter((operation) => operation.type === type).length;

describe(`a commit about one agent of ${AGENTS}`, () => {
  it("one more: one next hop and the slots of its own group, nothing of the others", async () => {
    const operations = await written(() => subject.addAgent(AGENTS));
    assert.equal(count(operations, "set-next-hop"), 1);
    const groups = new Set(operations.flatMap((operation) => ("group" in operation ? [operation.group] : [])));
    assert.ok(groups.size <= 1, `groups ${[...groups]}`);
    assert.ok(operations.every(({ type }) => !type.startsWith("remove")));
  });

  it("another weight: no other agent is touched", async () => {
    const operations = await written(async () => {
      await subject.set(
        `${subject.pathOf(7)}/capability[name='/bench/c7'][major-version='1'][address='fd00:a::7'][port='8080']/weight`,
        "99",
      );
      await subject.commit();
    });
    assert.ok(count(operations, "set-next-hop") <= 1);
    assert.equal(count(operations, "remove-next-hop"), 0);
  });

  it("a leaf that is not about agents: nothing is written", async () => {
    const operations = await written(async () => {
      await subject.set("/router/telemetry/log-level", "debug");
      await subject.commit();
    });
    assert.deepEqual(operations, []);
  });

  it("gone: its next hop only", async () => {
    const operations = await written(() => subject.removeAgent(AGENTS));
    assert.equal(count(operations, "set-next-hop"), 0);
    assert.ok(count(operations, "set-capability") <= 2);
  });
});
