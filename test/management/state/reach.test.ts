import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatPath, type Path } from "../../../src/management/index.ts";
import { reachOfSubtree, reachOfXPath } from "../../../src/management/state/index.ts";

const MODULES: Readonly<Record<string, string>> = { "urn:r": "router", "urn:b": "bgp" };
const moduleNamed = (text: string): string | undefined =>
  MODULES[text] ?? Object.values(MODULES).find((name) => name === text);
const texts = (paths: readonly Path[]): string[] => paths.map(formatPath);

const NEIGHBOR = '<bgp xmlns="urn:b"><neighbor><address>FD00:0::1</address><state/></neighbor></bgp>';

describe("what a subtree filter may select", () => {
  const CASES = [
    { filter: "", reach: [] },
    { filter: '<r xmlns="urn:r"/>', reach: ["/router:r"] },
    { filter: `<r xmlns="urn:r">${NEIGHBOR}</r>`, reach: ["/router:r/bgp:bgp/neighbor[address='fd00::1']/state"] },
    { filter: '<r xmlns="urn:r"><a/><b/></r>', reach: ["/router:r/a", "/router:r/b"] },
    { filter: '<r xmlns="urn:r"><e><k>1</k></e></r>', reach: ["/router:r/e[k='1']"] },
    { filter: '<r xmlns="urn:r"><e><k>01</k></e></r>', reach: ["/router:r/e"] },
    { filter: '<r xmlns="urn:r"><e><k>fd00::/8</k></e></r>', reach: ["/router:r/e"] },
    { filter: '<r xmlns="urn:elsewhere"/>', reach: [] },
    { filter: "<r/>", reach: ["/r"] },
    { filter: "<r><a></r>", reach: ["/"] },
    { filter: `<r xmlns="urn:r">${"<e/>".repeat(2000)}</r>`, reach: ["/"] },
  ];
  for (const { filter, reach } of CASES)
    it(`${filter.slice(0, 60)} (RFC 6241 §6)`, () =>
      assert.deepEqual(texts(reachOfSubtree(`<filter>${filter}</filter>`, moduleNamed)), reach));

  it("cut off or changed anywhere, it is taken to select everything or something, and never throws", () => {
    const whole = `<filter><r xmlns="urn:r">${NEIGHBOR}</r></filter>`;
    for (let end = 0; end < whole.length; end++)
      assert.deepEqual(reachOfSubtree(whole.slice(0, end), moduleNamed), [[]], `${end} characters`);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.string({ minLength: 1, maxLength: 3 }), (at, text) => {
        const paths = reachOfSubtree(whole.slice(0, at) + text + whole.slice(at + 1), moduleNamed);
        assert.ok(Array.isArray(paths));
      }),
      { verbose: 1 },
    );
  });
});

describe("what an XPath expression may select", () => {
  const PREFIXES = { r: "urn:r", b: "bgp" };
  const CASES = [
    { expression: "/r:r/b:bgp", reach: ["/router:r/bgp:bgp"] },
    {
      expression: "/r:r/b:bgp/b:neighbor[address='FD00::1']",
      reach: ["/router:r/bgp:bgp/neighbor[address='fd00::1']"],
    },
    { expression: "/r:r/a | /r:r/c", reach: ["/router:r/a", "/router:r/c"] },
    { expression: "//b:neighbor", reach: ["/"] },
    { expression: "/r:r/*", reach: ["/"] },
    { expression: "/r:r/e[count(f) > 1]", reach: ["/"] },
    { expression: "/x:r", reach: ["/"] },
    { expression: "", reach: ["/"] },
  ];
  for (const { expression, reach } of CASES)
    it(`${expression} (RFC 6241 §8.9)`, () =>
      assert.deepEqual(texts(reachOfXPath(expression, PREFIXES, moduleNamed)), reach));
});
