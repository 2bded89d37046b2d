import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { loadNative } from "../../../native/index.ts";
import { systemClock } from "../../../src/host/index.ts";
import { type GetOptions, type Path, StateBook, type StateSource } from "../../../src/management/index.ts";
import { YangModel } from "../../../src/management/yang/model.ts";
import { StateReader } from "../../../src/management/yang/operational.ts";
import { openSchema } from "../../../src/management/yang/schema.ts";

const AGENT: Path = [{ name: "semrd-router:router" }, { name: "semrd-agent:agents" }, { name: "semrd-agent:agent" }];
const AGENTS = ["urn:configured", "urn:registered"];

const agents: StateSource = {
  path: AGENT,
  *rows() {
    for (const id of AGENTS) {
      const path = AGENT.map((step, i) => (i === 2 ? { ...step, keys: { id } } : step));
      const tenant = id === AGENTS[0] ? {} : { tenant: "acme" };
      yield { path, value: { ...tenant, state: { instances: 1 } } };
    }
  },
};

const tenant = (name: string, index: number) => ({
  ...{ name, index, "route-distinguisher": `0:65000:${index}` },
  ...{ "import-target": [`65000:${index}`], "export-target": [`65000:${index}`] },
});
const router = (changes: object): string =>
  JSON.stringify({
    "semrd-router:router": {
      ...{ name: "r1", "router-id": "192.0.2.1", site: { selector: 1, locator: "fd00:ffff::1" } },
      domain: { "dns-zone": "example.net", prefix: "fd5e:3d00:1::/48" },
      "semrd-tenant:tenants": { tenant: [tenant("acme", 1)] },
      "semrd-telemetry:telemetry": { prometheus: { port: 9000 } },
      "semrd-agent:agents": {
        agent: [
          {
            ...{ id: AGENTS[0], tenant: "acme" },
            capability: [{ name: "/vision/ocr", "major-version": 1, address: "fd00:a::1", port: 80 }],
          },
        ],
      },
      "semrd-taxonomy:taxonomy": { revision: 1, capability: [{ name: "/vision/ocr", "major-version": 1 }] },
      ...changes,
    },
  });

