import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { completeLine } from "../../../src/cli/configure/complete.ts";
import { differencesView } from "../../../src/cli/configure/render.ts";
import {
  bracesView,
  dataPath,
  LineFault,
  Model,
  nearest,
  quotedWord,
  readAssignments,
  readDeletion,
  type SchemaNode,
  splitWords,
  stepsOfPath,
  wordLines,
} from "../../../src/words/index.ts";

const leaf = (name: string, more: Partial<SchemaNode> = {}): SchemaNode => ({
  ...{ name, module: "m", kind: "leaf", type: { base: "string" } },
  ...more,
});
/** Two modules, a list with two keys, and a name that there is twice. */
const MODEL = new Model([
  {
    ...{ name: "top", module: "m", kind: "container" },
    children: [
      leaf("mode", { type: { base: "enumeration", enums: [{ name: "on", description: "It is." }, { name: "off" }] } }),
      leaf("flag", { type: { base: "empty" } }),
      leaf("tag", { kind: "leaf-list" }),
      leaf("same"),
      leaf("same", { module: "other" }),
      { ...{ name: "extra", module: "other", kind: "container", presence: true }, children: [] },
      {
        ...{ name: "server", module: "m", kind: "list", keys: ["host", "port"] },
        children: [
          leaf("host"),
          leaf("port", { type: { base: "uint16" } }),
          leaf("weight"),
          leaf("of", { type: { base: "leafref", path: "../../server/host" } }),
        ],
      },
    ],
  },
]);

const paths = (line: string) => readAssignments(MODEL, MODEL.top, splitWords(line), 0).map(({ step }) => step);

describe("words of a line", () => {
  it("keep quoted spaces, and end at a comment", () => {
    const texts = splitWords('a "b \\"c\\" d" /x[k=\'e f\']/y # g').map(({ text }) => text);
    assert.deepEqual(texts, ["a", 'b "c" d', "/x[k='e f']/y"]);
  });

  it("any word comes back as it was, whatever stands around it", () => {
    const word = fc.string({ unit: "grapheme", maxLength: 12 }).filter((text) => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (texts) => {
        const line = texts.map(quotedWord).join(" ");
        const words = splitWords(line);
        assert.deepEqual(
          words.map(({ text }) => text),
          texts,
        );
        for (const { start, end, text } of words) assert.equal(line.slice(start, end), quotedWord(text));
      }),
    );
  });

  it("whatever is typed is words or a fault inside the line, also as a path", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."/ab:[]='\"\\ #.0") }), (line) => {
        const isInside = (error: unknown): void => {
          assert.ok(error instanceof LineFault, String(error));
          assert.ok(error.start >= 0 && error.end > error.start && error.start <= line.length);
        };
        try {
          for (const word of splitWords(line)) if (word.text.startsWith("/") && !word.quoted) stepsOfPath(word);
        } catch (error) {
          isInside(error);
        }
      }),
    );
  });
});

describe("paths in words", () => {
  it("say the same as those of RFC 7951", () => {
    const wanted = [{ operation: "merge", path: "/m:top/server[host='a b'][port='80']/weight", text: "7" }];
    assert.deepEqual(paths('server "a b" 80 weight 7'), wanted);
    assert.deepEqual(paths("top server 'x' 80 weight 7")[0]!.path, "/m:top/server[host=\"'x'\"][port='80']/weight");
    assert.deepEqual(paths("/m:top/server[port='80'][host='a b']/weight 7"), wanted);
    assert.deepEqual(paths("/top/server[host='a b'][port=\"80\"] weight 7"), wanted);
  });

  it("go on behind a value, take lists of values, and need no value where there is none", () => {
    assert.deepEqual(
      paths("mode on flag tag [ a b ] extra").map((step) => [step.path, step.text]),
      [
        ["/m:top/mode", "on"],
        ["/m:top/flag", ""],
        ["/m:top/tag", "a"],
        ["/m:top/tag", "b"],
        ["/m:top/other:extra", undefined],
      ],
    );
  });

  const WRONG = [
    { line: "mod on", at: 0, says: /no "mod" at the top: is mode meant/ },
    { line: "same x", at: 0, says: /several same .*m:same or other:same/ },
    { line: "server a", at: 9, says: /its port is expected next/ },
    { line: "tag [ a", at: 4, says: /no \]/ },
    { line: "mode", at: 5, says: /a value of mode is expected/ },
    { line: "mode on off", at: 8, says: /no "off" at the top/ },
    { line: "top", at: 0, says: /no value of its own/ },
    { line: "/m:top/server[host='a'] weight 1", at: 7, says: /the key port of server is missing/ },
    { line: "/m:top/tag[.='a']", at: 7, says: /a word of its own/ },
    { line: "/m:top/server[host=a]", at: 13, says: /\[key='value'\]/ },
  ];
  for (const { line, at, says } of WRONG)
    it(`${line}: a fault at ${at}`, () => {
      assert.throws(
        () => paths(line),
        (error: unknown) => error instanceof LineFault && error.start === at && says.test(error.message),
      );
    });

  it("delete takes an entry, all entries, or one value", () => {
    const path = (line: string) => readDeletion(MODEL, MODEL.top, splitWords(line), 0).step.path;
    assert.equal(path("server a 80"), "/m:top/server[host='a'][port='80']");
    assert.equal(path("server"), "/m:top/server");
    assert.equal(path("tag a"), "/m:top/tag[.='a']");
    for (const line of ["server a", "top", "", "mode on"]) assert.throws(() => path(line), LineFault);
  });

  it("the nearest name is one that differs little", () => {
    assert.equal(nearest("indx", ["name", "index"]), "index");
    assert.equal(nearest("xyz", ["name", "index"]), undefined);
  });
});

