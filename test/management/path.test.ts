import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type PathStep, parsePath } from "../../src/management/index.ts";

/** The last step of a path that can be read. */
function last(text: string): PathStep {
  const parsed = parsePath(text);
  assert.ok(parsed.ok, text);
  return parsed.value.at(-1)!;
}

describe("data paths", () => {
  it("have values with quotes of either kind, or without any, as a shell leaves them", () => {
    for (const written of ["'nf'", '"nf"', "nf", " nf "])
      assert.deepEqual(last(`/collector[name=${written}]`), { name: "collector", keys: { name: "nf" } });
    const agent = "spiffe://example.net/acme/agent/ocr";
    assert.deepEqual(last(`/agents/agent[id=${agent}]`).keys, { id: agent });
    assert.deepEqual(last("/tunnel[locator=fd00:ffff::2]/segment[.=fd00:5e6::c]").value, "fd00:5e6::c");
    assert.deepEqual(last("/prefix-list[ip-prefix=2001:db8::/32][mask-length-lower=32]").keys, {
      "ip-prefix": "2001:db8::/32",
      "mask-length-lower": "32",
    });
    assert.deepEqual(last("/user[name=*]").keys, { name: "*" });
    assert.deepEqual(last("/user[name='']").keys, { name: "" });
  });

  it("say where they cannot be read", () => {
    for (const predicate of ["[name=]", "[name=a b]", "[name='a]", "[name=a'b]", "[name=a[b]", "[name=a", "[name]"]) {
      const parsed = parsePath(`/user${predicate}`);
      assert.ok(!parsed.ok, predicate);
      assert.match(parsed.faults[0]!.message, /\[key='value'\] is expected at character 6/);
    }
  });
});
