import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import { loadNative, type YangContext, type YangError, type YangModule } from "../../native/index.ts";
import { openDescriptors } from "./bpf-lab.ts";

const MODULES = join(import.meta.dirname, "yang");
// Where Debian keeps the modules of libyang2 and libyuma-base.
const SYSTEM = ["/usr/share/yang/modules/libyang", "/usr/share/yuma/nmda-modules/ietf", "/usr/share/yuma/modules/ietf"];

function open(t: TestContext, modules: readonly YangModule[] = [{ name: "semrd-sample" }]): Promise<YangContext> {
  const paths = [MODULES, ...SYSTEM.filter((path) => existsSync(path))];
  const context = loadNative().yang.createContext(paths, modules);
  t.after(async () => (await context)[Symbol.asyncDispose]());
  return context;
}

async function faultsOf(work: Promise<unknown>): Promise<YangError["faults"]> {
  try {
    await work;
  } catch (cause) {
    const error = cause as YangError;
    assert.equal(error.code, "EYANG", error.message);
    assert.ok(error.faults.length > 0);
    return error.faults;
  }
  return assert.fail("was accepted");
}

test("modules are loaded with their imports", async (t) => {
  const context = await open(t, [{ name: "ietf-interfaces" }, { name: "semrd-sample", revision: "2024-01-01" }]);
  const implemented = context.modules.filter((module) => module.implemented).map((module) => module.name);
  assert.ok(implemented.includes("ietf-interfaces") && implemented.includes("semrd-sample"));
  assert.deepEqual(
    context.modules.find(({ name }) => name === "ietf-inet-types")?.implemented,
    false,
    "what is only imported gives types, and no data (RFC 7950 §5.6.5)",
  );
  assert.match(loadNative().yang.libraryVersion, /^\d+\.\d+\.\d+$/);
  const tree = await context.parse(
    JSON.stringify({ "ietf-interfaces:interfaces": { interface: [{ name: "eth0", enabled: true }] } }),
    "json",
    { validate: false },
  );
  assert.match(await context.print(tree, "xml"), /<interfaces xmlns="urn:ietf:params:xml:ns:yang:ietf-interfaces">/);
});

test("explicit and all defaults, JSON and XML", async (t) => {
  const context = await open(t);
  const tree = await context.parse('{"semrd-sample:sample":{"address":"2001:DB8::1"}}', "json");
  assert.equal(tree.empty, false);
  assert.deepEqual(JSON.parse(await context.print(tree, "json")), {
    "semrd-sample:sample": { address: "2001:db8::1" },
  });
  assert.deepEqual(JSON.parse(await context.print(tree, "json", { defaults: "report-all", indent: true })), {
    "semrd-sample:sample": { size: 5, address: "2001:db8::1" },
  });
  const xml = await context.print(tree, "xml");
  assert.equal(xml, '<sample xmlns="urn:semrd:sample"><address>2001:db8::1</address></sample>');
  const again = await context.parse(xml, "xml");
  assert.equal(await context.print(again, "xml"), xml);
  for (const text of ["{}", '{"semrd-sample:sample":{}}'])
    assert.match(
      await context.print(await context.parse(text, "json"), "json", { defaults: "report-all" }),
      /"size":5/,
    );
});

test("an empty document is an empty tree", async (t) => {
  const context = await open(t);
  for (const [text, format] of [
    ["{}", "json"],
    ["", "xml"],
  ] as const) {
    const tree = await context.parse(text, format);
    assert.equal(tree.empty, true);
    assert.equal((await context.print(tree, "json")).replaceAll(/\s/g, ""), "{}");
  }
});

const WRONG = [
  {
    name: "range",
    text: '{"semrd-sample:sample":{\n"size":11}}',
    path: "/semrd-sample:sample/size",
    line: 2,
    message: /size is out of range/,
    appTag: "too-far",
  },
  {
    name: "unknown node",
    text: '{"semrd-sample:sample":{"colour":1}}',
    path: "/semrd-sample:sample",
    line: 1,
    message: /"colour" not found/,
  },
  { name: "unknown module", text: '{"absent:sample":{}}', message: /absent/ },
  {
    name: "leafref without target",
    text: '{"semrd-sample:sample":{"item":[{"name":"a","other":"b"}]}}',
    path: "/semrd-sample:sample/item[name='a']/other",
    message: /no target instance/,
  },
  {
    name: "must",
    text: '{"semrd-sample:sample":{"item":[{"name":"feather","weight":1}]}}',
    path: "/semrd-sample:sample/item[name='feather']/weight",
    message: /a feather has no weight/,
  },
  { name: "missing key", text: '{"semrd-sample:sample":{"item":[{"weight":1}]}}', message: /"name"/ },
  { name: "feature that is off", text: '{"semrd-sample:sample":{"fancy":true}}', message: /"fancy" not found/ },
  { name: "state data", text: '{"semrd-sample:sample":{"seen":1}}', message: /state node "seen"/ },
  {
    name: "wrong type",
    text: '{"semrd-sample:sample":{"address":"1.2.3.4"}}',
    path: "/semrd-sample:sample/address",
    message: /1\.2\.3\.4/,
  },
  { name: "text after the end", text: '{"semrd-sample:sample":{}}\n}', line: 2, message: /after the end/ },
  { name: "truncated", text: '{"semrd-sample:sample":', line: 1, message: /ends too early/ },
  { name: "no JSON", text: "<sample/>", line: 1, message: /a value is missing/ },
  { name: "empty text", text: "", line: 1, message: /ends too early/ },
  { name: "NUL", text: "{}\0", message: /NUL/ },
];
for (const { name, text, path, line, message, appTag } of WRONG)
  test(`refused: ${name}`, async (t) => {
    const context = await open(t);
    const [fault] = await faultsOf(context.parse(text, "json"));
    assert.match(fault!.message, message);
    if (path !== undefined) assert.equal(fault!.path, path);
    if (line !== undefined) assert.equal(fault!.line, line);
    assert.equal(fault!.appTag, appTag ?? fault!.appTag);
    // The context is as good as before.
    const tree = await context.parse('{"semrd-sample:sample":{"size":1}}', "json");
    assert.equal(await context.print(tree, "json"), '{"semrd-sample:sample":{"size":1}}');
  });

