import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ConfigurationError, parseConfiguration } from "../../src/management/index.ts";
import { ALL_FILES, R2 } from "./documents.ts";
import { keptYang } from "./kept-yang.ts";

const PARTS = { yang: keptYang(), files: ALL_FILES };
const ROOT = new URL("../../", import.meta.url);
const EXAMPLES = [
  ...readdirSync(new URL("test/management/examples/", ROOT)).map((name) => `test/management/examples/${name}`),
  ...["r1", "r2", "r3"].map((router) => `lab/quickstart/${router}/semrd.json`),
];

describe("the example configurations", () => {
  for (const name of EXAMPLES)
    it(`${name} is valid`, async () => {
      await parseConfiguration(readFileSync(new URL(name, ROOT), "utf8"), "/", PARTS);
    });
});

/** Every place in a JSON value, as a function that replaces what is there. */
function places(value: unknown, put: (next: unknown) => void): ((next: unknown) => void)[] {
  if (typeof value !== "object" || value === null) return [put];
  const children = Object.entries(value).flatMap(([key, child]) =>
    places(child, (next) => {
      (value as Record<string, unknown>)[key] = next;
    }),
  );
  return [put, ...children];
}

describe("whatever stands in a configuration", () => {
  it("it is loaded, or refused with faults that have a reason and a line of the text", async () => {
    const count = places(JSON.parse(R2), () => {}).length;
    const strange = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<unknown>(
        0,
        -1,
        65536,
        "",
        "::1",
        "fd00::1",
        "/vision/ocr",
        "acme",
        "eth1",
        null,
        [],
        {},
        [null],
        [{}],
      ),
    );
    const change = fc.tuple(fc.nat(count - 1), strange);
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let document: unknown = JSON.parse(R2);
        for (const [at, next] of changes) {
          const all = places(document, (whole) => {
            document = whole;
          });
          all[at % all.length]!(structuredClone(next));
        }
        const text = JSON.stringify(document, undefined, 1) ?? "null";
        try {
          await parseConfiguration(text, "/", PARTS);
        } catch (error) {
          if (!(error instanceof ConfigurationError)) throw error;
          refused++;
          assert.ok(error.faults.length > 0);
          for (const { reason, line } of error.faults) {
            assert.notEqual(reason, "");
            assert.ok(line === undefined || (line >= 1 && line <= text.split("\n").length), `line ${line}`);
          }
          assert.equal(new Set(error.lines()).size, error.lines().length, "a fault is reported once");
        }
      }),
      { numRuns: 300 },
    );
    assert.ok(refused > 100, `only ${refused} were refused`);
  });

  it("a member without a name is one fault, not fifty", async () => {
    const text = R2.replace("{", '{ "": {},');
    await assert.rejects(parseConfiguration(text, "/", PARTS), (error) => {
      assert.ok(error instanceof ConfigurationError);
      return new Set(error.lines()).size === error.lines().length;
    });
    await assert.rejects(parseConfiguration('{"":{}}', "/", PARTS), (error) => {
      assert.ok(error instanceof ConfigurationError);
      return error.lines().length === 1;
    });
  });
});
