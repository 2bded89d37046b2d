import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type NetconfRouter, startNetconfRouter } from "./netconf-router.ts";
import { readReply } from "./oracle.ts";
import { BASE } from "./raw-client.ts";

let router: NetconfRouter;
before(async () => {
  router = await startNetconfRouter();
});
after(() => router[Symbol.asyncDispose]());

describe("as Ansible's netconf_rpc writes what its user has named without a namespace", () => {
  const asked = async (inner: string): Promise<string> => {
    await using client = await router.open();
    await client.message(
      `<?xml version="1.0" encoding="UTF-8"?><nc:rpc xmlns:nc="${BASE}" message-id="1">${inner}</nc:rpc>`,
    );
    return await client.answer();
  };

  for (const operation of [
    "<lock><target><candidate/></target></lock>",
    "<discard-changes/>",
    "<copy-config><source><running/></source><target><startup/></target></copy-config>",
  ])
    it(operation, async () => assert.ok(readReply(await asked(operation)).ok));

  it("get with a filter", async () => {
    const schemas =
      '<netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><schemas/></netconf-state>';
    assert.match(await asked(`<get><filter>${schemas}</filter></get>`), /<identifier>semrd-router<\/identifier>/);
  });

  it("what is no operation is refused as it was written", async () => {
    const { errors } = readReply(await asked("<frobnicate/>"));
    assert.deepEqual([errors[0]?.tag, errors[0]?.badElement], ["unknown-namespace", "frobnicate"]);
  });
});
