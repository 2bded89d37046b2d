import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { YangContext, YangError, YangTree } from "../../native/index.ts";
import { faultsOf, garden, gardenOf, openGarden } from "./yang-garden.ts";

const XML = garden(
  `<name><![CDATA[ho]]>me</name><bed nc:operation="merge"><name>a&#x62;</name><place>1</place></bed><!-- x -->` +
    `<path yang:insert="first" yang:key='[name="p"]'><name>&lt;p&gt;</name></path><tool>h&#233;</tool>`,
);
const JSON_TEXT =
  '{"semrd-garden:garden":{"name":"ho\\u006de","bed":[{"name":"a","@":{"ietf-netconf:operation":"merge"}}],' +
  '"tool":["h\\u00e9"],"@tool":[{"yang:insert":"last"}],"mortar":[null],"area":"1.5"}}';

/** Either a tree, which is freed, or faults: never anything else. */
async function survive(work: Promise<YangTree>): Promise<boolean> {
  try {
    await (await work).dispose();
    return true;
  } catch (error) {
    assert.equal((error as YangError).code, "EYANG", String(error));
    return false;
  }
}

test("what is cut short is refused at every octet", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  assert.ok(await survive(context.edit(undefined, XML, "xml")));
  assert.ok(await survive(context.edit(undefined, JSON_TEXT, "json")));
  for (let end = 1; end < XML.length; end++)
    assert.equal(await survive(context.edit(undefined, XML.slice(0, end), "xml")), false, XML.slice(0, end));
  for (let end = 0; end < JSON_TEXT.length; end++)
    assert.equal(await survive(context.edit(undefined, JSON_TEXT.slice(0, end), "json")), false);
  assert.equal(await context.treeCount(), 0);
});

test("any change of any octet is read or refused", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const base = await gardenOf(context, { path: [{ name: "p" }] });
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(["xml", XML] as const, ["json", JSON_TEXT] as const),
      fc.array(fc.tuple(fc.nat(1000), fc.integer({ min: 0, max: 0x2ff })), { minLength: 1, maxLength: 6 }),
      async ([format, text], changes) => {
        const units = [...text];
        for (const [at, unit] of changes) units[at % units.length] = String.fromCharCode(unit);
        const changed = units.join("");
        await survive(context.edit(base, changed, format));
        await survive(context.filter(base, changed));
        await context.parseRequest(changed).catch((error: YangError) => assert.equal(error.code, "EYANG"));
      },
    ),
    { numRuns: 400 },
  );
  assert.equal(await context.treeCount(), 1);
});

const MALFORMED: readonly (readonly [name: string, xml: string, message: RegExp])[] = [
  ["a DTD", `<!DOCTYPE x [<!ENTITY a "b">]>${XML}`, /document type/],
  ["an entity of its own", garden("<name>&a;</name>"), /entity a/],
  ["a billion laughs", `<!DOCTYPE l [<!ENTITY a "${"b".repeat(99)}"><!ENTITY c "&a;&a;">]><l>&c;</l>`, /document type/],
  ["a reference to NUL", garden("<name>&#0;</name>"), /not a character/],
  ["a reference above Unicode", garden("<name>&#x110000;</name>"), /not a character/],
  ["a control character", garden("<name>\u0001</name>"), /control/],
  ["nesting", "<a>".repeat(501) + "</a>".repeat(501), /too deep/],
  ["another end tag", "<a><b></a></b>", /another element/],
  ["an end tag that begins alike", "<ab></a>", /another element/],
  ["an attribute twice", '<a b="1" b="2"/>', /twice/],
  ["a prefix of an element that is not bound", "<p:a/>", /prefix p is not bound/],
  ["a prefix that is unbound", '<a xmlns:p=""/>', /cannot be unbound/],
  ["text outside", "<a/>b", /text outside/],
  ["'<' in an attribute", '<a b="<"/>', /'<'/],
  ["a comment without end", "<a/><!-- ", /no end/],
  ["CDATA without end", "<a><![CDATA[x</a>", /no end/],
];
for (const [name, xml, message] of MALFORMED)
  test(`malformed: ${name}`, async (t) => {
    const context = await openGarden(t);
    if (context === undefined) return;
    const base = await gardenOf(context, {});
    for (const work of [() => context.edit(base, xml, "xml"), () => context.filter(base, xml)]) {
      const [fault] = await faultsOf(work());
      assert.equal(fault!.errorTag, "malformed-message");
      assert.match(fault!.message, message);
    }
  });

test("octets that are not UTF-8, a member twice, half a surrogate, deep nesting in JSON", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  for (const text of [
    '{"a":1,"a":2}',
    '{"semrd-garden:garden":{"name":"\\ud800"}}',
    '{"semrd-garden:garden":{"name":"\\u0000"}}',
    `${'{"a":'.repeat(501)}1${"}".repeat(501)}`,
    "[1]",
  ])
    assert.equal((await faultsOf(context.edit(undefined, text, "json")))[0]!.errorTag, "malformed-message", text);
});

test("text that comes in many pieces costs no more than its length", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const pieces = `<name>${"a<!---->".repeat(200_000)}</name>`;
  const before = process.cpuUsage();
  const [fault] = await faultsOf(context.edit(undefined, garden(pieces), "xml"));
  assert.equal(fault!.errorTag, "invalid-value");
  const { user } = process.cpuUsage(before);
  assert.ok(user < 1_500_000, `${user} µs for 1.6 MB`);
});

async function cycle(context: YangContext, base: YangTree, n: number): Promise<void> {
  await using edited = await context.edit(base, garden(`<bed><name>n${n}</name><depth>9</depth></bed>`), "xml");
  await using validated = await context.validate(edited);
  await context.diff(base, validated);
  await using filtered = await context.filter(validated, '<garden xmlns="urn:semrd:garden"><bed/></garden>');
  await context.print(filtered, "json");
  await context.select(validated, [{ name: "..." }]);
  await faultsOf(context.edit(base, garden("<nothing/>"), "xml"));
  await using wrong = await context.edit(base, garden("<bed><name>x</name><beside>y</beside></bed>"), "xml");
  await faultsOf(context.validate(wrong));
  await context.parseRequest(
    '<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><sow xmlns="urn:semrd:garden"><seed>k:rose</seed></sow></rpc>',
  );
}

test("memory stays where it is over 10 000 operations, and every tree goes", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const base = await gardenOf(context, { bed: [{ name: "a" }] });
  const resident = () => process.memoryUsage.rss() / 1e6;
  for (let n = 0; n < 300; n++) await cycle(context, base, n);
  const warm = resident();
  for (let n = 0; n < 1000; n++) await cycle(context, base, n);
  assert.equal(await context.treeCount(), 1);
  assert.ok(resident() - warm < 25, `${warm} MB grew to ${resident()} MB`);
});