test("refused: XML that is not well-formed", async (t) => {
  const context = await open(t);
  for (const text of [
    '<sample xmlns="urn:semrd:sample">',
    '<sample xmlns="urn:semrd:sample"></x>',
    "junk",
    '<sample xmlns="urn:semrd:sample"/>junk',
  ])
    await faultsOf(context.parse(text, "xml"));
});

test("state data is accepted when asked for, features when enabled", async (t) => {
  const context = await open(t, [{ name: "semrd-sample", features: ["extra"] }]);
  const tree = await context.parse('{"semrd-sample:sample":{"fancy":true,"seen":3}}', "json", { state: true });
  assert.deepEqual(JSON.parse(await context.print(tree, "json")), { "semrd-sample:sample": { fancy: true, seen: 3 } });
});

test("a schema is printed as tree and YANG", async (t) => {
  const context = await open(t);
  assert.match(await context.printSchema("semrd-sample", "tree"), /\+--rw size\?\s+uint8/);
  assert.match(await context.printSchema("semrd-sample", "yang"), /^module semrd-sample \{/);
  await faultsOf(context.printSchema("absent", "tree"));
});

test("modules that are missing or wrong are refused, and leave nothing behind", async () => {
  const { yang } = loadNative();
  const before = openDescriptors();
  const [missing] = await faultsOf(yang.createContext([MODULES], [{ name: "absent" }]));
  assert.match(missing!.message, /absent/);
  await faultsOf(yang.createContext(["/nonexistent"], []));
  await faultsOf(yang.createContext([MODULES], [{ name: "semrd-sample", revision: "1999-01-01" }]));
  await faultsOf(yang.createContext([MODULES], [{ name: "semrd-sample", features: ["absent"] }]));
  assert.equal(openDescriptors(), before);
});

test("a thousand trees come and go", async (t) => {
  const context = await open(t);
  const items = Array.from({ length: 50 }, (_, i) => ({ name: `item-${i}`, weight: i }));
  const text = JSON.stringify({ "semrd-sample:sample": { item: items } });
  const grown = async (cycles: number): Promise<number> => {
    const before = process.memoryUsage.rss();
    for (let i = 0; i < cycles; i++) await (await context.parse(text, "json")).dispose();
    return process.memoryUsage.rss() - before;
  };
  await grown(200);
  const growth = await grown(1000);
  // 1000 trees of 50 entries that were never freed would be above 50 MB.
  assert.ok(growth < 20e6, `grew by ${growth} octets`);
});

test("jobs run in order, and a tree that is disposed is refused", async (t) => {
  const context = await open(t);
  const tree = await context.parse('{"semrd-sample:sample":{"size":7}}', "json");
  const printed = context.print(tree, "json");
  const gone = tree.dispose();
  assert.equal(await printed, '{"semrd-sample:sample":{"size":7}}');
  await gone;
  await tree.dispose();
  assert.throws(() => context.print(tree, "json"), /the tree is disposed/);
});

test("a tree of another context is refused", async (t) => {
  const [one, other] = await Promise.all([open(t), open(t)]);
  const tree = await one.parse("{}", "json");
  assert.throws(() => other.print(tree, "json"), { name: "TypeError", message: /another context/ });
  await tree.dispose();
});

test("closing a context cancels what waits, frees what lives, and is done once", async (t) => {
  const context = await open(t);
  const tree = await context.parse("{}", "json");
  const items = Array.from({ length: 5000 }, (_, i) => ({ name: `item-${i}` }));
  const large = JSON.stringify({ "semrd-sample:sample": { item: items } });
  const jobs = Array.from({ length: 20 }, () => context.parse(large, "json"));
  const treeGone = tree.dispose();
  const closed = context[Symbol.asyncDispose]();
  assert.equal(context[Symbol.asyncDispose](), closed);
  const outcomes = await Promise.allSettled(jobs);
  await Promise.all([closed, treeGone]);
  const cancelled = outcomes.filter((outcome) => outcome.status === "rejected");
  assert.ok(cancelled.length >= 18, `${cancelled.length} of 20 were cancelled`);
  for (const { reason } of cancelled) assert.equal(reason.code, "ECANCELED");
  await assert.rejects(context.parse("{}", "json"), { code: "ECANCELED" });
  for (const outcome of outcomes) if (outcome.status === "fulfilled") await outcome.value.dispose();
});

test("a process may end with jobs under way and trees alive", () => {
  const script = `
    import { loadNative } from ${JSON.stringify(join(import.meta.dirname, "../../native/index.ts"))};
    const context = await loadNative().yang.createContext(${JSON.stringify([MODULES, ...SYSTEM])}, [{ name: "semrd-sample" }]);
    const tree = await context.parse("{}", "json");
    const items = Array.from({ length: 5000 }, (_, i) => ({ name: "item-" + i }));
    for (let i = 0; i < 5; i++) context.parse(JSON.stringify({ "semrd-sample:sample": { item: items } }), "json");
    process.stdout.write("under way");
    process.exit(0);
  `;
  const out = execFileSync(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    timeout: 120_000,
  });
  assert.equal(out.toString(), "under way");
});

