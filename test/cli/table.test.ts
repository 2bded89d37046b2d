import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Column, table } from "../../src/cli/table.ts";
import { printable } from "../../src/cli/terminal.ts";
import { age, endpoint } from "../../src/cli/views/format.ts";

type Row = readonly [string, string, string];
const COLUMNS: readonly Column<Row>[] = [
  { title: "A", cell: ([a]) => a },
  { title: "B", align: "right", optional: true, cell: ([, b]) => b },
  { title: "C", shrinkTo: 4, cell: ([, , c]) => c },
];
const plain = { paint: (_: string, text: string) => text };

describe("tables", () => {
  it("align, leave out what is empty, and cut only what may be cut", () => {
    const rows: Row[] = [
      ["one", "1", "a long text"],
      ["three", "333", "short"],
    ];
    assert.equal(table(COLUMNS, rows, plain), "A        B  C\none      1  a long text\nthree  333  short\n");
    assert.equal(
      table(COLUMNS, rows, { ...plain, columns: 20 }),
      "A        B  C\none      1  a long …\nthree  333  short\n",
    );
    assert.equal(table(COLUMNS, rows, { ...plain, columns: 1 }), "A        B  C\none      1  a l…\nthree  333  sho…\n");
    assert.equal(table(COLUMNS, [["x", "", "y"]], plain), "A  C\nx  y\n");
    assert.equal(table(COLUMNS, [], plain), "");
  });

  it("have one line a row and columns that begin at one place, whatever the cells hold", () => {
    const text = fc.string({ unit: "binary", maxLength: 12 });
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text, text), { minLength: 1, maxLength: 8 }), fc.nat(60), (rows, columns) => {
        const two: Column<Row>[] = [
          { title: "A", shrinkTo: 3, cell: ([a]) => a },
          { title: "B", cell: ([, b]) => `|${b}` },
        ];
        const lines = table(two, rows, { ...plain, columns }).split("\n");
        assert.equal(lines.length, rows.length + 2);
        const width = Math.max(1, ...rows.map(([a]) => [...printable(a)].length));
        for (const line of lines.slice(1, -1)) assert.ok([...line].indexOf("|") <= width + 2 || line.includes("|"));
        const starts = new Set(
          lines.slice(1, -1).map((line) => [...line].length - [...line.slice(line.indexOf("|"))].length),
        );
        if (!rows.some((row) => row.some((cell) => cell.includes("|")))) assert.equal(starts.size, 1);
      }),
    );
  });
});

describe("texts", () => {
  const AGES: readonly (readonly [number, string])[] = [
    [-3, "0s"],
    [0.9, "0s"],
    [59, "59s"],
    [60, "1m00s"],
    [192, "3m12s"],
    [7500, "2h05m"],
    [356_400, "4d03h"],
    [700_000, "1w1d"],
  ];
  for (const [seconds, text] of AGES) it(`${seconds} s is ${text}`, () => assert.equal(age(seconds), text));
  it("an endpoint is written as in a URL (RFC 3986 §3.2.2)", () => {
    assert.equal(endpoint("fd00::1", 80), "[fd00::1]:80");
    assert.equal(endpoint("192.0.2.1", 80), "192.0.2.1:80");
  });
});