describe("what is shown", () => {
  const value = {
    mode: "on",
    flag: [null],
    tag: ["a", "b c"],
    "other:same": "x",
    "other:extra": {},
    server: [
      { host: "h", port: 80, weight: "1" },
      { host: "h", port: 81 },
    ],
  };

  it("has braces, or is what set takes and makes the same again", () => {
    assert.equal(
      bracesView(MODEL, MODEL.top, value),
      'mode on;\nflag;\ntag [ a "b c" ];\nother:same x;\nextra;\nserver h 80 {\n    weight 1;\n}\nserver h 81;\n',
    );
    const lines = wordLines(MODEL, MODEL.top, MODEL.top, value);
    assert.deepEqual(
      lines.flatMap((line) => paths(line)).map(({ path, text }) => [path, text]),
      [
        ["/m:top/mode", "on"],
        ["/m:top/flag", ""],
        ["/m:top/tag", "a"],
        ["/m:top/tag", "b c"],
        ["/m:top/other:same", "x"],
        ["/m:top/other:extra", undefined],
        ["/m:top/server[host='h'][port='80']/weight", "1"],
        ["/m:top/server[host='h'][port='81']", undefined],
      ],
    );
  });

  it("differences are words too", () => {
    const text = differencesView(
      MODEL,
      [
        {
          operation: "create",
          path: "/m:top/server[host='h'][port='80']",
          value: { host: "h", port: 80, weight: "1" },
        },
        { operation: "delete", path: "/m:top/tag[.='a']", was: "a" },
        { operation: "replace", path: "/m:top/mode", was: "on", value: "off" },
        { operation: "move", path: "/m:top/tag[.='b']" },
      ],
      (_, plain) => plain,
    );
    assert.equal(text, "+ server h 80 weight 1\n- tag a\n~ mode on -> off\n> tag b\n");
  });
});

describe("completion", () => {
  const document = {
    "m:top": {
      tag: ["red"],
      server: [
        { host: "h1", port: 80 },
        { host: "h2", port: 81 },
      ],
    },
  };
  const source = { document: async () => document };
  const offered = async (line: string): Promise<string[]> =>
    (await completeLine(MODEL, source, MODEL.top, line)).candidates.map(({ text }) => text);
  const CASES: readonly (readonly [string, readonly string[]])[] = [
    ["se", ["set"]],
    ["set m", ["mode", "m:same"]],
    ["set mode ", ["on", "off"]],
    ["set mode o", ["on", "off"]],
    ["set mode of", ["off"]],
    ["set server ", ["h1", "h2"]],
    ["set server h2 ", ["81"]],
    ["set server h2 81 ", ["weight", "of"]],
    ["set server h2 81 of ", ["h1", "h2"]],
    ["set server h2 81 weight 1 w", ["weight"]],
    ['set server "h', ["h1", "h2"]],
    ["set nonsense ", []],
    ["delete tag ", ["red"]],
    ["edit ", ["extra", "server"]],
    ["show | c", ["compare"]],
    ["commit co", ["confirmed", "comment"]],
    ["up ", []],
  ];
  for (const [line, wanted] of CASES)
    it(JSON.stringify(line), async () => assert.deepEqual(await offered(line), wanted));
});

it("a data path names a module only where it changes", () => {
  const { place } = MODEL.readPath(MODEL.top, splitWords("extra"), 0);
  assert.equal(dataPath(place), "/m:top/other:extra");
});
