import assert from "node:assert/strict";
import { it } from "node:test";
import { milliseconds } from "../../../src/base/index.ts";
import type { Notification } from "../../../src/management/events/index.ts";
import { eventFilter } from "../../../src/management/netconf/event-filter.ts";

const event: Notification = {
  time: milliseconds(0),
  name: "m:changed",
  target: [],
  content: {
    datastore: "running",
    "changed-by": { username: "alice", "session-id": 4, server: [null] },
    edit: [
      { target: "/a", operation: "create" },
      { target: "/b", operation: "delete" },
    ],
  },
};

const passes = (inside: string): boolean | undefined =>
  eventFilter(`<filter>${inside}</filter>`, (uri) => ({ "urn:m": "m" })[uri])?.(event);

for (const [inside, wanted] of [
  ['<changed xmlns="urn:m"/>', true],
  ["<changed/>", true],
  ['<changed xmlns="urn:other"/>', false],
  ["<other/>", false],
  ["<other/><changed/>", true],
  ["", false],
  ["<changed><datastore>running</datastore></changed>", true],
  ["<changed><datastore> startup </datastore></changed>", false],
  ["<changed><changed-by><username>alice</username><session-id>4</session-id></changed-by></changed>", true],
  ["<changed><changed-by><username>alice</username><session-id>5</session-id></changed-by></changed>", false],
  ["<changed><changed-by><server/></changed-by></changed>", true],
  ["<changed><edit><operation>delete</operation></edit></changed>", true],
  ["<changed><edit><operation>delete</operation><target>/a</target></edit></changed>", false],
  ["<changed><nothing/></changed>", false],
  ["<changed><nothing/><edit/></changed>", true],
  ["<changed><edit><operation><deeper>delete</deeper></operation></edit></changed>", false],
] as const) {
  it(`${inside}: ${wanted ? "passes" : "does not"}`, () => assert.equal(passes(inside), wanted));
}

it("what is no filter is none", () => {
  assert.equal(
    eventFilter("<filter><a>", () => undefined),
    undefined,
  );
  assert.equal(
    eventFilter("<!DOCTYPE a><filter/>", () => undefined),
    undefined,
  );
  assert.equal(
    eventFilter(`<filter>${"<a/>".repeat(1_001)}</filter>`, () => undefined),
    undefined,
  );
});
