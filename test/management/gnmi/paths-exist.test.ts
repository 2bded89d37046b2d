import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { loadNative, type YangContext } from "../../../native/index.ts";
import { type SchemaRoot, schemaTree } from "../../../src/management/gnmi/schema-tree.ts";
import { openProtocolSchema } from "../../../src/management/index.ts";
import { OWN_PORT } from "../own-port.ts";
import { type GnmiClient, type GnmiRouter, gnmiPath, startGnmiRouter, update } from "./gnmi-router.ts";
import { leafDocument } from "./leaf-document.ts";

const ID = "spiffe://example.net/acme/agent/ocr-1";
const AGENT = {
  id: ID,
  tenant: "acme",
  capability: [{ name: "/vision/ocr", "major-version": 1, address: "fd00:a::1", port: 8080 }],
};

describe("gNMI: what is sent is data of the model", () => {
  let router: GnmiRouter;
  let client: GnmiClient;
  let context: YangContext;
  let root: SchemaRoot;
  before(async () => {
    const neighbor = { address: "fd00:b::2", "remote-as": 65000 };
    router = await startGnmiRouter(
      {},
      {
        "semrd-agent:agents": { agent: [AGENT] },
        "semrd-bgp:bgp": {
          "local-as": 65000,
          address: "::1",
          port: OWN_PORT,
          neighbors: { neighbor: [neighbor] },
        },
      },
    );
    client = router.client();
    context = await openProtocolSchema(loadNative().yang);
    root = schemaTree(await context.schema());
  });
  after(async () => {
    await router[Symbol.asyncDispose]();
    await context[Symbol.asyncDispose]();
  });

  /** Parses, with libyang, what the leaves say together. */
  const parsed = async (leaves: readonly [string, unknown][]): Promise<void> => {
    const document = leafDocument(root, leaves);
    await using tree = await context.parse(JSON.stringify(document), "json", { validate: false, state: true });
    assert.equal(tree.empty, leaves.length === 0);
  };

  it("ONCE of everything: paths with all their keys, values of their types", async () => {
    const stream = client.subscribe({ mode: "ONCE", subscription: [{ path: { elem: [] } }] });
    await stream.over();
    assert.equal(stream.error, undefined);
    const paths = stream.leaves.map(([path]) => path);
    assert.ok(paths.includes("/router/name"));
    assert.ok(
      paths.some((path) => path.includes("/state/")),
      "there is no state among them",
    );
    await parsed(stream.leaves);
  });

  it("state by itself, and the same by Get in one value", async () => {
    const path = `/router/agents/agent[id=${ID}]`;
    const stream = client.subscribe({ mode: "ONCE", subscription: [{ path: gnmiPath(`${path}/...`) }] });
    await stream.over();
    await parsed(stream.leaves);
    const states = await client.get([path], { type: "STATE", encoding: "PROTO" });
    assert.ok(states.notification[0].update.length > 0, "an agent has state");
    const value = (await client.value(path)) as object;
    const entry = { ...value, "semrd-agent:id": ID };
    const text = JSON.stringify({ "semrd-router:router": { "semrd-agent:agents": { agent: [entry] } } });
    await using tree = await context.parse(text, "json", { validate: false, state: true });
    assert.equal(tree.empty, false);
  });

  it("ON_CHANGE of state: an agent that comes and goes is told of, configuration and state", async () => {
    const all = client.subscribe({ mode: "STREAM", subscription: [{ path: gnmiPath("/router/agents") }] });
    await all.synced();
    const before = all.leaves.length;
    await client.set({ update: [update(`/router/agents/agent[id=${ID}b]`, { ...AGENT, id: `${ID}b` })] });
    const isOfNew = ([path]: readonly [string, unknown]): boolean => path.startsWith(`/router/agents/agent[id=${ID}b]`);
    await all.until(() => all.leaves.some((leaf) => isOfNew(leaf) && leaf[0].includes("/state/")), "its state");
    await parsed(all.leaves.slice(before));
    await client.set({ delete: [gnmiPath(`/router/agents/agent[id=${ID}b]`)] });
    await all.until(() => all.leaves.some((leaf) => isOfNew(leaf) && leaf[1] === undefined), "its end");
    all.cancel();
  });

  it("the names of siblings are clear without modules", () => {
    const unclear: string[] = [];
    const look = (node: SchemaRoot): void => {
      for (const child of node.children) {
        if (child.name.includes(":")) unclear.push(child.qualified);
        look(child);
      }
    };
    look({ ...root, children: root.children.filter(({ schema }) => schema.module.startsWith("semrd-")) });
    assert.deepEqual(unclear, []);
  });
});
