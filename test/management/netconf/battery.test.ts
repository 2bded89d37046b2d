import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
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

    for (const { name: what, see, steps } of CASES) {
      it(`${what} (${see})`, async () => {
        for (const step of steps) await take(step);
      });
    }
  });
}
