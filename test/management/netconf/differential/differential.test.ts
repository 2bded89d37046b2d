import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { essence } from "./answers.ts";
import { BEGIN, CASES, edit } from "./cases.ts";
import { DIFFERENCES } from "./differences.ts";
import { netconfd, ours, type Subject, whyNoNetconfd } from "./subjects.ts";

const BASE = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"';

describe("what an answer comes to", () => {
  for (const [name, xml, want] of [
    ["ok", `<rpc-reply ${BASE}><ok/></rpc-reply>`, "ok"],
    [
      "data, whatever its prefixes, blanks and order, but that of the user",
      `<rpc-reply ${BASE}><data><a:x xmlns:a="urn:a"> <a:b>1</a:b><a:a/><a:tag>z</a:tag><a:tag>y</a:tag></a:x></data></rpc-reply>`,
      "data x{a= b=1 tag=z tag=y}",
    ],
    [
      "errors by their tags",
      `<rpc-reply ${BASE}><rpc-error><error-tag>b</error-tag></rpc-error><rpc-error><error-tag>a</error-tag></rpc-error></rpc-reply>`,
      "a b",
    ],
    ["nothing", `<rpc-reply ${BASE}><data/></rpc-reply>`, "data "],
  ] as const)
    it(name, () => assert.equal(essence(xml), want));
});

/** What a server answers to each case. */
async function answers(subject: Subject): Promise<readonly (readonly string[])[]> {
  await using a = await subject.open();
  await using b = await subject.open();
  const all: string[][] = [];
  for (const { asks } of CASES) {
    for (const begin of ["<discard-changes/>", edit(BEGIN), "<commit/>"])
      assert.equal(essence(await a.rpc(begin)), "ok");
    const said: string[] = [];
    for (const ask of asks) {
      const [client, request] = typeof ask === "string" ? [a, ask] : [b, ask[1]];
      said.push(essence(await client.rpc(request.replaceAll("$a", String(a.sessionId)))));
    }
    all.push(said);
  }
  return all;
}

const skip = whyNoNetconfd();

describe("semrd and netconfd, asked the same", { skip: skip === undefined ? false : `skipped: ${skip}` }, () => {
  let own: readonly (readonly string[])[];
  let theirs: readonly (readonly string[])[];
  before(async () => {
    await using semrd = await ours();
    own = await answers(semrd);
    await using other = await netconfd();
    theirs = await answers(other);
  });
  after(() => assert.ok(Object.keys(DIFFERENCES).every((name) => CASES.some((one) => one.name === name))));

  for (const [at, { name }] of CASES.entries()) {
    const difference = DIFFERENCES[name];
    it(difference === undefined ? name : `${name}: ${difference.why}`, () => {
      const wanted = own[at]!.map((said, i) => (i === difference?.ask ? difference.netconfd : said));
      assert.deepEqual(theirs[at], wanted);
      if (difference !== undefined) assert.equal(own[at]![difference.ask], difference.semrd);
    });
  }
});
