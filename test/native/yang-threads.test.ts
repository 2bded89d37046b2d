import assert from "node:assert/strict";
import { test } from "node:test";
import type { YangPrintOptions } from "../../native/index.ts";
import { gardenOf, openGarden } from "./yang-garden.ts";

const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0";
const OURS = 'xmlns="urn:semrd:garden"';

/** What work says, also where it is refused. */
const told = (work: Promise<unknown>): Promise<unknown> =>
  work.catch((cause: { readonly message: string; readonly faults?: unknown }) => [cause.message, cause.faults]);

test("small work is done by the thread that asks for it, large by that of the context; what it says is the same", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const trees = {
    none: await gardenOf(context, {}),
    few: await gardenOf(context, { bed: [{ name: "a" }, { name: "b" }] }),
    many: await gardenOf(context, { bed: Array.from({ length: 3000 }, (_, i) => ({ name: `b${i}` })) }),
  };
  const filters = [
    "",
    "<bed/>",
    "<bed><name>b</name></bed>",
    "<bed><name>b7</name></bed>",
    "<gate/>",
    "<bed x:y='1'/>",
  ];
  const options: YangPrintOptions[] = [
    ...[{}, { indent: true }, { defaults: "report-all" as const }, { keep: [[{ name: "semrd-garden:garden" }]] }],
    ...filters.map((inside) => ({ filter: `<filter><garden ${OURS}>${inside}</garden></filter>` })),
    ...[{ filter: "<filter/>" }, { filter: "<filter" }, { filter: "<filter><nothing/></filter>" }],
  ];
  for (const [which, tree] of Object.entries(trees)) {
    for (const wanted of options) {
      const idle = await told(context.print(tree, "xml", wanted));
      const before = context.treeCount(); // its thread has something to do
      const busy = told(context.print(tree, "xml", wanted));
      await before;
      assert.deepEqual(await busy, idle, `${which}: ${JSON.stringify(wanted)}`);
    }
  }
  const get = (inside: string): string =>
    `<rpc xmlns="${BASE}" message-id="1"><get-config><source><running/></source>${inside}</get-config></rpc>`;
  for (const text of [
    get(""),
    get("<filter/>"),
    get("<filter"),
    get("<what/>"),
    get(`<filter>${"<x/>".repeat(1000)}</filter>`),
    "",
  ]) {
    const idle = await told(context.parseRequest(text));
    const before = context.treeCount();
    const busy = told(context.parseRequest(text));
    await before;
    assert.deepEqual(await busy, idle, text.slice(0, 200));
  }
});

test("work that is done at once is refused when its context is disposed, as other work is", async (t) => {
  const context = await openGarden(t);
  if (context === undefined) return;
  const tree = await gardenOf(context, {});
  const over = context[Symbol.asyncDispose]();
  await assert.rejects(context.print(tree, "xml"), { code: "ECANCELED" });
  await assert.rejects(context.parseRequest("<rpc/>"), { code: "ECANCELED" });
  await over;
});
