import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { PARTIAL_LOCKS } from "./battery/partial-lock-cases.ts";
import { CASES, type Step, subscription } from "./cases.ts";
import { type NetconfRouter, startNetconfRouter } from "./netconf-router.ts";
import { check, readReply } from "./oracle.ts";
import type { Manner, RawClient } from "./raw-client.ts";

const MANNERS: readonly (readonly [string, Manner])[] = [
  ["chunks", {}],
  ["end of message", { versions: ["1.0"] }],
  ["chunks of one octet", { versions: ["1.1"], pieceSize: 1 }],
  ["chunks of seven octets", { pieceSize: 7 }],
];

let router: NetconfRouter;
before(async () => {
  router = await startNetconfRouter();
});
after(() => router[Symbol.asyncDispose]());

describe("subscriptions with an XPath filter (RFC 5277 §2.1.1, RFC 6241 §8.9.5)", () => {
  const EVENTS = 'xmlns:n="urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"';
  const filtered = (select: string) => subscription(`<filter type="xpath" ${EVENTS} select="${select}"/>`);
  const heard = async (client: RawClient, last: string): Promise<readonly string[]> => {
    const all: string[] = [];
    do all.push(await client.answer());
    while (!all.at(-1)!.includes(last));
    return all;
  };

  it("lets through what the expression selects anything of, in its order", async () => {
    await using watcher = await router.open();
    assert.ok(readReply(await watcher.rpc(filtered("/n:netconf-session-end[n:termination-reason='closed']"))).ok);
    for (let i = 0; i < 3; i++) {
      await using passing = await router.open();
      await passing.rpc("<close-session/>");
    }
    for (let i = 0; i < 3; i++)
      assert.match(await watcher.answer(), /<netconf-session-end.*termination-reason>closed/s);
  });

  it("refuses what is no expression, a prefix of nothing, and what selects no nodes", async () => {
    await using client = await router.open();
    for (const [select, tag] of [
      ["/n:netconf-session-end[", "invalid-value"],
      ["/x:y", "unknown-namespace"],
      ["count(//*)", "invalid-value"],
    ]) {
      const { ok, errors } = readReply(await client.rpc(filtered(select!)));
      assert.deepEqual([ok, errors[0]?.tag], [false, tag], select);
    }
    assert.match(await client.rpc(subscription('<filter type="xpath"/>')), /missing-attribute/);
  });

  it("one that takes too long for an event ends the subscription, and says so; others go on", async () => {
    await using watcher = await router.open();
    await using other = await router.open();
    assert.ok(readReply(await other.rpc(subscription())).ok);
    // With one node it is nothing; each level takes as many times as long as there are nodes
    const bomb = Array.from({ length: 20 }).reduce<string>((inner) => `//*[count(${inner})>0]`, "//*");
    assert.ok(readReply(await watcher.rpc(filtered(bomb.replaceAll(">", "&gt;")))).ok);
    {
      await using passing = await router.open();
      await passing.rpc("<close-session/>");
    }
    assert.match((await heard(watcher, "notificationComplete")).at(-1)!, /<notificationComplete /);
    assert.ok(await heard(other, "netconf-session-end"));
    assert.ok(readReply(await watcher.rpc(filtered("/n:netconf-session-start"))).ok, "it may subscribe again");
  });
});

for (const [name, manner] of MANNERS) {
  describe(`by ${name}`, () => {
    let a: RawClient;
    let b: RawClient;
    let watcher: RawClient;
    before(async () => {
      [a, b, watcher] = [await router.open(manner), await router.open(manner), await router.open(manner)];
      assert.ok(readReply(await watcher.rpc(subscription())).ok);
    });
    after(async () => {
      for (const client of [a, b, watcher]) await client[Symbol.asyncDispose]();
    });

    const take = async (step: Step): Promise<void> => {
      if ("notified" in step) {
        while (!(await watcher.answer()).includes(step.notified));
        return;
      }
      const meant = (text: string): string => text.replaceAll("$a", String(a.sessionId));
      const answer = await (step.by === "b" ? b : a).rpc(meant(step.rpc));
      check(step, answer, meant);
    };

    for (const { name: what, see, steps } of [...CASES, ...PARTIAL_LOCKS]) {
      it(`${what} (${see})`, async () => {
        for (const step of steps) await take(step);
      });
    }
  });
}