test("an idle context keeps no process alive", () => {
  const script = `
    import { loadNative } from ${JSON.stringify(join(import.meta.dirname, "../../native/index.ts"))};
    const context = await loadNative().yang.createContext(${JSON.stringify([MODULES, ...SYSTEM])}, [{ name: "semrd-sample" }]);
    globalThis.tree = await context.parse("{}", "json");
  `;
  execFileSync(process.execPath, ["--input-type=module-typescript", "--eval", script], { timeout: 120_000 });
});

test("wrong arguments throw", async (t) => {
  const context = await open(t);
  const yang = loadNative().yang as unknown as Record<string, (...given: unknown[]) => unknown>;
  for (const given of [
    [],
    ["/x", []],
    [[1], []],
    [[""], []],
    [[], {}],
    [[], [1]],
    [[], [{}]],
    [[], [{ name: "" }]],
    [[], [{ name: "a", revision: 1 }]],
    [[], [{ name: "a", features: "b" }]],
  ])
    assert.throws(() => yang.createContext!(...given), /must/, JSON.stringify(given));
  const loose = context as unknown as Record<string, (...given: unknown[]) => unknown>;
  for (const given of [
    [],
    [1, "json"],
    ["{}"],
    ["{}", "yaml"],
    ["{}", "json", 1],
    ["{}", "json", { validate: 1 }],
    ["{}", "json", { state: "no" }],
  ])
    assert.throws(() => loose.parse!(...given), /must/, JSON.stringify(given));
  const tree = await context.parse("{}", "json");
  for (const given of [
    [],
    [{}, "json"],
    [context, "json"],
    [tree],
    [tree, "lyb"],
    [tree, "json", { defaults: "some" }],
    [tree, "json", { indent: 1 }],
  ])
    assert.throws(() => loose.print!(...given), /must/);
  for (const given of [[], ["semrd-sample"], [1, "tree"], ["semrd-sample", "jpeg"]])
    assert.throws(() => loose.printSchema!(...given), /must/);
});

test("what JSON.parse refuses is refused, what it accepts is never a syntax fault", async (t) => {
  const context = await open(t);
  const syntax = /ends too early|after the end|is missing|must be escaped|escape|hexadecimal|too deep/;
  const valid =
    '{"semrd-sample:sample":{"size":3,"item":[{"name":"a\\u0041\\n","weight":-1.5e+3},[]],"x":[true,null]}}';
  const mutated = fc
    .array(
      fc.tuple(
        fc.nat(valid.length),
        fc.constantFrom("", "{", "}", "[", "]", ",", ":", '"', "\\", "0", "1", "-", ".", "e", "\n", "t", "u"),
      ),
      {
        minLength: 1,
        maxLength: 3,
      },
    )
    .map((edits) => edits.reduce((text, [at, put]) => text.slice(0, at) + put + text.slice(at + 1), valid));
  const cut = fc.nat(valid.length).map((at) => valid.slice(0, at));
  const json = fc.json();
  await fc.assert(
    fc.asyncProperty(fc.oneof(mutated, cut, json), async (text) => {
      let parses = true;
      try {
        JSON.parse(text);
      } catch {
        parses = false;
      }
      try {
        await (await context.parse(text, "json", { validate: false })).dispose();
        assert.ok(parses, "accepted what is no JSON");
      } catch (cause) {
        if ((cause as YangError).code !== "EYANG") throw cause;
        if (parses) assert.doesNotMatch((cause as YangError).faults[0]!.message, syntax);
      }
    }),
    { numRuns: 2000 },
  );
});
