import assert from "node:assert/strict";
import { it } from "node:test";
import { SourceQuota } from "../../src/base/index.ts";

it("each source has as many as it may, gets back what it gives back, and is forgotten when it has nothing", () => {
  const quota = new SourceQuota(2);
  const [first, second] = [quota.take("a"), quota.take("a")];
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(quota.take("a"), undefined);
  const other = quota.take("b");
  assert.ok(other !== undefined);
  assert.equal(quota.sources, 2);
  first();
  first();
  assert.notEqual(quota.take("a"), undefined);
  assert.equal(quota.take("a"), undefined, "what is given back twice counts once");
  other();
  assert.equal(quota.sources, 1);
});
