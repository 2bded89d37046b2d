import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Metadata, status } from "@grpc/grpc-js";
import { systemClock } from "../../../src/host/index.ts";
import { Authentication } from "../../../src/management/gnmi/authentication.ts";
import type { GnmiError } from "../../../src/management/gnmi/status.ts";

/** `admin` has the password "right"; `checks` are answered by `answer`, all that run. */
function door() {
  const running: (() => void)[] = [];
  let checks = 0;
  const users = {
    revision: 1,
    passwordMatches: (name: string, password: string): Promise<boolean> => {
      checks++;
      const { promise, resolve } = Promise.withResolvers<boolean>();
      running.push(() => resolve(name === "admin" && password === "right"));
      return promise;
    },
  };
  const quiet = { error() {}, warn() {}, info() {}, debug() {} };
  const parts = { users, tokens: undefined, clock: systemClock, log: quiet };
  const authentication = new Authentication(parts as never);
  const login = (password: string, address = "192.0.2.1", user = "admin"): Promise<string> => {
    const metadata = new Metadata();
    metadata.set("username", user);
    metadata.set("password", password);
    return authentication.loginOf({ metadata, source: `${address}:5000`, certificate: undefined }).then(
      (found) => found.user,
      (cause: GnmiError) => status[cause.code]!,
    );
  };
  const answer = (): void => {
    for (const each of running.splice(0)) each();
  };
  return { login, answer, checks: () => checks };
}

const tally = (outcomes: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
};

describe("logins of one moment", () => {
  it("are one check where they are the same: whoever opens a hundred calls at once is let in with each", async () => {
    const { login, answer, checks } = door();
    const all = Array.from({ length: 100 }, () => login("right"));
    answer();
    assert.deepEqual(tally(await Promise.all(all)), { admin: 100 });
    assert.equal(checks(), 1);
    assert.equal(await login("right"), "admin");
    assert.equal(checks(), 1, "remembered");
  });

  it("are one wrong guess where they are the same and wrong, and the next is checked anew", async () => {
    const { login, answer, checks } = door();
    for (let round = 1; round <= 3; round++) {
      const all = Array.from({ length: 30 }, () => login("wrong"));
      answer();
      assert.deepEqual(tally(await Promise.all(all)), { UNAUTHENTICATED: 30 });
      assert.equal(checks(), round);
    }
  });

  it("are checked eight at a time, and twenty wrong ones of an address are enough", async () => {
    const { login, answer, checks } = door();
    const many = Array.from({ length: 30 }, (_, at) => login(`wrong ${at}`));
    answer();
    assert.deepEqual(tally(await Promise.all(many)), { UNAUTHENTICATED: 8, RESOURCE_EXHAUSTED: 22 });
    for (let at = 0; at < 12; at++) {
      const one = login(`wrong again ${at}`);
      answer();
      assert.equal(await one, "UNAUTHENTICATED");
    }
    assert.equal(await login("right"), "RESOURCE_EXHAUSTED");
    assert.equal(checks(), 20);
    const other = login("right", "192.0.2.2");
    answer();
    assert.equal(await other, "admin", "of another address");
  });

  it("of two users, or from two addresses, are two checks", async () => {
    const { login, answer, checks } = door();
    const all = [login("right"), login("right", "192.0.2.2"), login("right", "192.0.2.1", "somebody")];
    answer();
    assert.deepEqual(await Promise.all(all), ["admin", "admin", "UNAUTHENTICATED"]);
    assert.equal(checks(), 3);
  });
});
