import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PolicyBook, type PolicyConditions, type PolicyStatement } from "../../../src/bgp/policy/index.ts";
import { setSample } from "../wire/samples.ts";
import { interval, prefix, statement } from "./world.ts";

const PEER = {
  address: "2001:db8::a",
  kind: "internal",
  remoteAs: 65000,
  family: "capability",
  ownNextHop: new Uint8Array(16),
} as const;
const FACTS = { localAs: 65000 };
/** Built anew each time, as a configuration that is read again is. */
const scored = (maximum: number): PolicyConditions => ({ score: interval(0, maximum) });
const within = (text: string): PolicyConditions => ({
  prefixes: { option: "any", set: { members: [prefix(`${text} 16-32`)] } },
});

function book(policies: Readonly<Record<string, readonly PolicyStatement[]>>, before?: PolicyBook): PolicyBook {
  const definitions = Object.entries(policies).map(([name, statements]) => ({ name, statements }));
  return new PolicyBook(definitions, FACTS, before);
}

const hits = (of: PolicyBook): string[] =>
  Array.from(of.hits(), ({ policy, statement: name, sets }) => `${policy} ${name} ${sets}`);

describe("policies that are read again", () => {
  const first = () => ({
    a: [statement(scored(3), "reject", {}, "low"), statement({}, "accept", { localPref: 7 }, "rest")],
    b: [statement(within("10.0.0.0/8"), "accept", {}, "ten")],
  });

  it("what says the same is the same object, and goes on counting", () => {
    const old = book(first());
    const chains = [old.chain(["a"]), old.chain(["b"]), old.chain(["a", "b"])];
    chains[0]!(setSample({}), PEER);
    const now = book(first(), old);
    assert.deepEqual([now.chain(["a"]), now.chain(["b"]), now.chain(["a", "b"])], chains);
    for (const [i, names] of [["a"], ["b"], ["a", "b"]].entries()) assert.equal(now.chain(names), chains[i]);
    assert.deepEqual(hits(now), ["a low 0", "a rest 1", "b ten 0"]);
    assert.equal(book(first(), now).chain(["a", "b"]), chains[2], "also the one after the next");
  });

  it("a chain with a policy that changed is another one, and its unchanged statements go on counting", () => {
    const old = book(first());
    const [a, b] = [old.chain(["a"]), old.chain(["b"])];
    a(setSample({}), PEER);
    const now = book(
      { ...first(), a: [statement(scored(4), "reject", {}, "low"), statement({}, "accept", { localPref: 7 }, "rest")] },
      old,
    );
    assert.notEqual(now.chain(["a"]), a);
    assert.equal(now.chain(["b"]), b);
    assert.deepEqual(hits(now), ["a low 0", "a rest 1", "b ten 0"]);
  });

  it("a set that a statement names counts as a part of it", () => {
    const old = book(first());
    const b = old.chain(["b"]);
    const now = book({ ...first(), b: [statement(within("10.0.0.0/9"), "accept", {}, "ten")] }, old);
    assert.notEqual(now.chain(["b"]), b);
  });

  it("another AS of this router makes everything new; a policy that is gone is gone", () => {
    const old = book(first());
    const a = old.chain(["a"]);
    const other = new PolicyBook([{ name: "a", statements: first().a }], { localAs: 65001 }, old);
    assert.notEqual(other.chain(["a"]), a);
    assert.throws(() => other.chain(["b"]), RangeError);
  });
});
