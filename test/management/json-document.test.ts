import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  type JsonNode,
  JsonSyntaxError,
  parseJsonDocument,
  parseJsonInTurns,
  printJsonDocument,
} from "../../src/management/configuration/json-document.ts";
import { R2 } from "./documents.ts";

function plain(node: JsonNode): unknown {
  if (node.kind === "array") return node.items.map(plain);
  if (node.kind !== "object") return node.value;
  return Object.fromEntries([...node.members].map(([name, child]) => [name, plain(child)]));
}

/** What the parser makes of a text; anything but a document or a syntax error is a defect, and thrown. */
function outcome(text: string): { readonly value: unknown } | { readonly line: number; readonly column: number } {
  try {
    return { value: plain(parseJsonDocument(text)) };
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    return { line: error.line, column: error.column };
  }
}

describe("JSON with places", () => {
  it("of many thousand agents is read over many turns, a few hundred objects in each, and is the same", async () => {
    const agents = Array.from({ length: 5000 }, (_, i) => ({
      id: `a${i}`,
      capability: [{ name: "/vision/ocr", port: i }],
    }));
    const text = JSON.stringify({ agents: { agent: agents } }, undefined, 1);
    let turns = 0;
    const read = await parseJsonInTurns(text, async () => turns++);
    assert.equal(turns, Math.floor((3 + 3 * agents.length) / 512));
    assert.deepEqual(read, parseJsonDocument(text));
    await assert.rejects(parseJsonInTurns(`${text.slice(0, -4)}}`), JsonSyntaxError);
  });

  it("reads what JSON.parse reads (RFC 8259)", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: "binary" }), fc.nat(4), (text, indent) => {
        const document = JSON.parse(text) as unknown;
        const printed = JSON.stringify(document, undefined, indent);
        assert.deepEqual(outcome(printed), { value: document });
      }),
    );
  });

  it("refuses what JSON.parse refuses, and nothing else but a second member of one name", () => {
    const noise = fc.array(fc.constantFrom(...'{}[],:"\\ \n01.-eE+truefalsn\u0000é'.split("")), { maxLength: 12 });
    fc.assert(
      fc.property(noise, (characters) => {
        const text = characters.join("");
        let value: unknown;
        try {
          value = JSON.parse(text);
        } catch {
          assert.ok("line" in outcome(text), `accepted: ${text}`);
          return;
        }
        const got = outcome(text);
        if ("value" in got) assert.deepEqual(got.value, value);
        else assert.match(text, /".*".*".*"/s, "refused although it has no two members");
      }),
      { numRuns: 2000 },
    );
  });

  it("answers every truncation of a document with a place inside it", () => {
    const lines = R2.split("\n");
    for (let length = 0; length < R2.trimEnd().length; length++) {
      const got = outcome(R2.slice(0, length));
      assert.ok("line" in got, `accepted when cut at ${length}`);
      assert.ok(
        got.line <= lines.length && got.column <= lines[got.line - 1]!.length + 1,
        `${length}: ${JSON.stringify(got)}`,
      );
    }
  });

  it("prints one value a line, and knows which", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const printed = printJsonDocument(parseJsonDocument(text));
        assert.deepEqual(JSON.parse(printed.text), JSON.parse(text));
        const lines = printed.text.split("\n");
        assert.equal(printed.nodes.length, lines.length);
        for (const [i, node] of printed.nodes.entries())
          if (node.kind !== "object" && node.kind !== "array") assert.ok(lines[i]!.includes(node.source));
      }),
    );
  });

  it("stops at a depth that neither it nor libyang would survive", () => {
    assert.deepEqual(outcome("[".repeat(100_000)), { line: 1, column: 102 });
  });

  it("reads strings of megabytes", () => {
    const text = JSON.stringify('x\\"é'.repeat(1_000_000));
    assert.deepEqual(outcome(text), { value: JSON.parse(text) });
  });
});
