import assert from "node:assert/strict";
import { test } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { XPathEvaluator } from "../../../src/management/xpath/index.ts";
import { YangModel } from "../../../src/management/yang/model.ts";
import { openSchema, searchPaths } from "../../../src/management/yang/schema.ts";

const ROUTER = {
  "semrd-router:router": {
    name: "r1",
    "semrd-tenant:tenants": {
      tenant: [
        { name: "acme", index: 1 },
        { name: "globex", index: 2 },
      ],
    },
  },
};

test("a datastore is read by XPath, with the prefixes of the client", async () => {
  await using context = await openSchema(loadNative().yang);
  await using xpath = new XPathEvaluator({ searchPaths: searchPaths(), clock: systemClock });
  const model = await YangModel.open(context, { xpath });
  const tree = await model.parse(JSON.stringify(ROUTER), "json");
  assert.ok(tree.ok);
  const select = (expression: string) => ({
    xpath: expression,
    namespaces: { r: "urn:semrd:yang:semrd-router", t: "urn:semrd:yang:semrd-tenant" },
  });
  const found = await model.read(tree.value, {
    format: "json",
    select: select("/r:router/t:tenants/t:tenant[t:index=2]/t:name"),
  });
  assert.ok(found.ok);
  assert.deepEqual(JSON.parse(Buffer.from(found.value).toString()), {
    "semrd-router:router": { "semrd-tenant:tenants": { tenant: [{ name: "globex" }] } },
  });
  const wrong = await model.read(tree.value, { format: "json", select: select("/x:router") });
  assert.equal(wrong.ok ? undefined : wrong.faults[0]?.errorTag, "unknown-namespace");
});

test("a value that was set to its default is there, as it is without XPath", async () => {
  await using context = await openSchema(loadNative().yang);
  await using xpath = new XPathEvaluator({ searchPaths: searchPaths(), clock: systemClock });
  const model = await YangModel.open(context, { xpath });
  const telemetry = { "log-level": "info" };
  const router = { ...ROUTER["semrd-router:router"], "semrd-telemetry:telemetry": telemetry };
  const tree = await model.parse(JSON.stringify({ "semrd-router:router": router }), "json");
  assert.ok(tree.ok);
  const namespaces = { r: "urn:semrd:yang:semrd-router", t: "urn:semrd:yang:semrd-telemetry" };
  const found = await model.read(tree.value, {
    format: "json",
    select: { xpath: "/r:router/t:telemetry", namespaces },
  });
  assert.ok(found.ok);
  assert.deepEqual(JSON.parse(Buffer.from(found.value).toString()), {
    "semrd-router:router": { "semrd-telemetry:telemetry": telemetry },
  });
});
