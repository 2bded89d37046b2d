import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { status } from "@grpc/grpc-js";
import {
  type GnmiClient,
  type GnmiRouter,
  gnmiPath,
  json,
  pathText,
  refusal,
  sentValue,
  startGnmiRouter,
  update,
} from "./gnmi-router.ts";

const TENANT = "/router/tenants/tenant[name=acme]";
const CAPABILITY = "/router/taxonomy/capability[name=/vision/ocr][major-version=1]";

describe("gNMI: Capabilities, Get, Set", () => {
  let router: GnmiRouter;
  let client: GnmiClient;
  before(async () => {
    router = await startGnmiRouter();
    client = router.client();
  });
  after(() => router[Symbol.asyncDispose]());

  it("says its models, encodings and version", async () => {
    const { supported_models: models, supported_encodings, gNMI_version } = await client.call("Capabilities", {});
    assert.equal(gNMI_version, "0.10.0");
    assert.deepEqual(supported_encodings, ["JSON", "JSON_IETF", "PROTO", "ASCII"]);
    const ours = models.find(({ name }: { name: string }) => name === "semrd-router");
    assert.equal(ours.organization, "The semrd project");
    assert.match(ours.version, /^\d{4}-\d\d-\d\d$/);
  });

  it("gets a leaf, a container, a list entry, all of a list, and everything", async () => {
    assert.equal(await client.value("/router/name"), "r1");
    assert.deepEqual(await client.value(`${TENANT}/import-target`), ["65000:1"]);
    const site = await client.value("/router/site", { type: "CONFIG" });
    assert.deepEqual(site, { "semrd-router:selector": 1, "semrd-router:locator": "fd00:ffff::1" });
    const entry = (await client.value(TENANT, { type: "CONFIG" })) as Record<string, unknown>;
    assert.equal(entry["semrd-tenant:index"], 1);
    const { notification } = await client.get(["/router/tenants/tenant"], { type: "CONFIG" });
    assert.deepEqual(
      notification[0].update.map(({ path }: never) => pathText(path)),
      [TENANT],
    );
    const all = (await client.value("/", { type: "CONFIG" })) as Record<string, { name: string }>;
    assert.equal(all["semrd-router:router"]!.name, "r1");
  });

  it("takes a module name as origin, and echoes origin and target", async () => {
    const prefix = { target: "r1", origin: "semrd-router", elem: [{ name: "router", key: {} }] };
    const { notification } = await client.call("Get", {
      prefix,
      path: [{ elem: [{ name: "name", key: {} }] }],
      encoding: "JSON_IETF",
    });
    assert.equal(notification[0].prefix.target, "r1");
    assert.equal(notification[0].prefix.origin, "semrd-router");
    assert.equal(pathText(notification[0].update[0].path), "/router/name");
    const odd = await refusal(client.call("Get", { path: [{ origin: "nobody", elem: [] }], encoding: "JSON_IETF" }));
    assert.equal(odd.code, status.INVALID_ARGUMENT);
  });

  it("gets by wildcards in names, keys and depth", async () => {
    const anyKey = await client.get(["/router/tenants/tenant[name=*]/index"]);
    assert.equal(sentValue(anyKey.notification[0].update[0]), 1);
    const anyName = await client.get(["/router/*/locator"], { type: "CONFIG" });
    assert.deepEqual(
      anyName.notification[0].update.map(({ path }: never) => pathText(path)),
      ["/router/site/locator"],
    );
    const anywhere = await client.get(["/.../route-distinguisher"], { type: "CONFIG" });
    assert.deepEqual(
      anywhere.notification[0].update.map(({ path }: never) => pathText(path)),
      [`${TENANT}/route-distinguisher`],
    );
  });

  it("keeps within a depth", async () => {
    const shallow = (await client.value("/router", {
      type: "CONFIG",
      extension: [{ depth: { level: 1 } }],
    })) as Record<string, unknown>;
    assert.equal(shallow["semrd-router:name"], "r1");
    assert.equal(shallow["semrd-router:site"], undefined);
  });

  it("answers in plain JSON and in PROTO", async () => {
    const plain = (await client.value("/router/tenants", { encoding: "JSON", type: "CONFIG" })) as {
      tenant: { index: number }[];
    };
    assert.equal(plain.tenant[0]!.index, 1);
    const { notification } = await client.get([TENANT], { encoding: "PROTO", type: "CONFIG" });
    const leaves = Object.fromEntries(
      notification[0].update.map((leaf: { path: never; val: { value: string } }) => [pathText(leaf.path), leaf.val]),
    );
    assert.equal(leaves[`${TENANT}/index`].uint_val, "1");
    assert.equal(leaves[`${TENANT}/route-distinguisher`].string_val, "0:65000:1");
    assert.equal(leaves[`${TENANT}/import-target`].leaflist_val.element[0].string_val, "65000:1");
    const bytes = await refusal(client.get(["/router/name"], { encoding: "BYTES" }));
    assert.equal(bytes.code, status.UNIMPLEMENTED);
  });

  it("tells what is not there from what cannot be", async () => {
    const missing = await refusal(client.get(["/router/tenants/tenant[name=nobody]"]));
    assert.equal(missing.code, status.NOT_FOUND);
    const unknown = await refusal(client.get(["/router/nonsense"]));
    assert.equal(unknown.code, status.NOT_FOUND);
    assert.match(unknown.details, /no node nonsense/);
    const noKey = await refusal(client.get(["/router/tenants/tenant[colour=red]"]));
    assert.equal(noKey.code, status.INVALID_ARGUMENT);
    const { notification } = await client.get(["/router/nodes/node"]);
    assert.deepEqual(notification[0].update, []);
    const below = await refusal(client.get(["/router/tenants/tenant[name=nobody]/index"]));
    assert.equal(below.code, status.NOT_FOUND);
  });

  it("sets updates, replaces and deletes as one", async () => {
    const answer = await client.set({
      prefix: { target: "r1", elem: gnmiPath("/router").elem },
      delete: [gnmiPath("/nodes/node[locator=fd00:ffff::9]")],
      replace: [update("/tenants/tenant[name=beta]", beta("2"))],
      update: [update("/taxonomy/capability[name=/audio/tts][major-version=1]/description", "speaks")],
    });
    assert.deepEqual(
      answer.response.map(({ op }: { op: string }) => op),
      ["DELETE", "REPLACE", "UPDATE"],
    );
    assert.equal(answer.prefix.target, "r1");
    assert.equal(await client.value("/router/tenants/tenant[name=beta]/index"), 2);
    assert.equal(
      await client.value("/router/taxonomy/capability[name=/audio/tts][major-version=1]/description"),
      "speaks",
    );
    await client.set({ delete: [gnmiPath("/router/tenants/tenant[name=beta]")] });
    assert.equal((await refusal(client.get(["/router/tenants/tenant[name=beta]"]))).code, status.NOT_FOUND);
  });

  it("sets nothing where one part is wrong, and says which and why", async () => {
    const refused = await refusal(
      client.set({ update: [update(`${CAPABILITY}/description`, "never"), update(`${TENANT}/index`, 70_000_000_000)] }),
    );
    assert.equal(refused.code, status.INVALID_ARGUMENT);
    assert.match(refused.details, /tenant\[name='acme'\]\/index/);
    assert.equal((await refusal(client.get([`${CAPABILITY}/description`]))).code, status.NOT_FOUND);
  });

  it("takes typed values of every kind", async () => {
    const path = gnmiPath(`${CAPABILITY}/description`);
    await client.set({ update: [{ path, val: { string_val: "reads text" } }] });
    assert.equal(await client.value(`${CAPABILITY}/description`), "reads text");
    await client.set({ update: [{ path: gnmiPath(`${CAPABILITY}/service-port`), val: { uint_val: 8081 } }] });
    assert.equal(await client.value(`${CAPABILITY}/service-port`), 8081);
    const targets = gnmiPath(`${TENANT}/import-target`);
    const list = { element: [{ string_val: "65000:1" }, { string_val: "65000:7" }] };
    await client.set({ update: [{ path: targets, val: { leaflist_val: list } }] });
    assert.deepEqual(await client.value(`${TENANT}/import-target`), ["65000:1", "65000:7"]);
    await client.set({ replace: [{ path: targets, val: json(["65000:1"]) }] });
    assert.deepEqual(await client.value(`${TENANT}/import-target`), ["65000:1"]);
    const plain = { tenant: [{ ...beta("3"), name: "gamma" }] };
    const val = { json_val: Buffer.from(JSON.stringify(plain)) };
    await client.set({ update: [{ path: gnmiPath("/router/tenants"), val }] });
    assert.equal(await client.value("/router/tenants/tenant[name=gamma]/index"), 3);
    await client.set({ delete: [gnmiPath("/router/tenants/tenant[name=gamma]")] });
  });

  it("refuses values that do not fit where they are sent", async () => {
    const cases: readonly [string, object, RegExp][] = [
      [TENANT, { string_val: "x" }, /no leaf/],
      [TENANT, { json_ietf_val: Buffer.from("{") }, /not JSON/],
      [TENANT, { json_ietf_val: Buffer.from([0xff]) }, /UTF-8/],
      [TENANT, json({ name: "other" }), /another name/],
      [TENANT, json([1]), /object/],
      [`${TENANT}/index`, json("x"), /index/],
      ["/router/tenants/tenant", json({ name: "x" }), /key name/],
      ["/router/*/tenant[name=acme]", json({}), /one kind of node/],
    ];
    for (const [path, val, why] of cases) {
      const refused = await refusal(client.set({ update: [{ path: gnmiPath(path), val }] }));
      assert.equal(refused.code, status.INVALID_ARGUMENT, `${path}: ${refused.details}`);
      assert.match(refused.details, why);
    }
  });

  it("replaces everything by replace of the root and by union_replace", async () => {
    const { notification } = await client.get(["/"], { type: "CONFIG" });
    const all = sentValue(notification[0].update[0]) as Record<string, Record<string, unknown>>;
    const changed = structuredClone(all);
    changed["semrd-router:router"]!["semrd-tenant:tenants"] = { tenant: [...tenantsOf(all), beta("9")] };
    await client.set({ replace: [{ path: { elem: [] }, val: json(changed) }] });
    assert.equal(await client.value("/router/tenants/tenant[name=beta]/index"), 9);
    const answer = await client.set({ union_replace: [{ path: { elem: [] }, val: json(all) }] });
    assert.deepEqual(
      answer.response.map(({ op }: { op: string }) => op),
      ["UNION_REPLACE"],
    );
    assert.equal((await refusal(client.get(["/router/tenants/tenant[name=beta]"]))).code, status.NOT_FOUND);
  });

  it("commits until confirmed: one at a time, by its id, with nothing else in between", async () => {
    const path = `${CAPABILITY}/description`;
    const commit = (id: string, action: object) => ({ extension: [{ commit: { id, ...action } }] });
    const begun = { commit: { rollback_duration: { seconds: 60, nanos: 0 } } };
    await client.set({ update: [update(path, "to be confirmed")], ...commit("c1", begun) });
    const second = await refusal(client.set({ update: [update(path, "x")], ...commit("c2", begun) }));
    assert.equal(second.code, status.FAILED_PRECONDITION);
    const plain = await refusal(client.set({ update: [update(path, "x")] }));
    assert.equal(plain.code, status.FAILED_PRECONDITION);
    const other = await refusal(client.set(commit("c2", { confirm: {} })));
    assert.equal(other.code, status.INVALID_ARGUMENT);
    await client.set(commit("c1", { set_rollback_duration: { rollback_duration: { seconds: 90, nanos: 0 } } }));
    await client.set(commit("c1", { confirm: {} }));
    assert.equal(await client.value(path), "to be confirmed");
    const none = await refusal(client.set(commit("c1", { confirm: {} })));
    assert.equal(none.code, status.FAILED_PRECONDITION);

    await client.set({ update: [update(path, "to be cancelled")], ...commit("c3", begun) });
    await client.set(commit("c3", { cancel: {} }));
    assert.equal(await client.value(path), "to be confirmed");
  });

  it("names the values of an enumeration to those who have sent another", async () => {
    const { code, details } = await refusal(client.set({ update: [update("/router/telemetry/log-level", "loud")] }));
    assert.equal(code, status.INVALID_ARGUMENT);
    assert.match(details, /log-level: not one of error, warn, info and debug$/);
  });

  it("lets only the master of a role write", async () => {
    const as = (low: number) => ({
      extension: [{ master_arbitration: { role: { id: "te" }, election_id: { high: 0, low } } }],
    });
    await client.set(as(2));
    assert.equal((await refusal(client.set(as(1)))).code, status.PERMISSION_DENIED);
    await client.set(as(3));
  });

  it("lets nobody in without the right name and password", async () => {
    for (const login of [
      {},
      { username: "admin" },
      { username: "admin", password: "x" },
      { username: "y", password: "x" },
    ]) {
      const refused = await refusal(router.client(login).get(["/router/name"]));
      assert.equal(refused.code, status.UNAUTHENTICATED);
    }
  });
});

const beta = (index: string): object => ({
  ...{ name: "beta", index: Number(index), "route-distinguisher": `0:65000:${index}` },
  ...{ "import-target": ["65000:2"], "export-target": ["65000:2"] },
});

const tenantsOf = (all: Record<string, Record<string, unknown>>): object[] =>
  (all["semrd-router:router"]!["semrd-tenant:tenants"] as { tenant: object[] }).tenant;