describe("where configuration in use comes from (RFC 8342 §5.3.4, RFC 8526 §3.1.1)", () => {
  let context: Awaited<ReturnType<typeof openSchema>>;
  let model: YangModel;
  before(async () => {
    context = await openSchema(loadNative().yang);
    model = await YangModel.open(context);
  });
  after(() => context[Symbol.asyncDispose]());

  async function tree(text: string) {
    const parsed = await model.parse(text, "json");
    assert.ok(parsed.ok, JSON.stringify(parsed));
    const valid = await model.validate(parsed.value);
    await parsed.value.dispose();
    assert.ok(valid.ok, JSON.stringify(valid));
    return valid.value;
  }

  /** `intended`: with what waits for a restart. */
  async function read(options: Partial<GetOptions>, waiting: object = {}): Promise<string> {
    const book = new StateBook(systemClock);
    book.add(agents);
    const [applied, intended] = [await tree(router({})), await tree(router(waiting))];
    try {
      const reader = new StateReader(model, book, systemClock);
      const text = await reader.read(applied, { format: "xml", ...options }, undefined, { intended, applied });
      assert.ok(text.ok, JSON.stringify(text));
      return Buffer.from(text.value).toString();
    } finally {
      await applied.dispose();
      await intended.dispose();
    }
  }

  /** Elements with their origins, inherited or not: `name` by its place. */
  const originsIn = (xml: string): ReadonlyMap<string, string> => {
    const found = new Map<string, string>();
    const trail: { readonly name: string; readonly origin: string }[] = [];
    for (const [, closing, name, rest] of xml.matchAll(/<(\/?)([\w-]+)([^>]*)>/g)) {
      if (closing === "/") {
        trail.pop();
        continue;
      }
      const origin = / or:origin="or:(\w+)"/.exec(rest!)?.[1] ?? trail.at(-1)?.origin ?? "none";
      if (!rest!.endsWith("/")) trail.push({ name: name!, origin });
      found.set([...trail.map((one) => one.name), ...(rest!.endsWith("/") ? [name!] : [])].join("/"), origin);
    }
    return found;
  };
  const REPORT_ALL = { defaults: "report-all" } as const;

  it("intended, default, and learned what has registered itself", async () => {
    const xml = await read({ ...REPORT_ALL, origin: { annotate: true } });
    assert.match(xml, /^<router [^>]*or:origin="or:intended"/m);
    assert.match(xml, /^<nacm [^>]*or:origin="or:default"/m);
    const origins = originsIn(xml);
    assert.equal(origins.get("router/tenants/tenant/index"), "intended");
    assert.equal(origins.get("router/telemetry/prometheus/port"), "intended");
    assert.equal(origins.get("router/telemetry/prometheus/address"), "default");
    const [, registered] = xml.split("</agent>");
    assert.match(registered!, /<agent or:origin="or:learned">\s*<id>urn:registered<\/id>\s*<tenant>acme</);
    assert.doesNotMatch(xml, /<state [^>]*or:origin/, "state has no origin");
    assert.equal(xml.match(/or:origin="or:intended"/g)!.length, 1, "said once, and inherited");
  });

  it("unknown what has another value now, and what is no longer configured: it waits for a restart", async () => {
    const waiting = {
      "semrd-telemetry:telemetry": { prometheus: { port: 9001 } },
      "semrd-agent:agents": {},
    };
    const origins = originsIn(await read({ ...REPORT_ALL, origin: { annotate: true } }, waiting));
    assert.equal(origins.get("router/telemetry/prometheus/port"), "unknown");
    assert.equal(origins.get("router/agents/agent/tenant"), "learned", "the last one");
    const xml = await read({ origin: { annotate: true, only: ["unknown"] } }, waiting);
    assert.match(xml, /<agent or:origin="or:unknown">\s*<id>urn:configured<\/id>/);
    assert.match(xml, /<port or:origin="or:unknown">9000</);
  });

  it("a filter has the nodes of its origins, what they stand in, and state", async () => {
    const learned = await read({ ...REPORT_ALL, origin: { only: ["learned"] } });
    assert.match(learned, /<id>urn:registered<\/id>\s*<tenant>acme<\/tenant>/);
    assert.match(learned, /<id>urn:configured<\/id>\s*<state>/, "for its state, with its key");
    assert.doesNotMatch(learned, /<index>|<port>|or:origin/);
    const others = await read({ ...REPORT_ALL, origin: { others: ["learned", "default"] } });
    assert.match(others, /<index>1<\/index>/);
    assert.doesNotMatch(others, /<tenant>acme<\/tenant>\s*<state>|<address>::1</);
    assert.match(await read({ ...REPORT_ALL, origin: { only: ["default"] } }), /<address>::1</);
    const none = await read({ content: "config", origin: { only: [] } }); // state does not keep what it stands in
    assert.equal(none.trim(), "", "nothing comes from there");
  });

  it("each leaf is of exactly one origin", async () => {
    const leaves = (xml: string): number => xml.match(/<([\w-]+)[^>]*>[^<]+<\/\1>/g)?.length ?? 0;
    const keys = (xml: string): number => xml.match(/<(name|id|major-version)>/g)?.length ?? 0;
    const configuration = { ...REPORT_ALL, content: "config" } as const;
    const select = { select: { subtree: TELEMETRY } } as const;
    const all = leaves(await read({ ...configuration, ...select }));
    let sum = 0;
    for (const origin of ["intended", "default", "learned", "unknown"] as const) {
      const only = await read({ ...configuration, ...select, origin: { only: [origin] } });
      assert.equal(keys(only), 0);
      sum += leaves(only);
      const others = await read({ ...configuration, ...select, origin: { others: [origin] } });
      assert.equal(leaves(only) + leaves(others), all, origin);
    }
    assert.equal(sum, all);
  });

  it("levels are counted from each node that was selected, with its keys", async () => {
    const depth = async (select: NonNullable<GetOptions["select"]>, levels: number) =>
      [...(await read({ select, depth: levels })).matchAll(/<([\w-]+)(?=[ >/])/g)].map(([, name]) => name);
    const subtree =
      '<router xmlns="urn:semrd:yang:semrd-router"><tenants xmlns="urn:semrd:yang:semrd-tenant"/></router>';
    assert.deepEqual(await depth({ subtree }, 1), ["router", "tenants"]);
    assert.deepEqual(await depth({ subtree }, 2), ["router", "tenants", "tenant", "name"]);
    assert.equal((await depth({ subtree }, 3)).length, 8);
    assert.deepEqual(await depth({ paths: ["/router/tenants", "/router/tenants/tenant/index"] }, 1), [
      ...["router", "tenants", "tenant", "name", "index"],
    ]);
    assert.deepEqual(await depth({ paths: ["/semrd-router:router"] }, 1), ["router"]);
  });
});

const TELEMETRY =
  '<router xmlns="urn:semrd:yang:semrd-router"><telemetry xmlns="urn:semrd:yang:semrd-telemetry"/></router>';
